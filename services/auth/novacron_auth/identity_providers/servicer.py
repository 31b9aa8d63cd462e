"""The gRPC edge of identity providers: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.auth.v1 import (
    BeginDeviceLoginRequest,
    BeginDeviceLoginResponse,
    BeginOidcLoginRequest,
    BeginOidcLoginResponse,
    BeginSamlLoginRequest,
    BeginSamlLoginResponse,
    CompleteOidcLoginRequest,
    CompleteSamlLoginRequest,
    CreateIdentityProviderRequest,
    DeleteIdentityProviderRequest,
    DeleteIdentityProviderResponse,
    IdentityProvider,
    IdentityProviderServiceServicer,
    LinkExternalIdentityRequest,
    LinkExternalIdentityResponse,
    LinkSamlIdentityRequest,
    ListExternalIdentitiesRequest,
    ListExternalIdentitiesResponse,
    ListIdentityProvidersRequest,
    ListIdentityProvidersResponse,
    LoginResponse,
    PollDeviceLoginRequest,
    PollDeviceLoginResponse,
    SetSamlCertificatesRequest,
    UnlinkExternalIdentityRequest,
    UnlinkExternalIdentityResponse,
)

from .. import messages as sessions_messages
from ..caller import Caller
from ..sessions.session import Session
from ..sessions.sessions import Sessions
from . import messages
from .external_identities import ExternalIdentities
from .external_logins import ExternalLogins
from .identity_providers import IdentityProviders
from .saml_logins import SamlLogins


class IdentityProviderServicer(IdentityProviderServiceServicer):
    """Answers for ``novacron.api.auth.v1.IdentityProviderService``."""

    def __init__(
        self,
        providers: IdentityProviders,
        identities: ExternalIdentities,
        logins: ExternalLogins,
        saml: SamlLogins,
        sessions: Sessions,
    ) -> None:
        self._providers = providers
        self._identities = identities
        self._logins = logins
        self._saml = saml
        self._sessions = sessions

    async def CreateIdentityProvider(self, request: CreateIdentityProviderRequest, context: Any) -> IdentityProvider:
        caller = Caller.of(context)
        new = messages.new_provider(request, caller.tenant(messages.optional_id(request.tenant_id)))
        return messages.provider(await self._providers.create(caller, new))

    async def ListIdentityProviders(
        self, request: ListIdentityProvidersRequest, context: Any
    ) -> ListIdentityProvidersResponse:
        tenant_id = messages.optional_id(request.tenant_id)
        found = await self._providers.of_tenant(Caller.of(context), tenant_id)
        return ListIdentityProvidersResponse(identity_providers=[messages.provider(one) for one in found])

    async def SetSamlCertificates(self, request: SetSamlCertificatesRequest, context: Any) -> IdentityProvider:
        made = await self._providers.certify(
            Caller.of(context), UUID(request.identity_provider_id), tuple(request.certificates)
        )
        return messages.provider(made)

    async def DeleteIdentityProvider(
        self, request: DeleteIdentityProviderRequest, context: Any
    ) -> DeleteIdentityProviderResponse:
        await self._providers.delete(Caller.of(context), UUID(request.identity_provider_id))
        return DeleteIdentityProviderResponse()

    async def BeginOidcLogin(self, request: BeginOidcLoginRequest, context: Any) -> BeginOidcLoginResponse:
        begun = await self._logins.begin(request.tenant, request.provider, request.redirect_uri)
        return messages.challenge(begun)

    async def CompleteOidcLogin(self, request: CompleteOidcLoginRequest, context: Any) -> LoginResponse:
        attempt = messages.attempt(request.device_fingerprint, context)
        session, refresh_token = await self._logins.complete(
            request.state, request.code, request.login_token, request.issuer, attempt
        )
        return await self._begun(session, refresh_token)

    async def BeginDeviceLogin(self, request: BeginDeviceLoginRequest, context: Any) -> BeginDeviceLoginResponse:
        return messages.device_challenge(await self._logins.begin_device(request.tenant, request.provider))

    async def PollDeviceLogin(self, request: PollDeviceLoginRequest, context: Any) -> PollDeviceLoginResponse:
        attempt = messages.attempt(request.device_fingerprint, context)
        begun, seconds = await self._logins.poll(request.device_code, attempt)
        login = await self._begun(*begun) if begun else None
        return PollDeviceLoginResponse(login=login, interval=messages.interval(seconds))

    async def LinkExternalIdentity(
        self, request: LinkExternalIdentityRequest, context: Any
    ) -> LinkExternalIdentityResponse:
        await self._logins.link(
            Caller.of(context), request.state, request.code, request.login_token, request.issuer, request.password
        )
        return LinkExternalIdentityResponse()

    async def BeginSamlLogin(self, request: BeginSamlLoginRequest, context: Any) -> BeginSamlLoginResponse:
        begun = await self._saml.begin(request.tenant, request.provider, request.assertion_consumer_url)
        return messages.saml_challenge(begun)

    async def CompleteSamlLogin(self, request: CompleteSamlLoginRequest, context: Any) -> LoginResponse:
        attempt = messages.attempt(request.device_fingerprint, context)
        return await self._begun(*await self._saml.complete(messages.posted(request), attempt))

    async def LinkSamlIdentity(self, request: LinkSamlIdentityRequest, context: Any) -> LinkExternalIdentityResponse:
        await self._saml.link(Caller.of(context), messages.posted(request), request.password)
        return LinkExternalIdentityResponse()

    async def ListExternalIdentities(
        self, request: ListExternalIdentitiesRequest, context: Any
    ) -> ListExternalIdentitiesResponse:
        found = await self._identities.of(Caller.of(context), messages.optional_id(request.user_id))
        return ListExternalIdentitiesResponse(external_identities=[messages.identity(one) for one in found])

    async def UnlinkExternalIdentity(
        self, request: UnlinkExternalIdentityRequest, context: Any
    ) -> UnlinkExternalIdentityResponse:
        await self._identities.unlink(
            Caller.of(context), UUID(request.identity_provider_id), messages.optional_id(request.user_id)
        )
        return UnlinkExternalIdentityResponse()

    async def _begun(self, session: Session, refresh_token: str) -> LoginResponse:
        return sessions_messages.login_response(session, await self._sessions.access_token(session), refresh_token)
