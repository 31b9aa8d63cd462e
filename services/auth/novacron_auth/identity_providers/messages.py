"""Between the protos of identity providers and what they mean here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from google.protobuf.duration_pb2 import Duration

from novacron.api.auth.v1 import (
    BeginDeviceLoginResponse,
    BeginOidcLoginResponse,
    BeginSamlLoginResponse,
    CompleteSamlLoginRequest,
    CreateIdentityProviderRequest,
    IdentityProviderType,
    LinkSamlIdentityRequest,
    SamlProvider,
    UserRole,
)
from novacron.api.auth.v1 import ExternalIdentity as IdentityMessage
from novacron.api.auth.v1 import IdentityProvider as Message
from novacron.ids import new_id
from novacron.timestamps import to_timestamp

from ..sessions.origin import Origin
from ..users import messages as users
from ..users.account import Attempt, Role
from .flow import Challenge, DeviceChallenge
from .provider import DEFAULT_SCOPES, ExternalIdentity, IdentityProvider, NewIdentityProvider, ProviderType
from .saml_logins import Posted


def optional_id(text: str) -> UUID | None:
    return UUID(text) if text else None


def new_provider(request: CreateIdentityProviderRequest, tenant_id: UUID) -> NewIdentityProvider:
    role = UserRole.Name(request.default_role).removeprefix("USER_ROLE_").lower() if request.default_role else "user"
    saml = request.type == IdentityProviderType.IDENTITY_PROVIDER_TYPE_SAML
    return NewIdentityProvider(
        identity_provider_id=UUID(request.identity_provider_id) if request.identity_provider_id else new_id(),
        tenant_id=tenant_id,
        name=request.name,
        issuer=request.issuer,
        client_id=request.client_id,
        client_secret=request.client_secret,
        scopes=tuple(request.scopes) or (() if saml else DEFAULT_SCOPES),
        create_users=request.create_users,
        default_role=Role(role),
        type=ProviderType.SAML if saml else ProviderType.OIDC,
        sso_url=request.saml.sso_url,
        certificates=tuple(request.saml.certificates),
    )


def provider(held: IdentityProvider) -> Message:
    return Message(
        identity_provider_id=str(held.identity_provider_id),
        name=held.name,
        tenant_id=str(held.tenant_id),
        issuer=held.issuer,
        client_id=held.client_id,
        scopes=held.scopes,
        create_users=held.create_users,
        default_role=users.role(held.default_role),
        created_at=to_timestamp(held.created_at),
        type=f"IDENTITY_PROVIDER_TYPE_{held.type.name}",
        saml=SamlProvider(sso_url=held.sso_url, certificates=held.certificates)
        if held.type is ProviderType.SAML
        else None,
    )


def attempt(device: str, context: Any) -> Attempt:
    """Somebody wants in whose name and password the provider knows."""
    return Attempt("", "", "", Origin.of_context(context), device=device)


def challenge(begun: Challenge) -> BeginOidcLoginResponse:
    return BeginOidcLoginResponse(
        authorization_url=begun.authorization_url,
        state=begun.state,
        expires_at=to_timestamp(begun.expires_at),
        login_token=begun.login_token,
    )


def saml_challenge(begun: Challenge) -> BeginSamlLoginResponse:
    return BeginSamlLoginResponse(
        redirect_url=begun.authorization_url,
        relay_state=begun.state,
        expires_at=to_timestamp(begun.expires_at),
        login_token=begun.login_token,
    )


def posted(request: CompleteSamlLoginRequest | LinkSamlIdentityRequest) -> Posted:
    return Posted(request.relay_state, request.saml_response, request.login_token)


def device_challenge(begun: DeviceChallenge) -> BeginDeviceLoginResponse:
    return BeginDeviceLoginResponse(
        device_code=begun.device_code,
        user_code=begun.user_code,
        verification_uri=begun.verification_uri,
        verification_uri_complete=begun.verification_uri_complete,
        expires_at=to_timestamp(begun.expires_at),
        interval=interval(begun.interval_seconds),
    )


def interval(seconds: float) -> Duration:
    made = Duration()
    made.FromTimedelta(timedelta(seconds=seconds))
    return made


def identity(held: ExternalIdentity) -> IdentityMessage:
    return IdentityMessage(
        identity_provider_id=str(held.identity_provider_id),
        provider=held.provider,
        subject=held.subject,
        created_at=to_timestamp(held.created_at),
    )
