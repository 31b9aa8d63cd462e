"""One deadline per request tree, and every call below knows it.

grpc.aio passes nothing on: a nested call has no deadline of its own accord. The server stage notes what is left of the
request; the client takes the lesser of that, minus a margin for the way back, and what it was asked for. Work that must
outlive its caller steps out on purpose, through :func:`detached`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ..errors import DeadlineExceeded, DeadlineTooShort
from .call import ServerCall, ServerProceed

# Kept back for the answer's way home.
MARGIN_SECONDS = 0.010
# Less than this is not worth beginning.
LEAST_SECONDS = 0.005

_deadline: ContextVar[float | None] = ContextVar("novacron_deadline", default=None)


def remaining() -> float | None:
    """Seconds left of the current request; None outside of one."""
    at = _deadline.get()
    return None if at is None else at - time.monotonic()


def budget(wanted: float) -> float:
    """Seconds that a call may take now: ``wanted``, or what the request has left less the margin.

    :raises DeadlineTooShort: too little is left to begin.
    """
    left = remaining()
    if left is None:
        return wanted
    allowed = min(wanted, left - MARGIN_SECONDS)
    if allowed < LEAST_SECONDS:
        raise DeadlineTooShort(f"only {max(left, 0) * 1000:.0f} ms are left: the call was not begun")
    return allowed


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Calls in this block, and all below them, end within ``seconds`` or sooner."""
    left = remaining()
    at = time.monotonic() + (seconds if left is None else min(seconds, left))
    token = _deadline.set(at)
    try:
        yield
    finally:
        _deadline.reset(token)


def detached() -> None:
    """From here on this task answers to no caller's deadline. For the saga's worker and other background tasks."""
    _deadline.set(None)


async def server_stage(call: ServerCall, proceed: ServerProceed) -> Any:
    """Note the caller's deadline, or the method's default where the caller set none; refuse what is hopeless.

    gRPC itself ends a handler when its caller's deadline passes. Where there is none, the default is enforced here: a
    caller that never gives up would otherwise hold its place for ever.
    """
    left = call.context.time_remaining()
    if left is not None and left < LEAST_SECONDS:
        raise DeadlineTooShort("no time was left when the request arrived: give the call a longer deadline")
    if left is not None:
        _deadline.set(time.monotonic() + left)
        return await proceed(call)
    if call.policy.operational:
        return await proceed(call)
    seconds = call.policy.timeout_seconds
    _deadline.set(time.monotonic() + seconds)
    try:
        async with asyncio.timeout(seconds) as limit:
            return await proceed(call)
    except TimeoutError:
        if not limit.expired():
            raise
        raise DeadlineExceeded(
            f"{call.path} took longer than {seconds:g} s: give the call a deadline of its own"
        ) from None
