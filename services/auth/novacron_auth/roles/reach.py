"""Nobody gives, or changes in others, what they do not have themselves."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Connection
from novacron.errors import FailedPrecondition, PermissionDenied
from novacron.tenancy import every_tenant

from ..caller import Caller
from .grants import covers
from .store import RoleStore

# One lock for whatever could leave the platform without an administrator: two who remove each other take turns.
_ADMINISTRATORS_LOCK = 0x61646D696E


class Reach:
    """Decides by what roles allow at this moment, inside the caller's transaction."""

    def __init__(self, store: RoleStore) -> None:
        self._store = store

    async def require_user(self, connection: Connection, caller: Caller, user_id: UUID) -> None:
        """:raises PermissionDenied: this user may do what the caller may not: a password set for it would be a way to that."""
        if user_id != caller.user_id:
            self._require(caller, await self._store.permissions_of(connection, user_id), "this user")

    async def require_users_of(self, connection: Connection, caller: Caller, provider_id: UUID) -> None:
        """:raises PermissionDenied: a user of this provider may do what the caller may not: its keys would be a way to that."""
        self._require(caller, await self._store.permissions_through(connection, provider_id), "a user of this provider")

    async def require_role(self, connection: Connection, caller: Caller, role: str) -> None:
        """:raises PermissionDenied: the role allows what the caller may not."""
        self._require(caller, await self._store.permissions_of_role(connection, role), f"the role {role}")

    async def require_now(
        self, connection: Connection, caller: Caller, permission: str, wanted: frozenset[str], what: str
    ) -> None:
        """The caller has all that is ``wanted``, by what it showed and by what is stored under :meth:`hold_administrators`.

        :raises PermissionDenied: it lacks some; or ``permission``, by which it was let in, was taken from it meanwhile.
        """
        held = await self._store.permissions_of(connection, caller.user_id)
        if not covers(held, frozenset((permission,))):
            raise PermissionDenied(f"this needs {permission}", metadata={"permission": permission})
        if not covers(held, wanted):
            raise PermissionDenied(f"{what} may do more than you: ask somebody who may all of it")
        self._require(caller, wanted, what)

    async def hold_administrators(self, connection: Connection) -> None:
        """Until the transaction ends nobody else takes an administrator away. Take it before any row."""
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ADMINISTRATORS_LOCK,))

    async def require_an_administrator(self, connection: Connection) -> None:
        """:raises FailedPrecondition: after what this transaction did, nobody is left who may do everything, for good."""
        # Who is left may be of any tenant; what is told is that nobody is.
        with every_tenant():
            found = await connection.execute(
                """
                SELECT EXISTS (SELECT FROM users u JOIN tenants t ON t.id = u.tenant_id
                                WHERE u.disabled_at IS NULL AND t.disabled_at IS NULL
                                  AND (u.role = 'admin' OR EXISTS (
                                       SELECT FROM user_roles g JOIN roles r ON r.id = g.role_id
                                        WHERE g.user_id = u.id AND g.expires_at IS NULL
                                          AND r.name = 'admin' AND r.tenant_id IS NULL)))
                """
            )
        row = await found.fetchone()
        if not (row and row[0]):
            raise FailedPrecondition("nobody would be left to administer the platform: make another admin first")

    def _require(self, caller: Caller, wanted: frozenset[str], what: str) -> None:
        if not covers(caller.identity.permissions, wanted):
            raise PermissionDenied(f"{what} may do more than you: ask somebody who may all of it")
