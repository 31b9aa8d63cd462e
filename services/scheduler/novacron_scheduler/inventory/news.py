"""What schedulers tell one another of the nodes that they changed, through Redis.

A word of it is as good a hint as the inventory is: it may be lost, or come after a newer one, and the next reading of the
database sets it right. What it spares is a claim of a node that another scheduler has filled meanwhile, which would have to be
chosen again. Without Redis nobody hears anything, and the inventory is read as often as ever.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import redis.asyncio as redis_client
from redis.exceptions import RedisError

from novacron.background import Background

from ..resources import Resources
from .live import Inventory

CHANNEL = "novacron:scheduler:nodes"
_RETRY_SECONDS = 1.0
_SILENCE_SECONDS = 5.0
_EXPECTED = (RedisError, OSError, TimeoutError)


class News:
    """Tells what this scheduler's inventory learnt of its own statements, and has it hear what the others' did."""

    def __init__(self, redis: redis_client.Redis | None, inventory: Inventory, instance: str) -> None:
        self._redis = redis
        self._inventory = inventory
        self._instance = instance
        self._loops = [
            Background(name, turn, retry_seconds=_RETRY_SECONDS, expected=_EXPECTED)
            for name, turn in (("inventory-tells", self._tell), ("inventory-hears", self._hear))
        ]

    async def start(self) -> None:
        if self._redis is not None:
            for loop in self._loops:
                await loop.start()

    async def stop(self) -> None:
        for loop in self._loops:
            await loop.stop()

    async def _tell(self) -> float:
        """While one word is on its way, what changes gathers for the next: a word a moment, however many claims there are."""
        assert self._redis is not None
        changes = await self._inventory.changes()
        nodes = {str(node_id): [*allocatable, *allocated] for node_id, (allocatable, allocated) in changes.items()}
        async with asyncio.timeout(_SILENCE_SECONDS):
            await self._redis.publish(CHANNEL, json.dumps({"from": self._instance, "nodes": nodes}))
        return 0.0

    async def _hear(self) -> float:
        assert self._redis is not None
        try:
            async with self._redis.pubsub() as subscription:
                await subscription.subscribe(CHANNEL)
                await self._follow(subscription)
        finally:
            self._inventory.hears(False)
        return _RETRY_SECONDS

    async def _follow(self, subscription: Any) -> None:
        """:raises TimeoutError: Redis does not answer any more, though the connection may still stand."""
        while True:
            await subscription.ping()
            answered = False
            async with asyncio.timeout(_SILENCE_SECONDS):
                while not answered:
                    answered = self._took(await subscription.get_message(timeout=_SILENCE_SECONDS))
            self._inventory.hears(True)
            until = asyncio.get_running_loop().time() + _SILENCE_SECONDS / 2
            while (left := until - asyncio.get_running_loop().time()) > 0:
                self._took(await subscription.get_message(timeout=left))

    def _took(self, message: Any) -> bool:
        """Whether it was Redis's answer to a ping; a word of another scheduler's is passed on."""
        if message is not None and message["type"] == "message":
            said = json.loads(message["data"])
            if said["from"] != self._instance:
                self._pass_on(said["nodes"])
        return message is not None and message["type"] == "pong"

    def _pass_on(self, nodes: Mapping[str, Sequence[int]]) -> None:
        for node_id, amounts in nodes.items():
            self._inventory.hear(UUID(node_id), Resources(*amounts[:5]), Resources(*amounts[5:]))
        if not nodes:
            self._inventory.hear_of_more()
