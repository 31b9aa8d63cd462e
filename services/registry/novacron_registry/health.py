"""Asking every leased instance how it is, in the background of every replica."""

from __future__ import annotations

import asyncio
from typing import Protocol

from novacron.background import Background

from .service import Asked, Health
from .services import Services
from .store import Store

_AT_ONCE = 64
_PAUSE_SECONDS = 0.5


class Probe(Protocol):
    """What asks one process; see :class:`~novacron_registry.clients.HealthProbe`."""

    async def ask(self, service_name: str, mesh_endpoint: str) -> Health: ...
    async def close_idle(self) -> None: ...
    async def close(self) -> None: ...


class HealthChecker:
    """Asks each instance once an interval, whichever replica gets to it first.

    A replica takes instances by moving their next turn on, in the statement that finds them: no two ask the same one in
    one interval, and a replica that dies with instances in hand delays them by one interval.
    """

    def __init__(self, store: Store, services: Services, probe: Probe, interval_seconds: float) -> None:
        self._store = store
        self._services = services
        self._probe = probe
        self._interval_seconds = interval_seconds
        self._background = Background("health-checker", self._run, retry_seconds=_PAUSE_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()
        await self._probe.close()

    async def _run(self) -> float:
        return 0.0 if await self.turn() else _PAUSE_SECONDS

    async def turn(self) -> bool:
        """Ask those whose turn it is, and see to lapsed leases; whether more were due than one turn takes."""
        due = await self._store.take_due(self._interval_seconds, _AT_ONCE)
        found = await asyncio.gather(*(self._probe.ask(one.service_name, one.mesh_endpoint) for one in due))
        answers: list[tuple[Asked, Health]] = list(zip(due, found, strict=True))
        if same := [asked.instance_id for asked, health in answers if health == asked.health]:
            await self._store.seen(same)
        for asked, health in answers:
            if health != asked.health:
                await self._services.judge(asked, health)
        await self._services.lapse()
        await self._probe.close_idle()
        return len(due) == _AT_ONCE
