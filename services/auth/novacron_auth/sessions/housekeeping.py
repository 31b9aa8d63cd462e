"""Forgets what has outlived its use: sessions and API keys that ended long ago, refresh tokens, and counters of failures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from novacron import logs
from novacron.background import Background

from ..api_keys.store import ApiKeyStore
from ..configuration.configurations import Configurations
from .store import SessionStore

log = logs.logger(__name__)
_EVERY_SECONDS = 600.0
_RETRY_SECONDS = 60.0
_BATCH = 1000


class Housekeeping:
    """Works beside the server; any number of replicas may, each takes what no other has taken."""

    def __init__(
        self,
        store: SessionStore,
        api_keys: ApiKeyStore,
        configurations: Configurations,
        every_seconds: float = _EVERY_SECONDS,
    ) -> None:
        self._store = store
        self._api_keys = api_keys
        self._configurations = configurations
        self._every = every_seconds
        self._background = Background("session-housekeeping", self._work, retry_seconds=_RETRY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def sweep(self) -> tuple[int, int]:
        """Remove what is due; how many sessions and how many keys that were."""
        retention = (await self._configurations.current()).session_management.history_retention
        return await _all(self._store.remove_ended, retention), await _all(self._api_keys.remove_ended, retention)

    async def _work(self) -> float:
        sessions, api_keys = await self.sweep()
        if sessions or api_keys:
            log.info("what ended long ago was removed", sessions=sessions, api_keys=api_keys)
        return self._every


async def _all(remove: Callable[[timedelta, int], Awaitable[int]], retention: timedelta) -> int:
    removed = batch = await remove(retention, _BATCH)
    while batch == _BATCH:
        batch = await remove(retention, _BATCH)
        removed += batch
    return removed
