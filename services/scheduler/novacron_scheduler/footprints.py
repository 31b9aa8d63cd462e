"""Footprints that a changed ratio made wrong: a guaranteed VM counts for as many shares as its host now has for each vCPU.

A ratio is a setting, and what VMs count for was worked out with the one of their day. When schedulers start with another one,
each VM is counted anew, so that the promise of its type stands for those that were there before. That may lift a node above
what it may promise: it is full then, and takes nothing until VMs have gone.
"""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from novacron import logs
from novacron.background import Background
from novacron.db import Database

from .inventory.live import Inventory
from .overcommit import Overcommit
from .store.footprints import FootprintStore, Held

log = logs.logger(__name__)
_RETRY_SECONDS = 5.0
# Once is enough while the settings stay; a scheduler with the ratios of before may have placed some since.
_PAUSE_SECONDS = 3600.0


class Footprints:
    """Counts anew what VMs take of their nodes, once an hour, node by node. Those amid a resize or giving way come later."""

    def __init__(self, database: Database, overcommit: Overcommit, inventory: Inventory) -> None:
        self._database = database
        self._overcommit = overcommit
        self._inventory = inventory
        self._store = FootprintStore()
        self._background = Background("footprints", self._turn, retry_seconds=_RETRY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def _turn(self) -> float:
        await self.count_anew()
        return _PAUSE_SECONDS

    async def count_anew(self) -> int:
        """How many VMs count otherwise from now on."""
        nodes: defaultdict[UUID, list[UUID]] = defaultdict(list)
        async with self._database.connection() as connection:
            async for held in self._store.settled(connection):
                if self._wrong(held):
                    nodes[held.node_id].append(held.allocation_id)
        counted = 0
        for node_id, allocations in sorted(nodes.items()):
            async with self._database.transaction() as connection:
                # Whoever came between is looked at again, now that nobody does any more.
                wrong = [one for one in await self._store.lock(connection, allocations) if self._wrong(one)]
                footprints = {one.allocation_id: self._right(one) for one in wrong}
                left = await self._store.put(connection, node_id, footprints)
            if left is not None:
                self._inventory.learn(left)
                counted += len(wrong)
                log.info("footprints counted anew", node=str(node_id), vms=len(wrong))
        return counted

    def _wrong(self, held: Held) -> bool:
        return held.footprint != self._right(held)

    def _right(self, held: Held) -> tuple[int, ...]:
        return self._overcommit.weights(held.allocation_type).footprint(held.resources)
