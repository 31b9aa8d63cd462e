"""A value is looked for in this process, then in Redis, then loaded, once, however many ask at the same time.

Every value has a lifetime. Tags name what a value was made from; invalidating a tag drops those values here at once and
in every other process through the bus. With Redis down everything still works, only slower: while a cache on a bus does
not hear of invalidations, its values are used for a second and no longer.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import redis.asyncio as redis_client
from cachebox import TTLCache
from redis.exceptions import RedisError

from .. import logs
from . import cache_metrics

log = logs.logger(__name__)

# The tag of every value: whoever publishes it empties every cache.
EVERYTHING = "*"
# How old a value may be that nobody would tell this process to drop.
_UNHEARD_SECONDS = 1.0
# Longer than this is not worth waiting for a cache.
_REDIS_SECONDS = 0.25


class TieredCache:
    """Values that JSON can carry, under string keys."""

    def __init__(
        self,
        name: str,
        *,
        ttl_seconds: float,
        size: int = 10_000,
        redis: redis_client.Redis | None = None,
        l2_ttl_seconds: float | None = None,
    ) -> None:
        self.name = name
        self._redis = redis
        self._l2_seconds = l2_ttl_seconds or ttl_seconds
        # Each value with the moment when its loading began.
        self._l1: TTLCache[str, tuple[Any, float]] = TTLCache(size, ttl_seconds)
        self._trusted_until = float(
            "inf"
        )  # until then every invalidation is heard of; a cache without a bus hears none
        self._keys_of_tag: dict[str, set[str]] = {}
        self._loading: dict[str, asyncio.Future[Any]] = {}
        self._generation = 0  # grows with every invalidation: a load that began before one is not kept
        self.hits = self.misses = 0
        cache_metrics.watch(self)

    async def get(
        self, key: str, load: Callable[[], Awaitable[Any]], *, tags: Iterable[str] = (), shared: bool = True
    ) -> Any:
        """The value under ``key``; ``load`` is called when no tier has it, and its errors are the caller's.

        A value that is not ``shared`` never leaves this process.
        """
        held = self.held(key)
        if held is not None:
            return held
        self.misses += 1
        loading = self._loading.get(key)
        if loading is None:
            loading = asyncio.ensure_future(self._load(key, load, tuple(tags), shared))
            self._loading[key] = loading
            loading.add_done_callback(lambda _: self._loading.pop(key, None))
        # One caller that is cancelled must not take the load away from the others.
        return await asyncio.shield(loading)

    def held(self, key: str) -> Any:
        """The value under ``key`` where this process has it and may use it; None: ask :meth:`get`.

        For who would have to make the tags first, for nothing.
        """
        held = self._l1.get(key)
        if held is not None:
            now = time.monotonic()
            if now < self._trusted_until or now < held[1] + _UNHEARD_SECONDS:
                self.hits += 1
                return held[0]
        return None

    def invalidate(self, *tags: str) -> None:
        """Drop every value of these tags in this process; the bus tells the others."""
        self._generation += 1
        if EVERYTHING in tags:
            self.clear()
        for tag in tags:
            for key in self._keys_of_tag.pop(tag, ()):
                self._l1.pop(key, None)

    def trust(self, until: float) -> None:
        """Every invalidation before ``until`` (monotonic) reaches this cache: its values are good for their whole lifetimes."""
        self._trusted_until = until

    def clear(self) -> None:
        """Drop everything in this process: what was missed while the bus was away cannot be known."""
        self._generation += 1
        self._l1.clear()
        self._keys_of_tag.clear()

    async def _load(self, key: str, load: Callable[[], Awaitable[Any]], tags: tuple[str, ...], shared: bool) -> Any:
        generation, began = self._generation, time.monotonic()
        versions = await self._tag_versions(tags) if shared else None
        stored = await self._read_l2(key, versions)
        value = stored if stored is not None else await load()
        if generation == self._generation:
            self._l1[key] = (value, began)
            for tag in tags:
                self._keys_of_tag.setdefault(tag, set()).add(key)
            if stored is None:
                await self._write_l2(key, value, versions)
        return value

    async def _tag_versions(self, tags: tuple[str, ...]) -> list[str] | None:
        """What the bus wrote beside each tag: a stored value of other versions is stale. None: Redis is away."""
        if self._redis is None:
            return None
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                return [str(one) for one in await self._redis.mget([f"tag:{tag}" for tag in (EVERYTHING, *tags)])]
        except (RedisError, OSError, TimeoutError):
            return None

    async def _read_l2(self, key: str, versions: list[str] | None) -> Any:
        if self._redis is None or versions is None:
            return None
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                text = await self._redis.get(f"{self.name}:{key}")
        except (RedisError, OSError, TimeoutError):
            return None
        if text is None:
            return None
        stored = json.loads(text)
        return stored["value"] if stored["versions"] == versions else None

    async def _write_l2(self, key: str, value: Any, versions: list[str] | None) -> None:
        if self._redis is None or versions is None:
            return
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                text = json.dumps({"value": value, "versions": versions})
                await self._redis.set(f"{self.name}:{key}", text, px=int(self._l2_seconds * 1000))
        except (RedisError, OSError, TimeoutError) as error:
            log.info("the second cache tier is away", cache=self.name, error=str(error))
