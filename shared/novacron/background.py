"""Work that a process does beside its calls: one task, turn after turn, for as long as it runs.

A component that needs one holds it, and gives it the one thing that differs::

    self._background = Background("addresses", self._turn, retry_seconds=2.0)

where ``_turn`` does what is to be done once and returns how many seconds to wait until the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from . import instruments, logs
from .ending import end
from .errors import NovacronError

log = logs.logger(__name__)

_TURNS = instruments.counter(
    "novacron.background.turns",
    "{turn}",
    "Turns of background tasks, by how they ended",
    "novacron.background.task",
    "novacron.background.outcome",
)


class Background:
    """Takes turn after turn, whatever a turn meets with, until it is stopped.

    A turn that fails is taken again after ``retry_seconds``. The log hears of a trouble when it begins and when it is over, not
    at every turn between; a fault that is none of ``expected`` is told each time, with its traceback.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], Awaitable[float]],
        *,
        retry_seconds: float,
        expected: tuple[type[Exception], ...] = (NovacronError,),
    ) -> None:
        self.name = name
        self._turn = turn
        self._retry_seconds = retry_seconds
        self._expected = expected
        self._troubled = False
        self._task: asyncio.Task[None] | None = None
        self._turned = _TURNS.labels(name, "ok")
        self._failed = _TURNS.labels(name, "failed")

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """End the turn under way, wherever it is. Not started, or stopped before: nothing happens."""
        task, self._task = self._task, None
        if task is not None:
            await end([task])

    async def _run(self) -> None:
        while True:
            try:
                pause = await self._turn()
            except self._expected as error:
                pause = self._retry_seconds
                self._failed.inc()
                tell = log.debug if self._troubled else log.warning
                tell(f"{self.name}: failed, trying again", reason=_reason(error), error=str(error))
                self._troubled = True
            except Exception:
                # Whatever it is, the next turn may do better; a task that died of it would be missed too late.
                pause = self._retry_seconds
                self._failed.inc()
                log.exception(f"{self.name}: failed, trying again")
                self._troubled = True
            else:
                self._turned.inc()
                if self._troubled:
                    log.info(f"{self.name}: works again")
                self._troubled = False
            await asyncio.sleep(pause)


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, NovacronError) else type(error).__name__
