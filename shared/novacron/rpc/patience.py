"""Patience with a target that is away for a moment: a call that found no connection waits for one, and is then sent.

A process that is restarted is back in seconds. Repeating calls until then would cost the retry budget, which is there for
calls that reach a target and fail; a call that was never sent costs the target nothing. It stands below the breaker: who waits
has not failed, so a restart opens none, and an open one still answers at once.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc

from ..errors import Unreachable, WaitedInVain
from .call import ClientCall, ClientProceed
from .request_stream import RequestStream

_POLL_SECONDS = 0.02
_SHARE = 0.9
# Somebody is there, and not whom we trust: no waiting mends that.
_FOREIGN = "CERTIFICATE_VERIFY_FAILED"


class Patience:
    """Waits up to ``seconds`` for the channel's connection, and never beyond the call's own deadline."""

    def __init__(self, wire: grpc.aio.Channel, seconds: float) -> None:
        self._wire = wire
        self.seconds = seconds
        self._watch: asyncio.Task[None] | None = None

    async def client_stage(self, call: ClientCall, proceed: ClientProceed) -> Any:
        """:raises WaitedInVain: no connection came; the call was not sent."""
        try:
            return await proceed(call)
        except Unreachable as error:
            if not self.seconds or _FOREIGN in error.message:
                raise
            last = error
        now = time.monotonic()
        # Some of the time is left for the answer, be it that nothing came.
        ends = now + min(self.seconds, (call.until - now) * _SHARE)
        while await self._connected(ends):
            if isinstance(call.request, RequestStream) and not call.request.rewind(not_sent=True):
                raise last
            call.timeout = min(call.timeout, call.until - time.monotonic())
            try:
                return await proceed(call)
            except Unreachable as error:  # it stood for a moment only
                last = error
                await asyncio.sleep(_POLL_SECONDS)
        raise WaitedInVain(last.message, metadata=last.metadata) from None

    def close(self) -> None:
        """Whoever waits is told that nothing came."""
        if self._watch is not None:
            self._watch.cancel()

    async def _connected(self, ends: float) -> bool:
        while (left := ends - time.monotonic()) > 0:
            if self._ready():
                return True
            if self._watch is None or self._watch.done():
                self._watch = asyncio.create_task(self._watch_for(self.seconds), name="patience")
            await asyncio.wait({self._watch}, timeout=left)
            if self._watch.cancelled():
                return False
        return False

    async def _watch_for(self, seconds: float) -> None:
        """One look out for all who wait. grpc.aio's own watch cannot be given up before something changes."""
        ends = time.monotonic() + seconds
        while not self._ready() and time.monotonic() < ends:  # noqa: ASYNC110 - nobody would set an event
            await asyncio.sleep(_POLL_SECONDS)

    def _ready(self) -> bool:
        return self._wire.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY
