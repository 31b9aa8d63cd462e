"""A limit of the calls to one target at once, as a client stage: one that hangs cannot take every place of the caller."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ..errors import Throttled
from .call import ClientCall, ClientProceed

# Waiting for a place is bounded twice: by the call's own time, and by this.
_LONGEST_WAIT_SECONDS = 2.0


class Bulkhead:
    """At most ``limit`` calls to one target on the wire at once, and at most ``waiting`` more that wait for a place.

    A stream holds its place until it ends. Those that last for hours have none: they would hold it for ever.
    """

    def __init__(self, target: str, limit: int = 256, waiting: int = 256) -> None:
        self._target = target
        self._places = asyncio.Semaphore(limit)
        self._may_wait = waiting
        self.limit = limit
        self.in_flight = 0
        self.waiting = 0
        self.refused = 0

    async def client_stage(self, call: ClientCall, proceed: ClientProceed) -> Any:
        if call.policy.long_lived:
            return await proceed(call)
        if self._places.locked():
            await self._wait(call)
        else:
            await self._places.acquire()  # does not wait
        self.in_flight += 1
        held = True
        try:
            response = await proceed(call)
            if call.streamed:
                held = False
                call.at_end(lambda _: self._release())
            return response
        finally:
            if held:
                self._release()

    def _release(self) -> None:
        self.in_flight -= 1
        self._places.release()

    async def _wait(self, call: ClientCall) -> None:
        """A place, after a wait that leaves the call at least half of its time."""
        if self.waiting >= self._may_wait:
            raise self._refusal()
        started = time.monotonic()
        self.waiting += 1
        try:
            async with asyncio.timeout(min(call.timeout / 2, _LONGEST_WAIT_SECONDS)):
                await self._places.acquire()
        except TimeoutError:
            raise self._refusal() from None
        finally:
            self.waiting -= 1
        call.timeout -= time.monotonic() - started

    def _refusal(self) -> Throttled:
        self.refused += 1
        return Throttled(
            f"{self.limit} calls to {self._target} are under way already: this one was not sent",
            metadata={"throttled_by": "bulkhead", "target": self._target},
            retry_after_seconds=0.5,
        )
