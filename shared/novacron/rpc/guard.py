"""The circuit breaker as a client stage: what stands between a caller and a target that suffers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import grpc

from ..errors import BEHIND, BreakerOpen, DeadlineExceeded, DeadlineTooShort, NovacronError, Outcome, Unreachable
from . import breaker_metrics
from .breaker import CircuitBreaker, Permit, Result, State
from .breaker_configuration import BreakerConfiguration, FailureCriterion
from .breaker_override import NO_OVERRIDE, BreakerOverride
from .call import ClientCall, ClientProceed

_CRITERIA = {
    grpc.StatusCode.UNAVAILABLE: FailureCriterion.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED: FailureCriterion.OVERLOAD,
    grpc.StatusCode.INTERNAL: FailureCriterion.SERVER_ERROR,
    grpc.StatusCode.UNKNOWN: FailureCriterion.SERVER_ERROR,
    grpc.StatusCode.DATA_LOSS: FailureCriterion.SERVER_ERROR,
}
_DEFAULT = BreakerConfiguration()


def result_of(error: BaseException, timeout: float, configuration: BreakerConfiguration = _DEFAULT) -> Result:
    """What an outcome says of the target: its faults are failures, the client's are successes, ours are neutral.

    ``timeout`` is what the attempt was given. A kind of failure that is not among the criteria is neutral.
    """
    if isinstance(error, Unreachable):
        return _counted(FailureCriterion.UNAVAILABLE, configuration)
    if not isinstance(error, NovacronError) or error.outcome is Outcome.NOT_SENT:
        return Result.NEUTRAL
    # The target's own words for something behind it that is away, or for a deadline that leaves it no time: it is sound itself.
    if isinstance(error, BreakerOpen | DeadlineTooShort) or BEHIND in error.metadata:
        return Result.NEUTRAL
    if isinstance(error, DeadlineExceeded):
        fair = timeout * 1000 >= configuration.fair_timeout_ms
        return _counted(FailureCriterion.TIMEOUT, configuration) if fair else Result.NEUTRAL
    if error.code is grpc.StatusCode.CANCELLED:
        return Result.NEUTRAL
    if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED and not error.retryable:
        return Result.SUCCESS  # no capacity, no quota: a sound answer from a sound server
    criterion = _CRITERIA.get(error.code)
    return Result.SUCCESS if criterion is None else _counted(criterion, configuration)


def _counted(criterion: FailureCriterion, configuration: BreakerConfiguration) -> Result:
    return Result.FAILURE if criterion in configuration.failure_criteria else Result.NEUTRAL


class Breakers:
    """The breakers of one channel: one for each class of methods."""

    def __init__(self, target: str, configuration: BreakerConfiguration | None = None) -> None:
        self.target = target
        self._own = configuration or _DEFAULT
        self._overrides: Mapping[str, BreakerOverride] = {}
        self._by_class: dict[str, CircuitBreaker] = {}
        breaker_metrics.watch(self)

    def of(self, breaker_class: str) -> CircuitBreaker:
        breaker = self._by_class.get(breaker_class)
        if breaker is None:
            now = time.monotonic()
            breaker = CircuitBreaker(f"{self.target}/{breaker_class}", self.configuration(breaker_class), now=now)
            self._by_class[breaker_class] = breaker
            self._keep_forced(breaker_class, State.CLOSED)
        return breaker

    def all(self) -> dict[str, CircuitBreaker]:
        """By class."""
        return dict(self._by_class)

    def configuration(self, breaker_class: str) -> BreakerConfiguration:
        """What holds for a class: the channel's own numbers, those configured for the target, those for the class."""
        everywhere, here = self._override(""), self._override(breaker_class)
        return here.over(everywhere.over(self._own))

    def fallbacks(self, breaker_class: str) -> tuple[str, Mapping[str, Any]]:
        """``(service, answers by method)`` that operators have configured to fall back on."""
        here, everywhere = self._override(breaker_class), self._override("")
        answers = {**everywhere.fallback_response, **here.fallback_response}
        return here.fallback_service or everywhere.fallback_service, answers

    def configure(self, overrides: Mapping[str, BreakerOverride]) -> None:
        """Hold these from now on, by class, ``""`` for all of them. No breaker loses what it has seen.

        :raises ConfigurationError: what comes of one of them makes no sense; then nothing has changed.
        """
        before = self._overrides
        self._overrides = overrides
        try:
            # Those of breakers to come as well: they must not be found out by the first call.
            for breaker_class in ("", *overrides):
                self.configuration(breaker_class)
            changed = {one: self.configuration(one) for one in self._by_class}
        except ValueError:
            self._overrides = before
            raise
        now = time.monotonic()
        for breaker_class, configuration in changed.items():
            breaker = self._by_class[breaker_class]
            if configuration != breaker.configuration:
                breaker.reconfigure(configuration, now)
            self._keep_forced(breaker_class, _forced(breaker_class, before))

    def force(self, breaker_class: str, state: State, why: str) -> CircuitBreaker:
        """An operator's word on one breaker."""
        breaker = self.of(breaker_class)
        generation, before = breaker.generation, breaker.state
        breaker.force(state, time.monotonic())
        if breaker.generation != generation:
            breaker_metrics.changed(self.target, breaker_class, before, breaker.state, why)
        return breaker

    def reset(self, breaker_class: str, why: str) -> CircuitBreaker:
        """As if nothing had ever been called."""
        breaker = self.of(breaker_class)
        before = breaker.state
        breaker.reset(time.monotonic())
        breaker_metrics.changed(self.target, breaker_class, before, breaker.state, why)
        return breaker

    async def client_stage(self, call: ClientCall, proceed: ClientProceed) -> Any:
        """One attempt on a permit. A stream is judged by its beginning: what it says later says little of whether calls
        get through."""
        breaker, permit = self._admit(call)
        result = Result.NEUTRAL
        try:
            response = await proceed(call)
            result = Result.SUCCESS
            return response
        except BaseException as error:
            result = result_of(error, call.timeout, breaker.configuration)
            raise
        finally:
            self._release(call, breaker, permit, result)

    def _admit(self, call: ClientCall) -> tuple[CircuitBreaker, Permit]:
        breaker_class = call.policy.breaker_class
        breaker = self._by_class.get(breaker_class) or self.of(breaker_class)
        now, generation, before = time.monotonic(), breaker.generation, breaker.state
        permit = breaker.acquire(now)
        if breaker.generation != generation:
            breaker_metrics.changed(self.target, breaker_class, before, breaker.state, "the open time is over")
        if permit is None:
            breaker_metrics.refused(self.target, breaker_class, breaker.state)
            raise BreakerOpen(
                f"the circuit breaker {breaker.name} is {breaker.state}: the call was not sent",
                metadata={"breaker": breaker.name, "state": str(breaker.state)},
                retry_after_seconds=breaker.retry_after(now),
            )
        return breaker, permit

    def _release(self, call: ClientCall, breaker: CircuitBreaker, permit: Permit, result: Result) -> None:
        generation, before = breaker.generation, breaker.state
        # What may last for hours may be silent for long before it begins.
        breaker.release(permit, result, time.monotonic(), timed=not call.policy.long_lived)
        if breaker.generation != generation:
            why = "the probes went well" if breaker.state is State.CLOSED else "too many calls failed or were slow"
            breaker_metrics.changed(self.target, call.policy.breaker_class, before, breaker.state, why)

    def _override(self, breaker_class: str) -> BreakerOverride:
        return self._overrides.get(breaker_class, NO_OVERRIDE)

    def _keep_forced(self, breaker_class: str, before: State) -> None:
        """Take over a configured state when it changes, and only then: a breaker set by hand in this process stays so."""
        wanted = _forced(breaker_class, self._overrides)
        if wanted is not before:
            self.force(breaker_class, wanted, "configured in the registry")


def _forced(breaker_class: str, overrides: Mapping[str, BreakerOverride]) -> State:
    """The state that operators have configured for a class; closed for none."""
    for key in (breaker_class, ""):
        if (override := overrides.get(key)) is not None and override.state is not None:
            return override.state
    return State.CLOSED
