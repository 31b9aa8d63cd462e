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
    Then the task goes on, and who waits for its end would wait for ever: it is cancelled again.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_SECONDS)
