"""The inventory of a scheduler: what there is, in memory, as fresh as a hint has to be.

It knows at once what this process claims and gives back, and what others do as soon as they tell it (:mod:`.news`), or within a
second. Whoever chooses by it names what
was chosen, and how it was when it was read, in the claim: the database decides. So it may be late, and never wrong
in what is promised: where a claim by it fails the node is read anew, and that nothing fits is never its word.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

import numpy as np

from novacron import logs
from novacron.db import Connection, Database
from novacron.errors import NovacronError

from ..placement import Offer, Ranking
from ..reservation import Demand
from ..resources import Resources
from ..store.inventory import InventoryStore, Numbers
from .classes import Classes
from .columns import Columns, Rows
from .ranking import rank

log = logs.logger(__name__)
# Older than this it is read anew by the way; this much older, before anything is chosen by it.
_FRESH_SECONDS = 1.0
_STALE_SECONDS = 5.0
# While it is told what others do, it is read so much more seldom.
_TOLD_FACTOR = 4


class Left(Protocol):
    """A node after a statement has changed it."""

    @property
    def node_id(self) -> UUID: ...
    @property
    def allocatable(self) -> Resources: ...
    @property
    def allocated(self) -> Resources: ...


class Inventory:
    """All nodes, and what is free of them."""

    def __init__(self, database: Database, *, fresh_seconds: float = _FRESH_SECONDS) -> None:
        self._database = database
        self._store = InventoryStore()
        self._fresh_seconds = fresh_seconds
        self._nodes = Columns()
        self._classes = Classes()
        self._ids = b""
        self._rows: Rows = np.empty(0, np.intp)  # of the nodes with these ids
        self._read_at = self._needed_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self.told = False
        self._changes: dict[UUID, tuple[Resources, Resources]] = {}
        self._changed = asyncio.Event()

    async def fresh(self) -> None:
        """Return when the inventory may be chosen by. While it is in use this waits for nothing: it is read beside."""
        age = self._age()
        if age < self._fresh_seconds * (_TOLD_FACTOR if self.told else 1):
            return
        reading = self._begin_reading()
        if age > max(_STALE_SECONDS, self._fresh_seconds) or not self._fresh_seconds:
            # Whoever waits may be cancelled; the others need it still.
            await asyncio.shield(reading)
            if self._read_at < self._needed_at:  # it had begun before it was needed
                await asyncio.shield(self._begin_reading())

    def _begin_reading(self) -> asyncio.Task[None]:
        """Or join the one that is under way."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="inventory")
            self._reading.add_done_callback(self._was_read)
        return self._reading

    def _age(self) -> float:
        return time.monotonic() - self._read_at if self._read_at >= self._needed_at else float("inf")

    def rank(self, demand: Demand) -> Ranking:
        """As :func:`..placement.rank`, of what is known now."""
        return rank(demand, self._nodes, self._classes)

    def places(self) -> list[tuple[str, str]]:
        """Regions and zones in which there are nodes."""
        return self._classes.places()

    def hold(self, node_id: UUID, footprint: Resources) -> Offer:
        """This is about to be claimed: who chooses next sees it gone. The node as it was read, but for what is free."""
        return self._nodes.hold(node_id, footprint)

    def let_go(self, node_id: UUID, footprint: Resources) -> None:
        """The claim was decided, or will never be."""
        self._nodes.let_go(node_id, footprint)

    def learn(self, node: Left) -> None:
        """How a statement of this process left a node."""
        self._nodes.learn(node.node_id, node.allocatable, node.allocated)
        self._changes[node.node_id] = node.allocatable, node.allocated
        self._changed.set()

    async def changes(self) -> dict[UUID, tuple[Resources, Resources]]:
        """Wait until statements of this process have changed nodes: how they left them, since this was asked last. None of
        them: there is something to read.
        """
        await self._changed.wait()
        self._changed.clear()
        changes, self._changes = self._changes, {}
        return changes

    def hear(self, node_id: UUID, allocatable: Resources, allocated: Resources) -> None:
        """How a statement of another scheduler left a node."""
        self._nodes.learn(node_id, allocatable, allocated)

    def outdate(self) -> None:
        """The filters see nodes otherwise from now on: they are read before the next choice, here and by whoever is told."""
        self.hear_of_more()
        self._changed.set()

    def hear_of_more(self) -> None:
        """The same, of another scheduler's doing."""
        self._needed_at = time.monotonic()

    def hears(self, told: bool) -> None:
        """Whether others' statements are heard of from now on. Whatever was missed before is read."""
        if told != self.told:
            self.told = told
            self.hear_of_more()

    async def look_again(self, connection: Connection, node_ids: Iterable[UUID]) -> None:
        """Read these nodes whole: what is known of them was not so."""
        offers = await self._store.some(connection, list(node_ids))
        self._classes.assign(offers, self._nodes.put(offers))

    async def _read(self) -> None:
        since, began = self._nodes.clock, time.monotonic()
        async with self._database.connection() as connection:
            numbers = await self._store.numbers(connection)
            if numbers.ids != self._ids:
                await self._meet(connection, numbers)
            else:
                self._nodes.read(self._rows, numbers.allocatable, numbers.allocated, since)
                self._nodes.failures[self._rows] = numbers.failures
            await self._look_at_changed(connection, numbers)
        if self._classes.mostly_empty:
            self._classes.begin_anew(self._nodes.offers)
        self._read_at = began

    async def _meet(self, connection: Connection, numbers: Numbers) -> None:
        """Nodes have come, or gone."""
        node_ids = numbers.node_ids()
        await self.look_again(connection, [one for one in node_ids if self._nodes.row(one) is None])
        if len(self._nodes) > len(node_ids):
            self._nodes.keep_only(node_ids)
            self._classes.begin_anew(self._nodes.offers)
        rows = [self._nodes.row(one) for one in node_ids]
        if None not in rows:
            self._ids, self._rows = numbers.ids, np.array(rows, np.intp)

    async def _look_at_changed(self, connection: Connection, numbers: Numbers) -> None:
        """Nodes that the filters see otherwise than before: their claims would be refused."""
        if numbers.ids != self._ids:
            return  # one went while it was read: the next reading knows
        known = self._nodes
        changed = (known.generations[self._rows] != numbers.generations) | (known.states[self._rows] != numbers.states)
        if changed.any():
            await self.look_again(connection, [known.offers[row].node_id for row in self._rows[changed].tolist()])

    def _was_read(self, reading: asyncio.Task[None]) -> None:
        self._reading = None
        if not reading.cancelled() and (error := reading.exception()) is not None:
            expected = isinstance(error, NovacronError)
            (log.warning if expected else log.error)("the inventory was not read", error=str(error))
