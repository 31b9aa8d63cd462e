"""How every service but auth answers "whose token is this, and what may they do".

A token is verified here, with auth's public keys; what its user may do is asked of auth and cached for seconds. When auth
cannot be asked and the cache is cold, the answer is Unavailable: never a guess.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from cachebox import TTLCache

from ..api.auth.v1 import (
    ApiKeyServiceStub,
    AuthenticateApiKeyRequest,
    AuthenticateApiKeyResponse,
    AuthServiceStub,
    GetJwksRequest,
    GetUserPermissionsRequest,
)
from ..cache import TieredCache
from ..errors import NotFound, Unauthenticated
from .api_keys import ApiKeyGrant, KeyDoor, prefix_of
from .channel import Channel
from .identity import Subject

AUDIENCE = "novacron"
ALGORITHMS = ["EdDSA"]
TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068's name for it, no secret
_REJECTED = "the token is not valid: log in again"
# A key id that nobody knows may be brand new: ask again, but not for every forged token.
_REFETCH_SECONDS = 1.0
# The tag by which caches hear that the ring of signing keys has changed.
SIGNING_KEYS = "signing-keys"
_CLOCK_SKEW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Verified:
    """What a valid token says: for whom it speaks, until when (seconds since the epoch), and by which key."""

    subject: Subject
    expires_at: float
    kid: str = ""


def decode(token: str, key: Any) -> Verified:
    """Verify an access token's signature and claims (RFC 9068). :raises Unauthenticated: for every fault alike."""
    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != TOKEN_TYPE:
            raise Unauthenticated(_REJECTED)
        claims = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=AUDIENCE,
            # Issued a moment in the future is a clock that is a little behind, and no fault of the token.
            options={"require": ["exp", "iat", "sub", "sid", "tid"], "verify_iat": False},
        )
        if float(claims["iat"]) > time.time() + _CLOCK_SKEW_SECONDS:
            raise Unauthenticated(_REJECTED)
        subject = Subject(UUID(claims["sub"]), UUID(claims["tid"]), str(claims.get("name", "")), UUID(claims["sid"]))
        return Verified(subject, float(claims["exp"]), str(header.get("kid", "")))
    except (jwt.PyJWTError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unauthenticated(_REJECTED) from error


class AuthClient:
    """An :class:`~novacron.rpc.identity.Authenticator` that asks the auth service."""

    def __init__(self, channel: Channel, cache: TieredCache, door: KeyDoor | None = None) -> None:
        self._auth = AuthServiceStub(channel)
        self._api_keys = ApiKeyServiceStub(channel)
        self._door = door or KeyDoor()
        self._cache = cache
        self._fetched_at = float("-inf")
        # Verifying a signature costs a quarter of a millisecond; a token seen lately is known by its hash.
        self._verified: TTLCache[bytes, Verified] = TTLCache(10_000, 60)

    async def subject(self, token: str) -> Subject:
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is None:
            known = decode(token, await self._key(token))
            self._verified[digest] = known
        # Also of a token that was good a moment ago: its key may have been revoked since.
        if known.expires_at <= time.time() or known.kid not in await self._keys():
            raise Unauthenticated(_REJECTED)
        return known.subject

    async def permissions(self, subject: Subject) -> frozenset[str]:
        session_id = "" if subject.api_key_id else str(subject.session_id)

        async def load() -> list[str]:
            request = GetUserPermissionsRequest(user_id=str(subject.user_id), session_id=session_id)
            try:
                answer = await self._auth.GetUserPermissions(request)
            except NotFound as error:
                raise Unauthenticated(_REJECTED) from error
            return list(answer.permissions)

        key = f"permissions:{subject.user_id}:{session_id}"
        tags = (f"user:{subject.user_id}", f"tenant:{subject.tenant_id}")
        return frozenset(await self._cache.get(key, load, tags=tags))

    async def api_key(self, key: str) -> tuple[Subject, frozenset[str]]:
        prefix = prefix_of(key)

        async def load() -> dict[str, Any]:
            return _plain(await self._api_keys.AuthenticateApiKey(AuthenticateApiKeyRequest(key=key)))

        # The key is known by its hash, like a token; what its user may do is cached, and dropped, as for the user.
        digest = hashlib.sha256(key.encode()).hexdigest()
        grant = _grant(await self._cache.get(f"api-key:{digest}", load, tags=(f"api-key:{prefix}",)))
        await self._door.admit(grant)
        return grant.subject, grant.within(await self.permissions(grant.subject))

    async def _key(self, token: str) -> Any:
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
        except jwt.PyJWTError as error:
            raise Unauthenticated(_REJECTED) from error
        keys = await self._keys()
        if kid not in keys and time.monotonic() - self._fetched_at > _REFETCH_SECONDS:
            self._cache.invalidate(SIGNING_KEYS)
            keys = await self._keys()
        try:
            return keys[kid]
        except (KeyError, TypeError) as error:
            raise Unauthenticated(_REJECTED) from error

    async def _keys(self) -> dict[str, Any]:
        """Auth's public keys by key id, cached as long as permissions are, and in this process alone: who could write them
        into Redis could sign tokens."""

        async def load() -> dict[str, Any]:
            self._fetched_at = time.monotonic()
            answer = await self._auth.GetJwks(GetJwksRequest())
            return {
                key.kid: jwt.PyJWK({"kty": key.kty, "crv": key.crv, "x": key.x, "alg": key.alg}).key
                for key in answer.keys
            }

        keys: dict[str, Any] = await self._cache.get("signing-keys", load, tags=(SIGNING_KEYS,), shared=False)
        return keys


def _plain(answer: AuthenticateApiKeyResponse) -> dict[str, Any]:
    """A valid key as a cache keeps it: what it is, and not what its user may do at the moment."""
    key = answer.api_key
    return {
        "ids": [key.api_key_id, key.user_id, key.tenant_id],
        "username": answer.username,
        "permissions": list(key.permissions),
        "scopes": list(key.scopes),
        "rate_limit_per_minute": key.rate_limit_per_minute,
        "expires_at": key.expires_at.ToDatetime(UTC).isoformat() if key.HasField("expires_at") else None,
    }


def _grant(plain: dict[str, Any]) -> ApiKeyGrant:
    api_key_id, user_id, tenant_id = (UUID(one) for one in plain["ids"])
    return ApiKeyGrant(
        api_key_id,
        user_id,
        tenant_id,
        plain["username"],
        frozenset(plain["permissions"]) or None,
        frozenset(plain["scopes"]),
        plain["rate_limit_per_minute"],
        datetime.fromisoformat(plain["expires_at"]) if plain["expires_at"] else None,
    )
