"""Who a user is to identity providers: looked at, and unlinked. Links are made by logins, and by :mod:`.external_users`."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Database
from novacron.errors import FailedPrecondition, NotFound

from ..audit.log import AuditLog
from ..caller import Caller
from ..roles.reach import Reach
from ..users.store import UserStore
from .provider import ExternalIdentity
from .store import IdentityProviderStore


class ExternalIdentities:
    """A user's own need no permission, another's ``user:read`` or ``user:update``."""

    def __init__(self, database: Database, store: IdentityProviderStore, reach: Reach, audit: AuditLog) -> None:
        self._database = database
        self._store = store
        self._reach = reach
        self._audit = audit
        self._users = UserStore(database)

    async def of(self, caller: Caller, user_id: UUID | None) -> list[ExternalIdentity]:
        """Through whom the user can log in.

        :raises NotFound: no user that the caller sees.
        """
        whose = caller.whose(user_id, "user:read")
        if await self._users.get(whose, caller.sees) is None:
            raise NotFound.named("user", whose)
        return await self._store.identities(whose)

    async def unlink(self, caller: Caller, provider_id: UUID, user_id: UUID | None) -> None:
        """End that the user can log in through the provider; who cannot keeps not being able to.

        :raises NotFound: no user that the caller sees.
        :raises PermissionDenied: the user may do what the caller may not.
        :raises FailedPrecondition: there is no other way in.
        """
        whose = caller.whose(user_id, "user:update")
        async with self._database.transaction() as connection:
            # The user's row is held: of two that are unlinked at once the second sees that it is the last.
            user = await self._users.hold(connection, whose, caller.sees)
            if user is None:
                raise NotFound.named("user", whose)
            await self._reach.require_user(connection, caller, whose)
            if not await self._store.unlink(connection, provider_id, whose):
                return
            if not await self._store.has_a_way_in(connection, whose):
                raise FailedPrecondition(
                    "the user has no password and no other provider, and could not log in any more: set a password first"
                    " (`novacron user reset-password`), or link another provider"
                )
            told = {"identity_provider_id": str(provider_id), "target_user_id": str(whose)}
            await self._audit.append(connection, caller.event("external-identity.unlink", user.tenant_id, told))
