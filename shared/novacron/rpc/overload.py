"""A server's own limits: beyond them, load is shed at once instead of served late.

Two things are watched. The requests under way: a server that waits for others fills up without being busy. And the time that
a request waits before its handler begins: a server that is busy falls behind without being full. Requests of low priority
are shed first; compensations last; health checks never. What is shed was not begun, and says when to come back.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from ..errors import Overloaded
from .call import SAGA_KEY, ServerCall, ServerProceed
from .policy import Priority

# The part of the limit that each priority may fill.
_SHARE = {Priority.LOW: 0.8, Priority.NORMAL: 0.95, Priority.HIGH: 1.0}
# While the server is behind: how often the target each priority may have waited and still be served.
_PATIENCE = {Priority.LOW: 1, Priority.NORMAL: 2, Priority.HIGH: 8}
_PROBE_SECONDS = 0.1
_COME_BACK_SECONDS = 0.25
_CERTIFICATE = "x509_subject_alternative_name"


class QueueDelay:
    """Whether a server is behind: every wait of a whole ``interval`` was longer than ``target``.

    The rule is CoDel's (RFC 8289): a short queue that passes is good, one that stands is not, and the least wait of an
    interval tells them apart. One request, or one probe, that did not wait ends the state.
    """

    def __init__(self, target: float = 0.2, interval: float = 1.0) -> None:
        self.target = target
        self.interval = interval
        self.last = 0.0
        self._above_since: float | None = None

    def saw(self, delay: float, now: float) -> None:
        """A request, or a probe, waited for ``delay`` seconds and began at ``now``."""
        self.last = delay
        if delay < self.target:
            self._above_since = None
        elif self._above_since is None:
            self._above_since = now

    def behind(self, now: float) -> bool:
        return self._above_since is not None and now - self._above_since >= self.interval


class LoadShedder:
    """Sheds above ``limit`` requests at once, and while requests wait too long to be begun.

    Streams that last for hours are not load and are not counted.
    """

    def __init__(
        self, limit: int = 512, delay: QueueDelay | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit = limit
        self.delay = delay or QueueDelay()
        self.in_flight = 0
        self.shed = 0
        self._clock = clock
        self._probe: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Watch the event loop: what is late here, every request is late by."""
        loop = asyncio.get_running_loop()
        due = loop.time() + _PROBE_SECONDS

        def probe() -> None:
            self.delay.saw(max(loop.time() - due, 0.0), self._clock())
            self.start()

        self._probe = loop.call_at(due, probe)

    def stop(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None

    async def server_stage(self, call: ServerCall, proceed: ServerProceed) -> Any:
        if call.policy.operational or call.policy.long_lived:
            return await proceed(call)
        now = self._clock()
        waited = now - call.arrived if call.arrived else 0.0
        delay = self.delay
        delay.saw(waited, now)
        if self.in_flight >= self.limit * _SHARE[Priority.LOW] or delay.behind(now):
            self._judge(_priority(call), waited, now)
        self.in_flight += 1
        try:
            return await proceed(call)
        finally:
            self.in_flight -= 1

    def _judge(self, priority: Priority, waited: float, now: float) -> None:
        if self.in_flight >= self.limit * _SHARE[priority]:
            why = "serves as many requests as it can"
        elif self.delay.behind(now) and waited > self.delay.target * _PATIENCE[priority]:
            why = "is behind with its requests"
        else:
            return
        self.shed += 1
        # Not all at once: those who were shed together would come back together.
        seconds = _COME_BACK_SECONDS * random.uniform(1, 2)  # noqa: S311 - jitter, no secret
        raise Overloaded(f"the server {why}: retry in a moment", retry_after_seconds=seconds)


def _priority(call: ServerCall) -> Priority:
    """The method's; a compensation's is the highest. Only a service of ours is believed that it compensates."""
    if call.metadata.get(SAGA_KEY, "").endswith("/compensation") and call.context.peer_identity_key() == _CERTIFICATE:
        return Priority.HIGH
    return call.policy.priority
