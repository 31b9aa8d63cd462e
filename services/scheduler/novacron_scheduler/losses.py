"""Nodes that are heard no more: declared lost, and told to those who have VMs there."""

from __future__ import annotations

from novacron import logs
from novacron.background import Background
from novacron.clock import Clock
from novacron.db import Database
from novacron.paging import page_size

from .node_event import NodeEvent
from .store import NodeEventStore

log = logs.logger(__name__)
_RETRY_SECONDS = 1.0


class Losses:
    """Declares nodes lost, any number of schedulers at once; each loss and each return is one event.

    A scheduler that has not been listening for a whole lease and the grace declares nothing: after an outage of its own, or of
    the database, the silence may have been its own. A turn that failed or comes late begins the listening anew for that reason.
    """

    def __init__(self, database: Database, clock: Clock, lease_seconds: float, grace_seconds: float) -> None:
        self._database = database
        self._store = NodeEventStore()
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._silence_seconds = lease_seconds + grace_seconds
        self._pause = min(grace_seconds / 4, 5.0)
        self._listening_since: float | None = None
        self._looked_at, self._looked_on = 0.0, clock.now()
        self._background = Background("losses", self._turn, retry_seconds=_RETRY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def _turn(self) -> float:
        await self.look_once()
        return self._pause

    async def look_once(self) -> list[str]:
        """The names of the nodes that are lost from now on."""
        now, wall, since = self._clock.monotonic(), self._clock.now(), self._listening_since
        # By both clocks: the one stands while the machine is suspended, the database's has gone on.
        late = max(now - self._looked_at, (wall - self._looked_on).total_seconds())
        if since is None or late > max(self._grace_seconds, 2 * self._pause):
            since = now
        self._listening_since = None  # until the database has answered
        async with self._database.transaction() as connection:
            ripe = now - since >= self._silence_seconds
            lost = await self._store.lose(connection, self._grace_seconds) if ripe else []
        self._listening_since, self._looked_at, self._looked_on = since, now, wall
        for name in lost:
            log.warning("node lost", node=name, grace_seconds=self._grace_seconds)
        return lost

    async def events(self, after: int, size: int) -> list[NodeEvent]:
        """What became of nodes after this event, oldest first."""
        async with self._database.connection() as connection:
            return await self._store.after(connection, after, page_size(size))
