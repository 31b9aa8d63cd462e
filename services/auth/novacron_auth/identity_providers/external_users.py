"""Whom a provider means here: by its subject alone. A name or an address is what a user is called, never who it is."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Connection, Database
from novacron.errors import AlreadyExists, InvalidArgument
from novacron.ids import new_id

from ..audit.entry import Event
from ..audit.log import AuditLog
from ..caller import Caller
from ..sessions.origin import Origin
from ..users.store import UserStore
from ..users.user import NewUser, require_names
from .provider import ExternalUser, IdentityProvider, Refused
from .store import IdentityProviderStore


class ExternalUsers:
    """Finds, makes and links users inside their caller's transaction."""

    def __init__(self, database: Database, store: IdentityProviderStore, audit: AuditLog) -> None:
        self._store = store
        self._users = UserStore(database)
        self._audit = audit

    async def user_id(
        self, connection: Connection, provider: IdentityProvider, external: ExternalUser, origin: Origin
    ) -> UUID:
        """The user of this subject, made now where the provider is set to do so. Of two first logins at once one makes it.

        :raises Refused: the provider's users are not made here, or this one's name or address will not do.
        """
        await self._store.hold_subject(connection, provider.identity_provider_id, external.subject)
        known = await self._store.known(connection, provider.identity_provider_id, external.subject)
        if known is not None:
            return known.user_id
        if not provider.create_users:
            raise Refused("nobody here is linked to the provider's user", provider)
        try:
            require_names(external.username, external.email)
        except InvalidArgument as error:
            raise Refused("the provider names no user name and address that a user can have", provider) from error
        new = NewUser(new_id(), provider.tenant_id, external.username, external.email, provider.default_role)
        if await self._users.add(connection, new, None) is None:
            raise Refused("name or address is another user's, who may link the provider", provider)
        await self._store.link(connection, provider.identity_provider_id, external.subject, new.user_id)
        told = {
            "target_user_id": str(new.user_id),
            "username": new.username,
            "role": new.role.value,
            "identity_provider_id": str(provider.identity_provider_id),
        }
        event = Event(provider.tenant_id, "user.create", True, new.user_id, None, origin, told)
        await self._audit.append(connection, event)
        return new.user_id

    async def link(
        self, connection: Connection, caller: Caller, provider: IdentityProvider, external: ExternalUser
    ) -> None:
        """Link the caller, who may be linked already. :raises AlreadyExists: the provider's user is another's."""
        await self._store.hold_subject(connection, provider.identity_provider_id, external.subject)
        known = await self._store.known(connection, provider.identity_provider_id, external.subject)
        if known is not None and known.user_id != caller.user_id:
            raise AlreadyExists("the provider's user is linked to another user here: log in as somebody else there")
        if known is None:
            await self._store.link(connection, provider.identity_provider_id, external.subject, caller.user_id)
            told = {"identity_provider_id": str(provider.identity_provider_id), "target_user_id": str(caller.user_id)}
            await self._audit.append(connection, caller.event("external-identity.link", caller.tenant_id, told))
