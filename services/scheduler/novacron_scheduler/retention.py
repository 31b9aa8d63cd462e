"""History that has had its time: removed by one scheduler at a time, so little at once that nobody waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from novacron import logs
from novacron.background import Background

from .store.history import HistoryStore

log = logs.logger(__name__)
_HOUR = 3600.0
_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ages:
    """For how long what is kept. What a VM that holds a place still needs stays as long as it does."""

    decisions: timedelta
    recommendations: timedelta
    node_events: timedelta


class Retention:
    """Looks once an hour. A sweep that is broken off is begun anew: nothing of it depends on where it was."""

    def __init__(self, store: HistoryStore, ages: Ages) -> None:
        self._store = store
        self._ages = ages
        self._background = Background("history-retention", self._turn, retry_seconds=_RETRY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def _turn(self) -> float:
        await self.sweep()
        return _HOUR

    async def sweep(self) -> dict[str, int] | None:
        """How much was removed of what; None: another scheduler is at it."""
        async with self._store.alone() as connection:
            if connection is None:
                return None
            gone = {
                "decisions": await self._store.forget_decisions(connection, self._ages.decisions),
                "recommendations": await self._store.forget_recommendations(connection, self._ages.recommendations),
                "node_events": await self._store.forget_events(connection, self._ages.node_events),
            }
        if any(gone.values()):
            log.info("history removed", **gone)
        return gone
