"""Asking every enabled provider how it is, in the background of every replica."""

from __future__ import annotations

import asyncio

from novacron import logs
from novacron.background import Background
from novacron.errors import NotFound, NovacronError

from .provider import Provider
from .providers import Providers
from .store import Store

log = logs.logger(__name__)

_AT_ONCE = 16


class HealthChecker:
    """Asks each provider once its interval, whichever replica gets to it first; a new one within seconds."""

    def __init__(self, store: Store, providers: Providers, *, pause_seconds: float = 5.0) -> None:
        self._store = store
        self._providers = providers
        self._pause_seconds = pause_seconds
        self._background = Background("provider-health", self._run, retry_seconds=pause_seconds)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def turn(self) -> bool:
        """Ask those whose turn it is; whether more were due than one turn takes."""
        due = await self._store.take_due(_AT_ONCE)
        await asyncio.gather(*(self._check(provider) for provider in due))
        return len(due) == _AT_ONCE

    async def _run(self) -> float:
        return 0.0 if await self.turn() else self._pause_seconds

    async def _check(self, provider: Provider) -> None:
        """One provider's trouble is not the others'."""
        try:
            await self._providers.check(provider)
        except NotFound:
            pass  # deleted while it was asked
        except NovacronError as error:
            log.warning("provider not checked", provider=provider.name, reason=error.reason, message=error.message)
        except Exception as error:
            log.error("provider not checked", provider=provider.name, exc_info=error)
