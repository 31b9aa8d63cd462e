"""A limit of the calls to one target at once, as a client stage: one that hangs cannot take every place of the caller."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ..errors import Overloaded
from .call import ClientCall, ClientProceed


class Bulkhead:
    """At most ``limit`` calls to one target at once, so that one that hangs cannot take every place of the caller."""

    def __init__(self, target: str, limit: int = 256) -> None:
        self._target = target
        self._places = asyncio.Semaphore(limit)

    async def client_stage(self, call: ClientCall, proceed: ClientProceed) -> Any:
        if self._places.locked():
            started = time.monotonic()
            try:
                async with asyncio.timeout(call.timeout / 2):
                    await self._places.acquire()
            except TimeoutError:
                message = f"too many calls to {self._target} are under way: this one was not sent"
                raise Overloaded(message, retry_after_seconds=0.5) from None
            call.timeout -= time.monotonic() - started
        else:
            await self._places.acquire()
        try:
            return await proceed(call)
        finally:
            self._places.release()
