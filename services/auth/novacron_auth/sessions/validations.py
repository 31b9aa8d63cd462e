"""Whose token one is, for services that ask again and again.

The answer is made once and kept for half a minute, in this process alone, and only while invalidations are heard: whatever ends
a session, a user or a tenant publishes its tag after its commit, and this replica drops its own answers before it
tells the others. A replica that hears nothing asks the database anew each second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Generic, TypeVar

from novacron.cache import InvalidationBus, TieredCache
from novacron.errors import Unauthenticated
from novacron.rpc.authentication import Verified

from ..keys.tokens import NOT_VALID, Tokens
from ..users.account import Account
from .store import SessionStore

T = TypeVar("T")
_SECONDS = 30.0


class Validations(Generic[T]):
    """Answers that are ``made`` of an account and the token that speaks for it."""

    def __init__(
        self, store: SessionStore, tokens: Tokens, bus: InvalidationBus, made: Callable[[Account, Verified], T]
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._made = made
        self._cache = TieredCache("validated-tokens", ttl_seconds=_SECONDS)
        bus.empties(self._cache)

    async def of(self, token: str) -> T:
        """The answer for a token that is valid now. Who gets it must not change it: others get the same one.

        :raises Unauthenticated: for every fault alike; session, user or tenant may have ended.
        """
        digest = hashlib.sha256(token.encode()).hexdigest()
        kept: tuple[Verified, T] | None = self._cache.held(digest)
        if kept is None:
            verified = await self._tokens.verify(token)
            subject = verified.subject

            async def load() -> tuple[Verified, T]:
                account = await self._store.account(subject.user_id, subject.session_id)
                if account is None:
                    raise Unauthenticated(NOT_VALID)
                return verified, self._made(account, verified)

            tags = (f"user:{subject.user_id}", f"tenant:{subject.tenant_id}")
            kept = await self._cache.get(digest, load, tags=tags, shared=False)
        assert kept is not None
        # No tag tells of a token's end; and of its key's the ring knows sooner than the bus.
        await self._tokens.require_good(kept[0])
        return kept[1]
