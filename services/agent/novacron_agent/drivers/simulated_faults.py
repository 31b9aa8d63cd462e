"""How slow and how unreliable a simulated hypervisor is: the same for the same seed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal

from novacron.errors import Unavailable

Operation = Literal[
    "open",
    "images",
    "create",
    "get",
    "list",
    "start",
    "stop",
    "reboot",
    "resize",
    "delete",
    "stats",
    "console",
    "export",
    "receive",
]
Moment = Literal["before", "after"]

EVERY: Final = "*"  # in a table of latencies or rates: the operations that it does not name


class Faults:
    """Delays and failures of operations, drawn from one seeded generator.

    A failure is ``Unavailable``, whose outcome is unknown, and rightly so: half of those drawn by rate come before the
    operation took effect and half when only its answer is lost.
    """

    def __init__(
        self,
        *,
        seed: int,
        latency_seconds: Mapping[str, float],
        jitter: float,
        failure_rate: Mapping[str, float],
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311  repeatable on purpose
        self._latency_seconds = dict(latency_seconds)
        self._jitter = jitter
        self._failure_rate = dict(failure_rate)
        self._next: dict[Moment, Counter[str]] = {"before": Counter(), "after": Counter()}

    def fail_next(self, operation: Operation, times: int = 1, *, moment: Moment = "before") -> None:
        """The next ``times`` calls of ``operation`` fail; ``after``: each takes effect and its answer is lost."""
        self._next[moment][operation] += times

    @asynccontextmanager
    async def around(self, operation: Operation) -> AsyncIterator[None]:
        """Take the operation's time, and fail before its effect, or after it, or not at all."""
        seconds = self._latency_seconds.get(operation, self._latency_seconds.get(EVERY, 0.0))
        if seconds > 0:
            await asyncio.sleep(seconds * (1 + self._jitter * self._random.uniform(-1, 1)))
        drawn = self._draw(operation)
        if self._due(operation, "before") or drawn == "before":
            raise Unavailable(f"simulated failure: {operation} was not carried out")
        yield
        if self._due(operation, "after") or drawn == "after":
            raise Unavailable(f"simulated failure: {operation} was carried out and its answer lost")

    def _draw(self, operation: Operation) -> Moment | None:
        rate = self._failure_rate.get(operation, self._failure_rate.get(EVERY, 0.0))
        if rate <= 0 or self._random.random() >= rate:
            return None
        return self._random.choice(("before", "after"))

    def _due(self, operation: Operation, moment: Moment) -> bool:
        if self._next[moment][operation] == 0:
            return False
        self._next[moment][operation] -= 1
        return True
