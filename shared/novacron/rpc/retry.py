"""The one retry layer of a request tree: only what may be repeated, within the deadline and a budget.

A method is repeated when its proto calls it idempotent, or when the failure is known to have come before it was sent. The
first attempt costs nothing beyond the call itself; tenacity is asked once it has failed. Every attempt passes through all
that is below, so the breaker sees each of them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_any, stop_before_delay
from tenacity.stop import stop_base
from tenacity.wait import wait_random_exponential

from ..errors import (
    BreakerOpen,
    DeadlineExceeded,
    DeadlineTooShort,
    NovacronError,
    Outcome,
    Overloaded,
    Throttled,
    Unavailable,
    WaitedInVain,
)
from .call import ATTEMPT, ClientCall, ClientProceed
from .deadline import LEAST_SECONDS
from .observe import inherited_attempt, retried
from .request_stream import RequestStream
from .retry_budget import RetryBudget

# Exponential with full jitter: callers that failed together do not come back together.
_BACKOFF = wait_random_exponential(multiplier=0.05, max=2.0)
_SLOW_BACKOFF = wait_random_exponential(multiplier=0.5, max=5.0)

_PASSING = (Unavailable, DeadlineExceeded, Overloaded)
# Refused by ourselves, and asking again at once changes nothing.
_REFUSED_HERE = (BreakerOpen, DeadlineTooShort, Throttled, WaitedInVain)


def may_repeat(error: BaseException, call: ClientCall) -> bool:
    """Whether this failure of this call may be tried again at all."""
    if not isinstance(error, _PASSING) or isinstance(error, _REFUSED_HERE):
        return False
    if error.retry_after_seconds is not None and error.retry_after_seconds < 0:
        return False  # the server says: never
    not_sent = error.outcome is Outcome.NOT_SENT
    if isinstance(call.request, RequestStream) and not call.request.rewind(not_sent):
        return False  # messages are gone that nobody could send again
    return not_sent or call.policy.idempotent


class RetryStage:
    """Repeats a call below it, at most ``attempts`` times in all.

    One attempt takes at most ``attempt_seconds``, or what the method's contract says; a target that hangs leaves time for
    another try where the caller gave the call more than that.
    """

    def __init__(
        self, budget: RetryBudget | None = None, attempts: int = 3, attempt_seconds: float | None = None
    ) -> None:
        self.budget = budget or RetryBudget()
        self.attempts = attempts
        self._attempt_seconds = attempt_seconds

    async def client_stage(self, call: ClientCall, proceed: ClientProceed) -> Any:
        budget = self.budget
        budget.earn()
        above = inherited_attempt()
        if above or self.attempts < 2:
            if above:
                call.metadata.append((ATTEMPT, str(above)))
            return await proceed(call)
        whole = call.timeout
        ends = time.monotonic() + whole
        metadata = tuple(call.metadata)
        call.timeout = self._of_one_attempt(call, whole)
        try:
            outcome = await proceed(call)
        except NovacronError as error:
            if not may_repeat(error, call):
                raise
            first = error
        else:
            budget.succeeded()
            return outcome
        return await self._again(replace(call, metadata=list(metadata)), proceed, first, ends)

    def _of_one_attempt(self, call: ClientCall, left: float) -> float:
        if not call.policy.idempotent or call.policy.long_lived:
            return left
        return min(left, self._attempt_seconds or call.policy.timeout_seconds)

    async def _again(self, call: ClientCall, proceed: ClientProceed, first: NovacronError, ends: float) -> Any:
        """Hand the failed first attempt to tenacity, which decides on each further one."""
        number, last = -1, first

        async def attempt() -> Any:
            nonlocal number, last
            number += 1
            if number == 0:
                raise first
            retried(call, number, last)
            timeout = self._of_one_attempt(call, ends - time.monotonic())
            sent = [*call.metadata, (ATTEMPT, str(number))]
            try:
                return await proceed(replace(call, timeout=timeout, metadata=sent, attempt=number))
            except NovacronError as error:
                last = error
                raise

        outcome: Any = await AsyncRetrying(
            retry=retry_if_exception(lambda error: error is first or may_repeat(error, call)),
            wait=_wait,
            # A pause that outlasts the deadline fails now rather than later. The budget is asked last: what is not
            # tried again costs it nothing.
            stop=stop_any(
                stop_after_attempt(self.attempts),
                stop_before_delay(ends - time.monotonic() - LEAST_SECONDS),
                _Spent(self.budget),
            ),
            reraise=True,
        )(attempt)
        self.budget.succeeded()
        return outcome


class _Spent(stop_base):
    """Stops when the budget has no retry left; else takes one."""

    def __init__(self, budget: RetryBudget) -> None:
        self._budget = budget

    def __call__(self, retry_state: RetryCallState) -> bool:
        return not self._budget.spend()


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    if isinstance(error, NovacronError) and error.retry_after_seconds is not None:
        return error.retry_after_seconds  # the server's own word
    return _SLOW_BACKOFF(state) if isinstance(error, Overloaded) else _BACKOFF(state)
