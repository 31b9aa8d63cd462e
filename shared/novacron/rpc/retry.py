"""The one retry layer of a request tree: only what may be repeated, within the deadline and a budget.

A method is repeated when its proto calls it idempotent, or when the failure is known to have come before it was sent. The
budget holds the retries of a channel to a fifth of its requests (with a floor, so that a quiet channel may retry at all): with
every attempt failing, the target sees at most 1.2 times what was asked for.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from ..errors import BreakerOpen, DeadlineExceeded, NovacronError, Outcome, Overloaded, Unavailable
from .call import ATTEMPT, ClientCall, ClientProceed
from .observe import inherited_attempt

_BACKOFF = wait_random_exponential(multiplier=0.05, max=2.0)
_SLOW_BACKOFF = wait_random_exponential(multiplier=0.5, max=5.0)


class RetryBudget:
    """A token for every retry: a request earns ``ratio`` of one, up to ``floor`` are kept for quiet times."""

    def __init__(self, ratio: float = 0.2, floor: float = 3.0) -> None:
        self._ratio = ratio
        self._most = floor
        self._tokens = floor
        self.refused = 0

    def earn(self) -> None:
        self._tokens = min(self._most, self._tokens + self._ratio)

    def spend(self) -> bool:
        """Take a token for a retry; False: none is left, so do not."""
        if self._tokens < 1.0:
            self.refused += 1
            return False
        self._tokens -= 1.0
        return True


def may_repeat(error: BaseException, call: ClientCall) -> bool:
    """Whether this failure of this method may be tried again at all."""
    if not isinstance(error, Unavailable | DeadlineExceeded | Overloaded) or isinstance(error, BreakerOpen):
        return False
    return call.policy.idempotent or error.outcome is Outcome.NOT_SENT


class RetryStage:
    """Repeats a call below it, at most ``attempts`` times in all."""

    def __init__(self, budget: RetryBudget | None = None, attempts: int = 3) -> None:
        self.budget = budget or RetryBudget()
        self._attempts = attempts

    async def client_stage(self, call: ClientCall, proceed: ClientProceed) -> Any:
        self.budget.earn()
        above = inherited_attempt()
        if above > 0 or self._attempts < 2:
            call.metadata.append((ATTEMPT, str(above)))
            return await proceed(call)
        ends = time.monotonic() + call.timeout
        outcome: Any = None
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(lambda error: may_repeat(error, call) and self.budget.spend()),
            wait=_wait,
            stop=stop_after_attempt(self._attempts) | _LongerThan(ends),
            reraise=True,
        ):
            with attempt:
                number = attempt.retry_state.attempt_number - 1
                once = replace(call, timeout=ends - time.monotonic(), metadata=list(call.metadata), attempt=number)
                if number:
                    once.metadata.append((ATTEMPT, str(number)))
                outcome = await proceed(once)
        return outcome


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, NovacronError) and error.retry_after_seconds is not None:
        return error.retry_after_seconds  # the server's own word
    return _SLOW_BACKOFF(state) if isinstance(error, Overloaded) else _BACKOFF(state)


class _LongerThan:
    """Stops when the coming pause would outlast the deadline: fail now rather than later."""

    def __init__(self, ends: float) -> None:
        self._ends = ends

    def __call__(self, state: RetryCallState) -> bool:
        return time.monotonic() + state.upcoming_sleep >= self._ends

    def __ror__(self, other: Any) -> Any:
        return lambda state: other(state) or self(state)
