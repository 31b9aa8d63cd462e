"""What watchers are told: each service's newest state, whichever replica changed it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID

from novacron.background import Background

from .service import Change, Service, changes
from .store import Store


class Watch:
    """One look at the revisions an interval, for all watchers of this replica, and none while nobody watches.

    Looked for, not notified of: a look misses nothing after an outage and does not depend on the order of commits. A watcher
    that is slow skips the states between, so it holds up nobody and nothing piles up for it.
    """

    def __init__(self, store: Store, interval_seconds: float) -> None:
        self._store = store
        self._interval_seconds = interval_seconds
        self._services: dict[UUID, Service] = {}
        self._looking = asyncio.Lock()  # two looks at once could put an older picture over a newer one
        self._turned = asyncio.Event()  # set and replaced when the picture changes
        self._watched = asyncio.Event()
        self._watchers = 0
        self._background = Background("service-watch", self._follow, retry_seconds=interval_seconds)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def changes(self) -> AsyncGenerator[Change]:
        """Every service once, as fresh as a list would show it, then each change. Ends only with its caller."""
        self._watchers += 1
        self._watched.set()
        try:
            await self._look()
            told: dict[UUID, Service] = {}
            while True:
                turned, services = self._turned, self._services
                for change in changes(told, services):
                    yield change
                told = services
                await turned.wait()
        finally:
            self._watchers -= 1
            if self._watchers == 0:
                self._watched.clear()

    async def _follow(self) -> float:
        await self._watched.wait()
        await self._look()
        return self._interval_seconds

    async def _look(self) -> None:
        async with self._looking:
            known = self._services
            revisions = await self._store.revisions()
            other = [one for one, number in revisions.items() if one not in known or known[one].revision != number]
            fresh = {service.service_id: service for service in await self._store.these(other)} if other else {}
            if not other and known.keys() == revisions.keys():
                return
            same = {one: known[one] for one in revisions if one not in other}
            # A new dict, never changed again: watchers hold it as what they were told.
            self._services = same | fresh
            turned, self._turned = self._turned, asyncio.Event()
            turned.set()
