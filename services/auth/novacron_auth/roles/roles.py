"""Administering the roles of tenants: each command is one transaction with its audit entry; then every service hears of it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from psycopg import errors as pg

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import AlreadyExists, FieldViolation, NotFound
from novacron.paging import PageTokens, page_size, parse_filter

from ..audit.log import AuditLog
from ..caller import Caller
from .reach import Reach
from .role import NewRole, Role, RoleChanges, require_existing
from .role_table import FILTERED, RoleTable


class Roles:
    """What may be done with roles. ``existing`` are the permissions that something asks for."""

    def __init__(
        self,
        database: Database,
        table: RoleTable,
        reach: Reach,
        audit: AuditLog,
        bus: InvalidationBus,
        existing: Collection[str],
    ) -> None:
        self._database = database
        self._table = table
        self._reach = reach
        self._audit = audit
        self._bus = bus
        self._existing = existing

    async def create(self, caller: Caller, new: NewRole) -> Role:
        """Make a role; the same id again with the same contents is the same role.

        :raises AlreadyExists: the id or the name is taken, naming the field.
        :raises PermissionDenied: it may do what the caller may not.
        :raises NotFound: there is no such tenant.
        """
        require_existing(new.permissions, self._existing)
        try:
            async with self._database.transaction() as connection:
                await self._reach.hold_administrators(connection)
                await self._reach.require_now(
                    connection, caller, "role:create", new.permissions, f"the role {new.name}"
                )
                if await self._table.is_platforms(connection, new.name):
                    raise _taken("name", f"{new.name} is one of the platform's own roles")
                made = await self._table.add(connection, new)
                if made is not None:
                    await self._write(connection, caller, "role.create", made)
                    return made
        except pg.ForeignKeyViolation:
            raise NotFound.named("tenant", new.tenant_id) from None
        there = await self._table.get(new.role_id, caller.sees)
        if there is not None and new.same_as(there):
            return there
        if await self._table.named(new.name, new.tenant_id) is not None:
            raise _taken("name", f"the tenant has a role named {new.name}")
        raise _taken("role_id", "another role has this id")

    async def get(self, caller: Caller, role: str) -> Role:
        """By id, or by name as the caller's tenant sees it. :raises NotFound: none that the caller sees."""
        try:
            found = await self._table.get(UUID(role), caller.sees)
        except ValueError:
            found = await self._table.named(role, caller.tenant_id)
        if found is None:
            raise NotFound.named("role", role)
        return found

    async def page(
        self, caller: Caller, size: int, token: str, text: str, tokens: PageTokens
    ) -> tuple[list[Role], str]:
        """A page of the roles that the caller sees, and the next page's token."""
        kept, number = parse_filter(text, FILTERED), page_size(size)
        bound = ("roles", caller.sees, text)
        found = await self._table.page(caller.sees, kept, tokens.open(token, *bound), number + 1)
        if len(found) <= number:
            return found, ""
        last = found[number - 1]
        return found[:number], tokens.seal((last.name, str(last.role_id)), *bound)

    async def update(self, caller: Caller, role_id: UUID, changes: RoleChanges, etag: str) -> Role:
        """Change a tenant's role; whoever has it may do accordingly at once.

        :raises PermissionDenied: the role may do, or would, what the caller may not.
        :raises FailedPrecondition: it is one of the platform's own.
        :raises Conflict: ``etag`` is of an older version.
        """
        require_existing(changes.permissions or (), self._existing)
        async with self._database.transaction() as connection:
            role = await self._held(connection, caller, role_id)
            role.require_changeable(etag)
            wanted = changes.on(role)
            reached = role.permissions | wanted.permissions
            await self._reach.require_now(connection, caller, "role:update", reached, f"the role {role.name}")
            if wanted == role:
                return role
            changed = await self._table.change(connection, wanted)
            await self._write(connection, caller, "role.update", changed)
        await self._tell(changed)
        return changed

    async def delete(self, caller: Caller, role_id: UUID) -> None:
        """Take a tenant's role from everybody, and forget it."""
        async with self._database.transaction() as connection:
            role = await self._held(connection, caller, role_id)
            role.require_changeable()
            await self._reach.require_now(connection, caller, "role:delete", role.permissions, f"the role {role.name}")
            await self._table.delete(connection, role_id)
            await self._write(connection, caller, "role.delete", role)
        await self._tell(role)

    async def _held(self, connection: Connection, caller: Caller, role_id: UUID) -> Role:
        await self._reach.hold_administrators(connection)
        role = await self._table.hold(connection, role_id, caller.sees)
        if role is None:
            raise NotFound.named("role", role_id)
        return role

    async def _write(self, connection: Connection, caller: Caller, action: str, role: Role) -> None:
        told = {"role_id": str(role.role_id), "role": role.name, "permissions": " ".join(sorted(role.permissions))}
        await self._audit.append(connection, caller.event(action, role.tenant_id or caller.tenant_id, told))

    async def _tell(self, role: Role) -> None:
        # After the commit. The tenant stands for everybody in it who may have the role: they may be thousands.
        await self._bus.publish(f"tenant:{role.tenant_id}")


def _taken(field: str, said: str) -> AlreadyExists:
    return AlreadyExists(f"{field}: {said}", violations=[FieldViolation(field, said)], metadata={"field": field})
