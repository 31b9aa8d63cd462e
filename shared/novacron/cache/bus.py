"""Invalidation for all processes: a tag's version in Redis, and a message on a channel.

A message tells who listens to drop what was made from a tag; the version makes what lies in Redis stale for who was not
listening. A lost connection empties the first tier, since what was missed cannot be known.

The bus asks several times a second whether Redis is still there: what was published before the question comes before
the answer. From one answer to the next, and a little longer, the caches trust their values; without one they ask anew
every second. What could not be published is published when Redis is back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import redis.asyncio as redis_client
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from .. import logs
from ..background import Background
from .tiered import TieredCache

log = logs.logger(__name__)
CHANNEL = "novacron:invalidate"
_VERSION_SECONDS = 86_400
_RECONNECT_SECONDS = 0.5
_BEAT_SECONDS = 0.2
# An answer is good for so long: a revocation that is published now holds everywhere within this, whatever becomes of Redis.
_TRUST_SECONDS = 0.8


class InvalidationBus:
    """Publishes invalidations, and applies those of others to this process's caches."""

    def __init__(self, redis: redis_client.Redis | None, caches: Iterable[TieredCache]) -> None:
        self._redis = redis
        self._caches = tuple(caches)
        self._background = Background(
            "invalidation-bus", self._listen, retry_seconds=_RECONNECT_SECONDS, expected=(RedisError, OSError)
        )
        self._unpublished: set[str] = set()
        self.connected = asyncio.Event()
        self._trust(0.0)

    def empties(self, cache: TieredCache) -> None:
        """Tell this cache too; it is trusted from Redis's next answer on."""
        cache.trust(0.0)
        self._caches += (cache,)

    async def start(self) -> None:
        if self._redis is not None:
            await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def publish(self, *tags: str) -> bool:
        """Drop these tags everywhere. False: Redis is away; it is told when it is back, caches are not trusted meanwhile."""
        for cache in self._caches:
            cache.invalidate(*tags)
        if self._redis is None:
            return False
        try:
            async with asyncio.timeout(_TRUST_SECONDS), self._redis.pipeline(transaction=False) as pipeline:
                for tag in tags:
                    pipeline.incr(f"tag:{tag}")
                    pipeline.expire(f"tag:{tag}", _VERSION_SECONDS)
                    pipeline.publish(CHANNEL, tag)
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._unpublished.update(tags)
            log.warning("invalidation not published", tags=tags, error=str(error))
            return False
        return True

    async def _listen(self) -> float:
        """Apply what others publish, until the connection is lost."""
        assert self._redis is not None
        try:
            async with self._redis.pubsub() as subscription:
                await subscription.subscribe(CHANNEL)
                self._clear()
                self.connected.set()
                await self._follow(subscription)
        finally:
            self.connected.clear()
            self._trust(0.0)
            self._clear()
        return _RECONNECT_SECONDS

    async def _follow(self, subscription: Any) -> None:
        """:raises RedisConnectionError: Redis has been silent for too long, though the connection may still stand."""
        asked = answered = 0.0
        while True:
            now = time.monotonic()
            if now - asked >= _BEAT_SECONDS and answered >= asked:
                asked = now
                await subscription.ping()
                if self._unpublished:
                    tags = tuple(self._unpublished)
                    self._unpublished.clear()
                    await self.publish(*tags)
            message = await subscription.get_message(timeout=_BEAT_SECONDS)
            if message is None:
                if time.monotonic() - asked > _TRUST_SECONDS and answered < asked:
                    raise RedisConnectionError("Redis is silent")
            elif message["type"] == "pong":
                answered = asked
                self._trust(asked + _TRUST_SECONDS)
            elif message["type"] == "message":
                tag = message["data"]
                for cache in self._caches:
                    cache.invalidate(tag.decode() if isinstance(tag, bytes) else str(tag))

    def _trust(self, until: float) -> None:
        for cache in self._caches:
            cache.trust(until)

    def _clear(self) -> None:
        for cache in self._caches:
            cache.clear()
