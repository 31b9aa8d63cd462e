"""Logging in through a SAML 2.0 provider: a redirect there, and the form that the browser posts back.

A login ends once: whoever shows its relay state takes it from the table, and only a response to this very request is looked
at. So no response is taken twice, and none that nobody asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from novacron.sealing import Sealer

from ..caller import Caller
from ..sessions.session import AuthenticationMethod, Session
from ..users.account import Attempt
from ..users.user_passwords import UserPasswords
from . import flow
from .entrance import Entrance
from .flow import Challenge, SamlFlow
from .provider import ExternalUser, IdentityProvider, ProviderType, Refused, require_redirect_uri
from .saml_extra import require_saml
from .saml_request import redirect_url
from .store import IdentityProviderStore

_PLACE = ("external_logins", "details_sealed")


@dataclass(frozen=True, slots=True)
class Posted:
    """What came back, and that it is who began it that shows it."""

    relay_state: str
    response: str = field(repr=False)
    login_token: str = field(repr=False)


class SamlLogins:
    """Turns a provider's assertion into a session."""

    def __init__(
        self, store: IdentityProviderStore, entrance: Entrance, sealer: Sealer, passwords: UserPasswords
    ) -> None:
        self._store = store
        self._entrance = entrance
        self._sealer = sealer
        self._passwords = passwords

    async def begin(self, tenant: str, name: str, acs_url: str) -> Challenge:
        """Where to send the browser.

        :raises FailedPrecondition: the extra is not installed.
        :raises NotFound: no such provider in that tenant.
        :raises InvalidArgument: at ``assertion_consumer_url``.
        """
        require_saml()
        require_redirect_uri(acs_url, "assertion_consumer_url")
        provider = await self._entrance.named(tenant, name, ProviderType.SAML)
        begun, state = SamlFlow.new(acs_url), flow.new_secret()
        key = flow.state_hash(state)
        sealed = self._sealer.seal(flow.written(begun), *_PLACE, key.hex())
        expires_at = await self._store.begin(provider.identity_provider_id, "saml", key, sealed, flow.LIFETIME)
        url = redirect_url(provider.sso_url, provider.client_id, begun.request_id, acs_url, state)
        return Challenge(url, state, begun.login_token, expires_at)

    async def complete(self, posted: Posted, attempt: Attempt) -> tuple[Session, str]:
        """A session for whom the provider means, with its refresh token. :raises Unauthenticated: for every cause."""
        require_saml()
        try:
            provider, external = await self._answered(posted)
            return await self._entrance.enter(provider, external, attempt, AuthenticationMethod.SAML)
        except Refused as refused:
            await self._entrance.refuse(refused, attempt.origin)

    async def link(self, caller: Caller, posted: Posted, password: str) -> None:
        """Let the caller log in through the provider from now on.

        :raises InvalidArgument: at ``password``; the login under way goes on.
        :raises AlreadyExists: the provider's user is another's.
        :raises Unauthenticated: as :meth:`complete`.
        """
        require_saml()
        await self._passwords.require_own(caller, password, "external-identity.link")
        try:
            provider, external = await self._answered(posted)
            await self._entrance.link(caller, provider, external)
        except Refused as refused:
            await self._entrance.refuse_link(refused, caller)

    async def _answered(self, posted: Posted) -> tuple[IdentityProvider, ExternalUser]:
        from . import saml_response  # takes the extra

        key = flow.state_hash(posted.relay_state)
        pending = await self._store.take("saml", key)
        if pending is None:
            raise Refused("no such login is under way")
        begun = flow.read_saml(self._sealer.open(pending.details_sealed, *_PLACE, key.hex()))
        try:
            if not begun.is_of(posted.login_token):
                raise Refused("it is not who began it that ends it")
            asked = saml_response.Asked(begun.request_id, begun.acs_url, datetime.now(UTC))
            return pending.provider, saml_response.verified(posted.response, pending.provider, asked)
        except Refused as refused:
            refused.provider = pending.provider
            raise
