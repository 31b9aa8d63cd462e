"""Logging in through an OpenID Connect provider. Whatever makes one fail is told alike; the audit log knows which it was.

A login ends once: whoever shows its state, or the device code that is answered, takes it from the table, and only then is the
provider asked. The provider's user is who its ID token says, under a key, for a client, from an issuer and with a nonce that
are this login's own.
"""

from __future__ import annotations

from dataclasses import replace

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from novacron.db import Database
from novacron.errors import FailedPrecondition, Unavailable
from novacron.sealing import Sealer

from ..caller import Caller
from ..sessions.session import AuthenticationMethod, Session
from ..users.account import Attempt
from ..users.user_passwords import UserPasswords
from . import flow
from .entrance import Entrance
from .flow import Challenge, CodeFlow, DeviceChallenge, DeviceFlow
from .identity_providers import IdentityProviders
from .provider import ExternalUser, IdentityProvider, ProviderType, Refused, require_redirect_uri
from .provider_client import DEVICE_GRANT, Malformed, ProviderClient
from .store import IdentityProviderStore

# Providers answer a poll that came a moment too early with another pause: what is that near is let through.
_EARLY_SECONDS = 0.5
_SLOW_DOWN_SECONDS = 5.0


class ExternalLogins:
    """Turns a provider's word into a session."""

    def __init__(
        self,
        database: Database,
        store: IdentityProviderStore,
        client: ProviderClient,
        providers: IdentityProviders,
        entrance: Entrance,
        *,
        sealer: Sealer,
        passwords: UserPasswords,
    ) -> None:
        self._database = database
        self._store = store
        self._client = client
        self._providers = providers
        self._entrance = entrance
        self._sealer = sealer
        self._passwords = passwords

    async def begin(self, tenant: str, name: str, redirect_uri: str) -> Challenge:
        """Where to send the browser.

        :raises NotFound: no such provider in that tenant.
        :raises InvalidArgument: at ``redirect_uri``.
        :raises Unavailable: the provider does not answer.
        """
        require_redirect_uri(redirect_uri)
        provider = await self._entrance.named(tenant, name, ProviderType.OIDC)
        try:
            metadata = await self._client.metadata(provider.issuer)
        except Malformed as error:
            raise Unavailable("the identity provider is out of order: try again later") from error
        begun, state = CodeFlow.new(redirect_uri), flow.new_secret()
        expires_at = await self._store.begin(
            provider.identity_provider_id, "code", flow.state_hash(state), self._seal(state, begun), flow.LIFETIME
        )
        url = prepare_grant_uri(
            metadata.authorization_endpoint,
            provider.client_id,
            "code",
            redirect_uri,
            " ".join(provider.scopes),
            state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
        )
        return Challenge(url, state, begun.login_token, expires_at)

    async def complete(
        self, state: str, code: str, login_token: str, issuer: str, attempt: Attempt
    ) -> tuple[Session, str]:
        """A session for whom the provider means, with its refresh token. :raises Unauthenticated: for every cause."""
        try:
            provider, external = await self._answered(state, code, login_token, issuer)
            return await self._entrance.enter(provider, external, attempt, AuthenticationMethod.OAUTH)
        except Refused as refused:
            await self._entrance.refuse(refused, attempt.origin)

    async def link(self, caller: Caller, state: str, code: str, login_token: str, issuer: str, password: str) -> None:
        """Let the caller log in through the provider from now on.

        :raises InvalidArgument: at ``password``; the login under way goes on.
        :raises AlreadyExists: the provider's user is another's.
        :raises Unauthenticated: as :meth:`complete`.
        """
        await self._passwords.require_own(caller, password, "external-identity.link")
        try:
            provider, external = await self._answered(state, code, login_token, issuer)
            await self._entrance.link(caller, provider, external)
        except Refused as refused:
            await self._entrance.refuse_link(refused, caller)

    async def begin_device(self, tenant: str, name: str) -> DeviceChallenge:
        """What to show the user.

        :raises FailedPrecondition: the provider has no device flow.
        :raises NotFound: no such provider in that tenant.
        :raises Unavailable: the provider does not answer.
        """
        provider = await self._entrance.named(tenant, name, ProviderType.OIDC)
        try:
            if not (await self._client.metadata(provider.issuer)).device_authorization_endpoint:
                raise FailedPrecondition("this identity provider has no device flow: log in with a browser")
            answer = await self._client.authorize_device(provider, self._providers.secret_of(provider))
        except Malformed as error:
            raise Unavailable("the identity provider is out of order: try again later") from error
        interval, lifetime = flow.device_times(answer)
        ours, begun = flow.new_secret(), DeviceFlow(answer["device_code"], interval)
        expires_at = await self._store.begin(
            provider.identity_provider_id, "device", flow.state_hash(ours), self._seal(ours, begun), lifetime
        )
        complete = answer.get("verification_uri_complete")
        return DeviceChallenge(
            ours,
            answer["user_code"],
            answer["verification_uri"],
            complete if isinstance(complete, str) else "",
            expires_at,
            interval,
        )

    async def poll(self, device_code: str, attempt: Attempt) -> tuple[tuple[Session, str] | None, float]:
        """A session with its refresh token, or None while the user is not done; and how long to wait until the next poll.

        :raises Unauthenticated: for every cause that ends it.
        """
        provider, key = None, flow.state_hash(device_code)
        try:
            async with self._database.transaction() as connection:
                pending = await self._store.hold_device(connection, key)
                if pending is None:
                    raise Refused("no such login is under way")
                provider, begun = pending.provider, flow.read_device(self._open(device_code, pending.details_sealed))
                waited = pending.seconds_since_poll
                if waited is not None and waited < begun.interval_seconds - _EARLY_SECONDS:
                    return None, begun.interval_seconds
                await self._store.polled(connection, key)
            secret = self._providers.secret_of(provider)
            answer = await self._client.exchange(provider, secret, DEVICE_GRANT, device_code=begun.device_code)
            if answer.error == "slow_down":
                begun = replace(begun, interval_seconds=begun.interval_seconds + _SLOW_DOWN_SECONDS)
                await self._store.redetail(key, self._seal(device_code, begun))
            if answer.error in ("authorization_pending", "slow_down"):
                return None, begun.interval_seconds
            if await self._store.take("device", key) is None:
                raise Refused("this login has ended already")
            if answer.error:
                raise Refused(f"the provider refuses: {answer.error}")
            external = await self._client.user(provider, answer, None)
            return await self._entrance.enter(
                provider, external, attempt, AuthenticationMethod.OAUTH
            ), begun.interval_seconds
        except Refused as refused:
            refused.provider = refused.provider or provider
            await self._entrance.refuse(refused, attempt.origin)
        except Malformed as error:
            raise Unavailable("the identity provider is out of order: begin again later") from error

    async def _answered(
        self, state: str, code: str, login_token: str, issuer: str
    ) -> tuple[IdentityProvider, ExternalUser]:
        """Whom the provider means, for a login that ends with it."""
        pending = await self._store.take("code", flow.state_hash(state))
        if pending is None:
            raise Refused("no such login is under way")
        provider, begun = pending.provider, flow.read_code(self._open(state, pending.details_sealed))
        try:
            if not begun.is_of(login_token):
                raise Refused("it is not who began it that ends it")
            metadata = await self._client.metadata(provider.issuer)
            # A code of another provider is not shown to this one, which may be the attacker (RFC 9207).
            if (issuer or metadata.tells_issuer) and issuer != provider.issuer:
                raise Refused("the answer is of another provider")
            answer = await self._client.exchange(
                provider,
                self._providers.secret_of(provider),
                "authorization_code",
                code=code,
                redirect_uri=begun.redirect_uri,
                code_verifier=begun.verifier,
            )
            if answer.error:
                raise Refused(f"the provider refuses: {answer.error}")
            return provider, await self._client.user(provider, answer, begun.nonce)
        except Refused as refused:
            refused.provider = provider
            raise
        except Malformed as error:
            raise Unavailable("the identity provider is out of order: begin again later") from error

    def _seal(self, state: str, begun: CodeFlow | DeviceFlow) -> str:
        return self._sealer.seal(flow.written(begun), "external_logins", "details_sealed", flow.state_hash(state).hex())

    def _open(self, state: str, sealed: str) -> bytes:
        return self._sealer.open(sealed, "external_logins", "details_sealed", flow.state_hash(state).hex())
