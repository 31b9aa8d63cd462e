"""What stands between a caller and a target that suffers: the circuit breaker as a client stage."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import grpc

from ..errors import BreakerOpen, DeadlineExceeded, NovacronError, Outcome, Unreachable
from .breaker import BreakerConfiguration, CircuitBreaker, Permit, Result
from .call import ClientCall, ClientProceed, StreamProceed

_FAILURES = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DATA_LOSS,
}
# An attempt that was given less time than this says nothing of the target when it runs out.
_FAIR_SECONDS = 0.1


def result_of(error: BaseException, timeout: float) -> Result:
    """What an outcome says of the target: its faults are failures, the client's are successes, ours are neutral."""
    if isinstance(error, Unreachable):
        return Result.FAILURE
    if not isinstance(error, NovacronError) or error.outcome is Outcome.NOT_SENT:
        return Result.NEUTRAL
    if isinstance(error, DeadlineExceeded):
        return Result.FAILURE if timeout >= _FAIR_SECONDS else Result.NEUTRAL
    if error.code is grpc.StatusCode.CANCELLED:
        return Result.NEUTRAL
    if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED and not error.retryable:
        return Result.SUCCESS  # no capacity, no quota: a sound answer from a sound server
    return Result.FAILURE if error.code in _FAILURES else Result.SUCCESS


class Breakers:
    """The breakers of one channel: one for each class of methods."""

    def __init__(self, target: str, configuration: BreakerConfiguration | None = None) -> None:
        self._target = target
        self._configuration = configuration
        self._by_class: dict[str, CircuitBreaker] = {}

    def of(self, breaker_class: str) -> CircuitBreaker:
        breaker = self._by_class.get(breaker_class)
        if breaker is None:
            breaker = CircuitBreaker(f"{self._target}/{breaker_class}", self._configuration)
            self._by_class[breaker_class] = breaker
        return breaker

    def all(self) -> list[CircuitBreaker]:
        return list(self._by_class.values())

    def _admit(self, call: ClientCall) -> tuple[CircuitBreaker, Permit]:
        breaker = self.of(call.policy.breaker_class)
        now = time.monotonic()
        permit = breaker.acquire(now)
        if permit is None:
            raise BreakerOpen(
                f"the circuit breaker {breaker.name} is {breaker.state}: the call was not sent",
                metadata={"breaker": breaker.name, "state": str(breaker.state)},
                retry_after_seconds=breaker.retry_after(now),
            )
        return breaker, permit

    async def client_stage(self, call: ClientCall, proceed: ClientProceed) -> Any:
        breaker, permit = self._admit(call)
        result = Result.NEUTRAL
        try:
            response = await proceed(call)
            result = Result.SUCCESS
            return response
        except BaseException as error:
            result = result_of(error, call.timeout)
            raise
        finally:
            breaker.release(permit, result, time.monotonic())

    async def stream_stage(self, call: ClientCall, proceed: StreamProceed) -> AsyncIterator[Any]:
        """A stream is judged by its beginning: what it says later says little of whether calls get through."""
        breaker, permit = self._admit(call)
        judged = False
        try:
            async for response in proceed(call):
                if not judged:
                    judged = True
                    breaker.release(permit, Result.SUCCESS, time.monotonic())
                yield response
        except BaseException as error:
            if not judged:
                judged = True
                breaker.release(permit, result_of(error, call.timeout), time.monotonic())
            raise
        finally:
            if not judged:
                breaker.release(permit, Result.SUCCESS, time.monotonic())
