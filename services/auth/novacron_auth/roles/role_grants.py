"""Giving roles to users and taking them: each command is one transaction with its audit entry; then every service hears.

All that could make somebody able to do more, or the platform nobody's, takes turns under one lock, and reads what the caller
may do under it: of two administrators who take each other's role at the same moment, one succeeds.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from novacron.background import Background
from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import FailedPrecondition, InvalidArgument, NotFound
from novacron.paging import PageTokens, page_size

from ..audit.log import AuditLog
from ..caller import Caller
from ..users.store import UserStore
from ..users.user import User
from .grant_table import GrantTable
from .reach import Reach
from .role import Role, RoleGrant
from .role_table import RoleTable

_EXPIRY_SECONDS = 0.5


class RoleGrants:
    """Who has which role beside the one in ``users.role``."""

    def __init__(
        self, database: Database, users: UserStore, reach: Reach, audit: AuditLog, bus: InvalidationBus
    ) -> None:
        self._database = database
        self._users = users
        self._reach = reach
        self._audit = audit
        self._bus = bus
        self._roles = RoleTable(database)
        self._table = GrantTable(database)

    async def grant(self, caller: Caller, user_id: UUID, role_id: UUID, expires_at: datetime | None) -> RoleGrant:
        """Give a user a role; the same again is the same grant, another end replaces it.

        :raises NotFound: no such user or role that the caller sees.
        :raises PermissionDenied: the role may do what the caller may not.
        :raises InvalidArgument: it would be over already, or the role is another tenant's than the user.
        :raises FailedPrecondition: nobody would be left to administer the platform for good.
        """
        async with self._database.transaction() as connection:
            user, role = await self._held(connection, caller, user_id, role_id)
            if role.tenant_id not in (None, user.tenant_id):
                raise InvalidArgument.at("role_id", "is another tenant's role: grant one of the user's own tenant")
            there = await self._table.of(connection, user_id, role_id)
            if there is not None and there.expires_at == expires_at:
                return there
            given = await self._table.give(connection, user_id, role_id, caller.user_id, expires_at)
            if given is None:
                raise InvalidArgument.at("expires_at", "is over already: name a time to come, or none")
            if role.administers:
                await self._reach.require_an_administrator(connection)
            until = {"expires_at": expires_at.isoformat()} if expires_at else {}
            await self._write(connection, caller, "role.grant", user, role, until)
        await self._bus.publish(f"user:{user_id}")
        return given

    async def revoke(self, caller: Caller, user_id: UUID, role_id: UUID) -> None:
        """Take a role from a user, at once; who does not have it keeps not having it.

        :raises PermissionDenied: the role may do what the caller may not.
        :raises FailedPrecondition: it is the user's own role; or nobody would be left to administer the platform.
        """
        async with self._database.transaction() as connection:
            user, role = await self._held(connection, caller, user_id, role_id)
            if await self._table.take(connection, user_id, role_id):
                if role.administers:
                    await self._reach.require_an_administrator(connection)
                await self._write(connection, caller, "role.revoke", user, role)
            elif role.tenant_id is None and role.name == user.role.value:
                raise FailedPrecondition(
                    f"{role.name} is this user's own role, which was not granted: `novacron user update` gives it another"
                )
        await self._bus.publish(f"user:{user_id}")

    async def page(
        self,
        caller: Caller,
        of: tuple[UUID | None, UUID | None],
        size: int,
        token: str,
        tokens: PageTokens,
    ) -> tuple[list[RoleGrant], str]:
        """A page of the grants that hold, of this user and this role where they are named, and the next page's token."""
        number, bound = page_size(size), ("role grants", caller.sees, *of)
        found = await self._table.page(caller.sees, *of, tokens.open(token, *bound), number + 1)
        if len(found) <= number:
            return found, ""
        last = found[number - 1]
        return found[:number], tokens.seal((last.granted_at.isoformat(), str(last.user_id), str(last.role_id)), *bound)

    async def _held(self, connection: Connection, caller: Caller, user_id: UUID, role_id: UUID) -> tuple[User, Role]:
        await self._reach.hold_administrators(connection)
        user = await self._users.hold(connection, user_id, caller.sees)
        if user is None:
            raise NotFound.named("user", user_id)
        role = await self._roles.hold(connection, role_id, caller.sees)
        if role is None:
            raise NotFound.named("role", role_id)
        await self._reach.require_now(connection, caller, "role:grant", role.permissions, f"the role {role.name}")
        return user, role

    async def _write(
        self,
        connection: Connection,
        caller: Caller,
        action: str,
        user: User,
        role: Role,
        more: dict[str, str] | None = None,
    ) -> None:
        told = {"target_user_id": str(user.user_id), "role_id": str(role.role_id), "role": role.name, **(more or {})}
        await self._audit.append(connection, caller.event(action, user.tenant_id, told))


class ExpiredGrants:
    """Tells every service of grants that have ended by themselves, within a second.

    Every replica does, since none knows whether another is alive: what is told twice costs a read.
    """

    def __init__(self, table: GrantTable, bus: InvalidationBus) -> None:
        self._table = table
        self._bus = bus
        self._since: datetime | None = None
        self._background = Background("expired-grants", self.turn, retry_seconds=_EXPIRY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def turn(self) -> float:
        now, users = await self._table.ended_since(self._since)
        if users:
            await self._bus.publish(*(f"user:{user_id}" for user_id in users))
        self._since = now
        return _EXPIRY_SECONDS
