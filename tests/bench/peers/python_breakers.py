"""The Python breakers on orders from the benchmark: one JSON line in, one out.

``{"library": name, "calls": n}`` -> ``{"added_us": x}`` or, without calls, its behaviours. Each is used as its documentation
shows for asyncio.
"""

import asyncio
import datetime
import json
import sys

import aiobreaker
import breaker_scenarios as scenarios
import circuitbreaker
import purgatory
import pybreaker

FAILURES, OPEN_SECONDS = scenarios.FAILURES, scenarios.OPEN_SECONDS


class PyBreaker:
    """Its ``call_async`` is for Tornado; the context manager goes with asyncio."""

    def __init__(self):
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=FAILURES, reset_timeout=OPEN_SECONDS, exclude=[scenarios.ClientError]
        )

    async def call(self, function):
        with self._breaker.calling():
            return await function()

    async def is_open(self):
        return self._breaker.current_state == "open"


class AioBreaker:
    def __init__(self):
        self._breaker = aiobreaker.CircuitBreaker(
            fail_max=FAILURES,
            timeout_duration=datetime.timedelta(seconds=OPEN_SECONDS),
            exclude=[scenarios.ClientError],
        )

    async def call(self, function):
        return await self._breaker.call_async(function)

    async def is_open(self):
        return self._breaker.current_state is aiobreaker.CircuitBreakerState.OPEN


class Purgatory:
    def __init__(self):
        self._factory = purgatory.AsyncCircuitBreakerFactory(
            default_threshold=FAILURES, default_ttl=OPEN_SECONDS, exclude=[scenarios.ClientError]
        )

    async def call(self, function):
        async with await self._factory.get_breaker("target"):
            return await function()

    async def is_open(self):
        return (await self._factory.get_breaker("target")).context.state == "opened"


class CircuitBreaker:
    def __init__(self):
        self._breaker = circuitbreaker.CircuitBreaker(
            failure_threshold=FAILURES, recovery_timeout=OPEN_SECONDS, expected_exception=scenarios.Down
        )

    async def call(self, function):
        # What it decorates and what a decorated function runs.
        if self._breaker.opened:
            raise circuitbreaker.CircuitBreakerError(self._breaker)
        return await self._breaker.call_async(function)

    async def is_open(self):
        return self._breaker.opened


LIBRARIES = {
    "pybreaker": PyBreaker,
    "aiobreaker": AioBreaker,
    "purgatory": Purgatory,
    "circuitbreaker": CircuitBreaker,
}


async def answer(order):
    make = LIBRARIES[order["library"]]
    if "calls" in order:
        return {"added_us": await scenarios.added_seconds(make, order["calls"]) * 1e6}
    return await scenarios.behaviours(make)


async def main():
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while line := await asyncio.to_thread(sys.stdin.readline):
        done = await answer(json.loads(line))
        sys.stdout.write(json.dumps(done) + "\n")
        sys.stdout.flush()


asyncio.run(main())
