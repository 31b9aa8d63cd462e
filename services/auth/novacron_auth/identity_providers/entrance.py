"""How whom a provider vouches for gets in, however the provider was spoken to. A refusal tells nobody but the audit log why."""

from __future__ import annotations

from typing import NoReturn

from novacron.db import Database
from novacron.errors import NotFound, Unauthenticated

from ..audit.entry import Event
from ..audit.log import AuditLog
from ..caller import Caller
from ..configuration.configurations import Configurations
from ..sessions.beginnings import Beginnings
from ..sessions.login_store import LoginStore
from ..sessions.origin import Origin
from ..sessions.second_factor import Factor
from ..sessions.session import AuthenticationMethod, Session
from ..users.account import DEFAULT_TENANT, NO_TENANT, Attempt, Credentials
from .external_users import ExternalUsers
from .provider import ExternalUser, IdentityProvider, ProviderType, Refused
from .store import IdentityProviderStore

NO_LOGIN = "the login through the identity provider came to nothing: begin again, or ask an administrator"


class Entrance:
    """Begins sessions for providers' users, links them, and turns the others away."""

    def __init__(
        self,
        database: Database,
        store: IdentityProviderStore,
        users: ExternalUsers,
        beginnings: Beginnings,
        configurations: Configurations,
        audit: AuditLog,
    ) -> None:
        self._database = database
        self._store = store
        self._users = users
        self._beginnings = beginnings
        self._configurations = configurations
        self._audit = audit
        self._logins = LoginStore(database)

    async def named(self, tenant: str, name: str, kind: ProviderType) -> IdentityProvider:
        """:raises NotFound: no provider of this kind and name in that tenant; told alike for all of these."""
        provider = await self._store.named(tenant or DEFAULT_TENANT, name)
        if provider is None or provider.type is not kind:
            raise NotFound.named("identity provider", name)
        return provider

    async def enter(
        self, provider: IdentityProvider, external: ExternalUser, attempt: Attempt, method: AuthenticationMethod
    ) -> tuple[Session, str]:
        """A session with its refresh token. :raises Refused: nobody here is meant, or the user or the tenant is disabled."""
        held = await self._configurations.current()
        async with self._database.connection() as connection:
            known = await self._store.known(connection, provider.identity_provider_id, external.subject)
        credentials = Credentials()
        if known is not None:
            retention = held.session_management.history_retention
            credentials = await self._logins.credentials(
                known.tenant, known.username, attempt.origin, attempt.device, retention
            )
        factor = Factor.PASSED if external.second_factor else Factor.NOT_NEEDED
        async with self._database.transaction() as connection:
            user_id = await self._users.user_id(connection, provider, external, attempt.origin)
            account = await self._logins.admit_known(connection, user_id)
            if account is None:
                raise Refused("disabled", provider)
            begun = await self._beginnings.begin(
                connection, credentials, attempt, account, held, method=method, factor=factor
            )
            told = {"session_id": str(begun.session.session_id), "identity_provider": provider.name}
            event = Event(account.tenant_id, "login", True, account.user_id, None, attempt.origin, told)
            await self._audit.append(connection, event)
        await self._beginnings.tell(begun)
        return begun.session, begun.refresh_token

    async def link(self, caller: Caller, provider: IdentityProvider, external: ExternalUser) -> None:
        """Let the caller log in through the provider from now on.

        :raises AlreadyExists: the provider's user is another's.
        :raises Refused: the provider is another tenant's.
        """
        if provider.tenant_id != caller.tenant_id:
            raise Refused("the provider is another tenant's", provider)
        async with self._database.transaction() as connection:
            await self._users.link(connection, caller, provider, external)

    async def refuse(self, refused: Refused, origin: Origin) -> NoReturn:
        """:raises Unauthenticated: always, in the same words; the audit log has the cause."""
        provider = refused.provider
        tenant_id = provider.tenant_id if provider else NO_TENANT
        await self._refuse(Event(tenant_id, "login", False, None, refused.cause, origin, _of(provider)))

    async def refuse_link(self, refused: Refused, caller: Caller) -> NoReturn:
        """As :meth:`refuse`, in the log of the caller's own tenant."""
        told = _of(refused.provider)
        await self._refuse(
            Event(caller.tenant_id, "external-identity.link", False, caller.user_id, refused.cause, caller.origin, told)
        )

    async def _refuse(self, event: Event) -> NoReturn:
        async with self._database.transaction() as connection:
            await self._audit.append(connection, event)
        raise Unauthenticated(NO_LOGIN) from None


def _of(provider: IdentityProvider | None) -> dict[str, str]:
    return {"identity_provider": provider.name} if provider else {}
