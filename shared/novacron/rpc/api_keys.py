"""API keys where they are shown: what one looks like, what it may do now, and how often.

A key does what its user may do at that moment, less what it was not given; at the services that it opens; at its rate.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import redis.asyncio as redis_client
from redis.exceptions import RedisError

from .. import logs
from ..clock import Clock, SystemClock
from ..errors import Overloaded, PermissionDenied, Unauthenticated
from .identity import Subject

log = logs.logger(__name__)

# A readable beginning, by which people and logs know a key, and 256 random bits.
SHAPE = re.compile(r"(?P<prefix>nvk_[a-z2-7]{8})_[A-Za-z0-9_-]{43}")
KEY_REJECTED = "the API key is not valid: create another with `novacron api-key create`"
# Not worth more of a call's time than this; then the limit is kept here.
_REDIS_SECONDS = 0.1
# How long a Redis that did not answer is left alone.
_AWAY_SECONDS = 1.0
# What may come at once of what a minute allows, and the least of it.
_BURST_SHARE, _LEAST_BURST = 10, 10
# As many keys as one process keeps count of.
_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class ApiKeyGrant:
    """A key that was found valid. ``permissions`` None: all that its user may; no ``scopes``: every service."""

    api_key_id: UUID
    user_id: UUID
    tenant_id: UUID
    username: str
    permissions: frozenset[str] | None
    scopes: frozenset[str]
    rate_limit_per_minute: int
    expires_at: datetime | None

    def within(self, of_user: frozenset[str]) -> frozenset[str]:
        """What it may do while its user may do this."""
        return of_user if self.permissions is None else meet(self.permissions, of_user)

    @property
    def subject(self) -> Subject:
        """Its user. There is no session: the nil id names none."""
        return Subject(self.user_id, self.tenant_id, self.username, UUID(int=0), self.api_key_id)


def prefix_of(key: str) -> str:
    """The beginning that names a key. :raises Unauthenticated: this was never one of ours."""
    match = SHAPE.fullmatch(key)
    if match is None:
        raise Unauthenticated(KEY_REJECTED)
    return match["prefix"]


@lru_cache(maxsize=4096)
def meet(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """What both grant, no more and no less, in as few words as say it."""
    both = {_meet(mine, theirs) for mine in one for theirs in other} - {""}
    return frozenset(narrow for narrow in both if all(_meet(narrow, wide) != narrow for wide in both - {narrow}))


def _meet(one: str, other: str) -> str:
    parts = []
    for mine, theirs in zip(one.split(":"), other.split(":"), strict=True):
        if mine != theirs and "*" not in (mine, theirs):
            return ""
        parts.append(theirs if mine == "*" else mine)
    return ":".join(parts)


class KeyDoor:
    """Decides at one service's door whether a key gets in there now. A service without a name is open to no scope."""

    def __init__(self, service: str = "", redis: redis_client.Redis | None = None, clock: Clock | None = None) -> None:
        self._service = service
        self._clock = clock or SystemClock()
        self._limits = KeyLimits(redis, self._clock)

    async def admit(self, key: ApiKeyGrant) -> None:
        """Count the call.

        :raises Unauthenticated: the key has ended.
        :raises PermissionDenied: it does not open this service.
        :raises Overloaded: it came too often.
        """
        if key.expires_at is not None and key.expires_at <= self._clock.now():
            raise Unauthenticated(KEY_REJECTED)
        await self._limits.take(key.api_key_id, key.rate_limit_per_minute)
        if key.scopes and self._service not in key.scopes:
            here = self._service or "this server"
            raise PermissionDenied(f"this API key opens {', '.join(sorted(key.scopes))}, and not {here}")


# A bucket that leaks at the key's rate (GCRA): one number a key, the time at which it would be empty. By Redis's own clock.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local pause, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local early = empty + pause - burst * pause - now
if early > 0 then return math.ceil(early) end
redis.call('SET', KEYS[1], string.format('%.3f', empty + pause), 'PX', math.ceil(empty + pause - now) + 1000)
return 0
"""


def burst_of(per_minute: int) -> int:
    """How many calls may come at once: what six seconds allow, ten at least, and never more than the minute's."""
    return min(per_minute, max(_LEAST_BURST, per_minute // _BURST_SHARE))


class KeyLimits:
    """Calls of a key, counted over all processes in Redis; in this process alone while Redis is away."""

    def __init__(self, redis: redis_client.Redis | None, clock: Clock | None = None) -> None:
        self._take = redis.register_script(_TAKE) if redis is not None else None
        self._clock = clock or SystemClock()
        self._away_until = float("-inf")
        self._empty_at: dict[UUID, float] = {}

    async def take(self, api_key_id: UUID, per_minute: int) -> None:
        """Count a call. :raises Overloaded: one too many, saying when to come again."""
        milliseconds = await self._shared(api_key_id, per_minute)
        if milliseconds is None:
            milliseconds = self._here(api_key_id, per_minute)
        if milliseconds > 0:
            raise Overloaded(
                f"this API key may make {per_minute} calls a minute: slow down", retry_after_seconds=milliseconds / 1000
            )

    async def _shared(self, api_key_id: UUID, per_minute: int) -> float | None:
        """Milliseconds until the next call may come, 0 for now; None: Redis is away."""
        if self._take is None or self._clock.monotonic() < self._away_until:
            return None
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                return float(
                    await self._take(
                        keys=[f"api-key-calls:{api_key_id}"], args=[60_000 / per_minute, burst_of(per_minute)]
                    )
                )
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("calls of API keys are counted here alone", error=str(error))
            self._away_until = self._clock.monotonic() + _AWAY_SECONDS
            return None

    def _here(self, api_key_id: UUID, per_minute: int) -> float:
        now, pause = self._clock.monotonic() * 1000, 60_000 / per_minute
        empty = max(self._empty_at.pop(api_key_id, 0.0), now)
        early = empty + pause - burst_of(per_minute) * pause - now
        # Least lately used first, so that the one to forget is at hand.
        self._empty_at[api_key_id] = empty if early > 0 else empty + pause
        if len(self._empty_at) > _COUNTED:
            del self._empty_at[next(iter(self._empty_at))]
        return max(early, 0.0)
