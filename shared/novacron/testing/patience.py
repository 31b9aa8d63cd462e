"""Waiting for a condition, never for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    condition: Callable[[], Awaitable[T]], *, within: float = 15.0, every: float = 0.02, message: str = ""
) -> T:
    """The first true value of ``condition``; exceptions and false values are asked again until ``within`` seconds passed."""
    ends = time.monotonic() + within
    while True:
        try:
            value = await condition()
            last: object = value
            if value:
                return value
        except Exception as error:
            last = error
        if time.monotonic() > ends:
            raise AssertionError(f"not within {within} s: {message or condition}; last: {last!r}")
        await asyncio.sleep(every)
