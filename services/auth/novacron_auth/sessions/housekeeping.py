"""Forgets what has outlived its use: sessions that ended long ago, with their refresh tokens, and counters of failures."""

from __future__ import annotations

from novacron import logs
from novacron.background import Background

from ..configuration.configurations import Configurations
from .store import SessionStore

log = logs.logger(__name__)
_EVERY_SECONDS = 600.0
_RETRY_SECONDS = 60.0
_BATCH = 1000


class Housekeeping:
    """Works beside the server; any number of replicas may, each takes what no other has taken."""

    def __init__(
        self, store: SessionStore, configurations: Configurations, every_seconds: float = _EVERY_SECONDS
    ) -> None:
        self._store = store
        self._configurations = configurations
        self._every = every_seconds
        self._background = Background("session-housekeeping", self._work, retry_seconds=_RETRY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def sweep(self) -> int:
        """Remove what is due; how many sessions that were."""
        retention = (await self._configurations.current()).session_management.history_retention
        removed = batch = await self._store.remove_ended(retention, _BATCH)
        while batch == _BATCH:
            batch = await self._store.remove_ended(retention, _BATCH)
            removed += batch
        return removed

    async def _work(self) -> float:
        if removed := await self.sweep():
            log.info("old sessions removed", sessions=removed)
        return self._every
