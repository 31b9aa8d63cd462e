"""Asking every leased instance how it is, in the background of every replica."""

from __future__ import annotations

import asyncio
from typing import Protocol

from novacron import logs
from novacron.errors import NovacronError

from .service import Asked, Health
from .services import Services
from .store import Store

log = logs.logger(__name__)

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
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="health-checker")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._probe.close()

    async def _run(self) -> None:
        while True:
            try:
                more = await self.turn()
            except NovacronError as error:
                more = False
                log.warning("health checks wait", reason=error.reason, message=error.message)
            except Exception as error:
                # Whatever it is, the next turn may do better; without turns every service would look as it did last.
                more = False
                log.error("health checks failed", exc_info=error)
            if not more:
                await asyncio.sleep(_PAUSE_SECONDS)

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
