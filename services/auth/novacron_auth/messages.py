"""Between the protos and what they mean here."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import jwt

from novacron.api.auth.v1 import (
    USER_ROLE_ADMIN,
    USER_ROLE_OPERATOR,
    USER_ROLE_USER,
    USER_ROLE_VIEWER,
    GetJwksResponse,
    GetUserPermissionsResponse,
    Jwk,
    LoginRequest,
    LoginResponse,
    User,
    ValidateTokenResponse,
)
from novacron.timestamps import to_timestamp

from .keys.signing_key import SigningKey
from .roles.grants import Grants
from .sessions.origin import Origin
from .sessions.session import AccessToken, Session
from .users.account import Account, Attempt, Role

_ROLES = {
    Role.ADMIN: USER_ROLE_ADMIN,
    Role.OPERATOR: USER_ROLE_OPERATOR,
    Role.USER: USER_ROLE_USER,
    Role.VIEWER: USER_ROLE_VIEWER,
}


def attempt(request: LoginRequest, context: Any) -> Attempt:
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    origin = Origin.of_peer(context.peer(), metadata.get("user-agent", ""))
    return Attempt(request.username, request.password, request.tenant, origin)


def login_response(session: Session, token: AccessToken) -> LoginResponse:
    return LoginResponse(access_token=token.text, expires_at=to_timestamp(token.expires_at), user=user(session.account))


def validate_token_response(account: Account, session_id: UUID, expires_at: datetime) -> ValidateTokenResponse:
    return ValidateTokenResponse(user=user(account), session_id=str(session_id), expires_at=to_timestamp(expires_at))


def permissions_response(grants: Grants) -> GetUserPermissionsResponse:
    return GetUserPermissionsResponse(
        permissions=sorted(grants.permissions), roles=grants.roles, tenant_id=str(grants.tenant_id)
    )


def jwks_response(keys: list[SigningKey]) -> GetJwksResponse:
    return GetJwksResponse(keys=[_jwk(key) for key in keys])


def user(account: Account) -> User:
    return User(
        user_id=str(account.user_id),
        username=account.username,
        email=account.email,
        role=_ROLES[account.role],
        tenant_id=str(account.tenant_id),
        last_login=to_timestamp(account.last_login),
    )


def _jwk(key: SigningKey) -> Jwk:
    public = jwt.algorithms.OKPAlgorithm.to_jwk(key.verifier(), as_dict=True)
    return Jwk(kid=key.kid, kty=public["kty"], crv=public["crv"], x=public["x"], alg="EdDSA", use="sig")
