"""Between the protos and what they mean here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jwt

from novacron.api.auth.v1 import (
    GetJwksResponse,
    GetUserPermissionsResponse,
    Jwk,
    LoginRequest,
    LoginResponse,
    User,
    ValidateTokenResponse,
)
from novacron.rpc.authentication import Verified
from novacron.timestamps import to_timestamp

from .keys.signing_key import SigningKey
from .roles.grants import Grants
from .sessions import messages as sessions
from .sessions.origin import Location, Origin
from .sessions.session import AccessToken, Session
from .users import messages as users
from .users.account import Account, Attempt, Shown


def attempt(request: LoginRequest, context: Any) -> Attempt:
    where = request.geo_location
    return Attempt(
        request.username,
        request.password,
        request.tenant,
        Origin.of_context(context),
        device=request.device_fingerprint,
        location=Location(where.latitude, where.longitude, where.country, where.city)
        if request.HasField("geo_location")
        else None,
        shown=Shown(request.one_time_code, request.webauthn_assertion),
    )


def login_response(session: Session, token: AccessToken, refresh_token: str) -> LoginResponse:
    begun = session.begun
    assert begun is not None, "the session of a login has just begun"
    return LoginResponse(
        access_token=token.text,
        expires_at=to_timestamp(token.expires_at),
        user=user(session.account),
        refresh_token=refresh_token,
        session=sessions.session(begun.as_seen, current=session.session_id),
        second_factor_needed=begun.lacks_second_factor,
    )


def validate_token_response(account: Account, verified: Verified) -> ValidateTokenResponse:
    return ValidateTokenResponse(
        user=user(account),
        session_id=str(verified.subject.session_id),
        expires_at=to_timestamp(datetime.fromtimestamp(verified.expires_at, UTC)),
    )


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
        role=users.role(account.role),
        tenant_id=str(account.tenant_id),
        last_login=to_timestamp(account.last_login),
    )


def _jwk(key: SigningKey) -> Jwk:
    public = jwt.algorithms.OKPAlgorithm.to_jwk(key.verifier(), as_dict=True)
    return Jwk(kid=key.kid, kty=public["kty"], crv=public["crv"], x=public["x"], alg="EdDSA", use="sig")
