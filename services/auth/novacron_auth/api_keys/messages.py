"""Between the protos of API keys and what they mean here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from novacron.api.auth.v1 import ApiKey as ApiKeyMessage
from novacron.api.auth.v1 import (
    AuthenticateApiKeyResponse,
    CreateApiKeyRequest,
    CreateApiKeyResponse,
    RotateApiKeyRequest,
)
from novacron.ids import new_id
from novacron.timestamps import to_timestamp

from ..configuration.configuration import AuthenticationRateLimitConfig
from .api_key import ApiKey, Match, NewApiKey


def asked_user(user_id: str) -> UUID | None:
    return UUID(user_id) if user_id else None


def new_api_key(request: CreateApiKeyRequest, user_id: UUID, limits: AuthenticationRateLimitConfig) -> NewApiKey:
    ttl = request.ttl.ToTimedelta() if request.HasField("ttl") else limits.api_key_ttl
    return NewApiKey(
        api_key_id=UUID(request.api_key_id) if request.api_key_id else new_id(),
        user_id=user_id,
        name=request.name,
        permissions=frozenset(request.permissions) or None,
        scopes=tuple(sorted(request.scopes)),
        rate_limit_per_minute=request.rate_limit_per_minute or limits.api_key_requests_per_minute,
        ttl=ttl or None,
    )


def overlap(request: RotateApiKeyRequest) -> timedelta:
    return request.overlap.ToTimedelta()


def shown(text: str, key: ApiKey) -> CreateApiKeyResponse:
    return CreateApiKeyResponse(key=text, api_key=api_key(key))


def authenticated(match: Match, of_user: frozenset[str]) -> AuthenticateApiKeyResponse:
    grant = match.grant
    return AuthenticateApiKeyResponse(
        api_key=api_key(replace(match.key, expires_at=grant.expires_at)),
        username=match.username,
        permissions=sorted(grant.within(of_user)),
    )


def api_key(key: ApiKey) -> ApiKeyMessage:
    return ApiKeyMessage(
        api_key_id=str(key.api_key_id),
        name=key.name,
        prefix=key.prefix,
        user_id=str(key.user_id),
        tenant_id=str(key.tenant_id),
        permissions=sorted(key.permissions or ()),
        scopes=key.scopes,
        rate_limit_per_minute=key.rate_limit_per_minute,
        expires_at=to_timestamp(key.expires_at),
        last_used_at=to_timestamp(key.last_used_at),
        created_at=to_timestamp(key.created_at),
        revoked_at=to_timestamp(key.revoked_at),
    )
