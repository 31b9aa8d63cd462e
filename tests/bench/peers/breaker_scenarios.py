"""What a circuit breaker does in the places where it matters, asked alike of every library. Needs nothing but Python.

A library is given as a function that makes a guard: an object with ``async call(function)`` and ``async is_open()``. Each is
told that ``ClientError`` is no fault of the target, and opens for ``OPEN_SECONDS`` after ``FAILURES`` failures.
"""

import asyncio
import contextlib
import time

FAILURES = 5
OPEN_SECONDS = 0.05
CROWD = 100


class Down(Exception):
    """The target's fault."""


class ClientError(Exception):
    """The caller's fault: not found, not allowed. The target is sound."""


async def well():
    return None


async def fail():
    raise Down


async def mistake():
    raise ClientError


async def _made(guard, function):
    """Make one call; whether it was sent."""
    sent = False

    async def noticed():
        nonlocal sent
        sent = True
        return await function()

    with contextlib.suppress(Exception):
        await guard.call(noticed)
    return sent


async def _trip(guard):
    for _ in range(10 * FAILURES):
        await _made(guard, fail)
        if await guard.is_open():
            return
    raise AssertionError("it does not open at all")


async def half_open_probes_admitted(make):
    """Of a hundred calls that come at once when the open time is over: how many reach a target that may still be down."""
    guard = make()
    await _trip(guard)
    await asyncio.sleep(OPEN_SECONDS * 1.5)
    began = 0

    async def hang():
        nonlocal began
        began += 1
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(guard.call(hang)) for _ in range(CROWD)]
    await asyncio.wait(tasks, timeout=0.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return began


async def client_cancels_counted(make):
    """Whether callers that give up open it on a target that is sound."""
    guard = make()
    for _ in range(10 * FAILURES):
        task = asyncio.create_task(guard.call(asyncio.Event().wait))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if await guard.is_open():
            return True
    return False


async def opens_at_half_failed(make):
    """Whether it opens when every other call fails."""
    guard = make()
    for _ in range(20 * FAILURES):
        await _made(guard, fail)
        await _made(guard, well)
        if await guard.is_open():
            return True
    return False


async def late_success_closes(make):
    """Whether the answer to a call from before the trip closes the circuit at once."""
    guard = make()
    answer = asyncio.Event()
    late = asyncio.create_task(guard.call(answer.wait))
    await asyncio.sleep(0.001)
    await _trip(guard)
    answer.set()
    await asyncio.gather(late, return_exceptions=True)
    return not await guard.is_open()


async def client_errors_reset_the_count(make):
    """Whether a caller's mistake in between makes it forget failures: four of five calls fail, and it never opens."""
    guard = make()
    for _ in range(20 * FAILURES):
        for _ in range(FAILURES - 1):
            await _made(guard, fail)
        if await guard.is_open():
            return False
        await _made(guard, mistake)
    return not await guard.is_open()


BEHAVIOURS = (
    half_open_probes_admitted,
    client_cancels_counted,
    opens_at_half_failed,
    late_success_closes,
    client_errors_reset_the_count,
)


async def behaviours(make):
    return {one.__name__: await one(make) for one in BEHAVIOURS}


async def added_seconds(make, calls):
    """What a guard adds to a call that does nothing and succeeds: the thread's own time, less that of the bare call."""
    guard, lasted = make(), []
    for call in (well, lambda: guard.call(well)):
        began = time.thread_time()
        for _ in range(calls):
            await call()
        lasted.append((time.thread_time() - began) / calls)
    return lasted[1] - lasted[0]
