"""The end of tasks: cancelled, and waited for until they really have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

# Whoever cleans up takes less; whoever has not heard of it by then is told again.
_AGAIN_SECONDS = 5.0


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel these tasks and wait for them, however they end.

    A cancellation is one exception at one instant, and a library that was about to answer, or to fail by itself, may lose it.
    Then the task goes on, and who waits for its end would wait for ever: it is cancelled again. Who is cancelled while it waits
    tells them again at once, and still sees them end before it does: otherwise they would be left at work, and nobody's.
    """
    told = list(tasks)
    left = [task for task in told if not task.done()]
    cancelled: asyncio.CancelledError | None = None
    while left:
        for task in left:
            task.cancel()
        try:
            await asyncio.wait(left, timeout=_AGAIN_SECONDS)
        except asyncio.CancelledError as own:
            cancelled = own
        left = [task for task in left if not task.done()]
    for task in told:
        if not task.cancelled():
            task.exception()  # asked for, so that it is not told again as one that nobody looked at
    if cancelled is not None:
        raise cancelled
