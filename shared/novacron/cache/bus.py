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
        self._task: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()

    async def start(self) -> None:
        if self._redis is not None:
            self._task = asyncio.create_task(self._listen(self._redis), name="invalidation-bus")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

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

    async def _listen(self, redis: redis_client.Redis) -> None:
        while True:
            try:
                async with redis.pubsub() as subscription:
                    await subscription.subscribe(CHANNEL)
                    for cache in self._caches:
                        cache.clear()
                    self.connected.set()
                    async for message in subscription.listen():
                        if message["type"] == "message":
                            tag = message["data"]
                            for cache in self._caches:
                                cache.invalidate(tag.decode() if isinstance(tag, bytes) else str(tag))
            except (RedisError, OSError) as error:
                log.warning("the invalidation bus is away", error=str(error))
            finally:
                self.connected.clear()
                for cache in self._caches:
                    cache.clear()
            await asyncio.sleep(_RECONNECT_SECONDS)
