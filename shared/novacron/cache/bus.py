"""Invalidation for all processes: a tag's version in Redis, and a message on a channel.

A message tells who listens to drop what was made from a tag; the version makes what lies in Redis stale for who was not
listening. A lost connection empties the first tier, since what was missed cannot be known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import redis.asyncio as redis_client
from redis.exceptions import RedisError

from .. import logs
from ..background import Background
from .tiered import TieredCache

log = logs.logger(__name__)
CHANNEL = "novacron:invalidate"
_VERSION_SECONDS = 86_400
_RECONNECT_SECONDS = 0.5


class InvalidationBus:
    """Publishes invalidations, and applies those of others to this process's caches."""

    def __init__(self, redis: redis_client.Redis | None, caches: Iterable[TieredCache]) -> None:
        self._redis = redis
        self._caches = tuple(caches)
        self._background = Background(
            "invalidation-bus", self._listen, retry_seconds=_RECONNECT_SECONDS, expected=(RedisError, OSError)
        )
        self.connected = asyncio.Event()

    async def start(self) -> None:
        if self._redis is not None:
            await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def publish(self, *tags: str) -> bool:
        """Drop these tags everywhere. False: Redis is away, and other processes learn it by their lifetimes only."""
        for cache in self._caches:
            cache.invalidate(*tags)
        if self._redis is None:
            return False
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for tag in tags:
                    pipeline.incr(f"tag:{tag}")
                    pipeline.expire(f"tag:{tag}", _VERSION_SECONDS)
                    pipeline.publish(CHANNEL, tag)
                await pipeline.execute()
        except (RedisError, OSError) as error:
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
                async for message in subscription.listen():
                    if message["type"] == "message":
                        tag = message["data"]
                        for cache in self._caches:
                            cache.invalidate(tag.decode() if isinstance(tag, bytes) else str(tag))
        finally:
            self.connected.clear()
            self._clear()
        return _RECONNECT_SECONDS

    def _clear(self) -> None:
        for cache in self._caches:
            cache.clear()
