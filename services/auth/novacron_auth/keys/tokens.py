"""Access tokens: signed JWTs after RFC 9068, short-lived, each naming the session that it stands for."""

from __future__ import annotations

import hashlib
from datetime import UTC, timedelta

import jwt
from cachebox import TTLCache

from novacron.clock import Clock, SystemClock
from novacron.errors import Unauthenticated
from novacron.ids import new_id
from novacron.rpc.authentication import ALGORITHMS, AUDIENCE, TOKEN_TYPE, Verified, decode

from ..sessions.session import AccessToken, Session
from .keyring import Keyring

ISSUER = "novacron"
NOT_VALID = "the token is not valid: log in again"


class Tokens:
    """Issues tokens, and verifies them by the same code as every other service."""

    def __init__(self, keyring: Keyring, lifetime: timedelta, clock: Clock | None = None) -> None:
        self._keyring = keyring
        self._lifetime = lifetime
        self._clock = clock or SystemClock()
        # As in every other service: a signature is verified once, whether its key still counts is asked each time.
        self._verified: TTLCache[bytes, Verified] = TTLCache(10_000, 60)

    async def issue(self, session: Session, lifetime: timedelta | None = None) -> AccessToken:
        """A token for the session's user; it ends with the session at the latest."""
        issued_at = self._clock.now().replace(microsecond=0)
        expires_at = min(
            issued_at + (lifetime or self._lifetime), session.expires_at.astimezone(UTC).replace(microsecond=0)
        )
        account = session.account
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account.user_id),
            "tid": str(account.tenant_id),
            "sid": str(session.session_id),
            "name": account.username,
            "iat": issued_at,
            "exp": expires_at,
            "jti": str(new_id()),
        }
        kid, key = await self._keyring.signer()
        text = jwt.encode(claims, key, algorithm=ALGORITHMS[0], headers={"kid": kid, "typ": TOKEN_TYPE})
        return AccessToken(text, expires_at)

    async def verify(self, token: str) -> Verified:
        """What the token says, if we signed it and it has not expired; whether its session lives is another question.

        :raises Unauthenticated: for every fault alike.
        """
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None:
            await self.require_good(known)
            return known
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError as error:
            raise Unauthenticated(NOT_VALID) from error
        key = await self._keyring.verifier(kid) if isinstance(kid, str) else None
        if key is None:
            raise Unauthenticated(NOT_VALID)
        verified = self._verified[digest] = decode(token, key)
        return verified

    async def require_good(self, verified: Verified) -> None:
        """:raises Unauthenticated: what was verified once has expired since, or its key has left the ring."""
        if verified.expires_at <= self._clock.now().timestamp() or await self._keyring.verifier(verified.kid) is None:
            raise Unauthenticated(NOT_VALID)
