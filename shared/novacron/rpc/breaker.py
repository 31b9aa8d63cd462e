"""A circuit breaker as a pure state machine: time comes in as an argument, nothing is awaited, nothing is locked.

Closed counts outcomes over a sliding window and opens on a rate of failures or of slow calls, once enough calls were seen.
Open refuses at once. Half-open admits a few probes; each carries the generation in which it was admitted, and a result of an
older generation changes nothing: a late success from before the trip cannot close the circuit. The fields and their defaults
are those of the seed's CircuitBreakerConfiguration.
"""

from __future__ import annotations

import enum
import random
from collections import deque
from dataclasses import dataclass


class State(enum.StrEnum):
    """What a breaker does with the next call. The last three are set by operators and stay until changed."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    FORCED_OPEN = "forced_open"
    DISABLED = "disabled"
    METRICS_ONLY = "metrics_only"


class Result(enum.Enum):
    """What a call says of its target. NEUTRAL gives the permit back and says nothing."""

    SUCCESS = enum.auto()
    FAILURE = enum.auto()
    NEUTRAL = enum.auto()


@dataclass(frozen=True, slots=True)
class BreakerConfiguration:
    """When to open, for how long, and what closes it again."""

    failure_threshold: int = 5  # never opens on fewer failures in the window
    failure_rate: float = 0.5  # ... nor below this part of the calls
    minimum_request_threshold: int = 10  # ... nor before this many calls
    monitoring_window_seconds: float = 300
    monitoring_window_calls: int = 100
    timeout_threshold_ms: int = 5000  # slower than this counts as slow
    slow_rate: float = 0.8
    timeout_duration_seconds: float = 60  # how long it stays open at first
    longest_open_seconds: float = 300
    success_threshold: int = 3  # successful probes that close it
    half_open_permits: int = 3  # probes at once
    permit_seconds: float = 30  # a probe that never reports gives its permit back


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call; goes back with :meth:`CircuitBreaker.release`."""

    generation: int
    probe: bool
    at: float


class CircuitBreaker:
    """One breaker, for one target and one class of methods."""

    def __init__(
        self, name: str, configuration: BreakerConfiguration | None = None, *, seed: int | None = None
    ) -> None:
        self.name = name
        self.configuration = configuration or BreakerConfiguration()
        self.state = State.CLOSED
        self.generation = 0
        self.rejected = 0
        self._calls: deque[tuple[float, bool, bool]] = deque()  # (when, failed, slow)
        self._failures = 0
        self._slow = 0
        self._opened_until = 0.0
        self._trips = 0  # in a row, for the growing open time
        self._probes: dict[int, float] = {}  # permit identity -> when admitted
        self._probe_successes = 0
        self._random = random.Random(seed)  # noqa: S311 - jitter, no secret

    def acquire(self, now: float) -> Permit | None:
        """A permit for one call, or None: refused."""
        if self.state is State.OPEN and now >= self._opened_until:
            self._enter(State.HALF_OPEN)
        if self.state in (State.CLOSED, State.DISABLED, State.METRICS_ONLY):
            return Permit(self.generation, False, now)
        if self.state is State.HALF_OPEN:
            longest = self.configuration.permit_seconds
            self._probes = {key: at for key, at in self._probes.items() if now - at < longest}
            if len(self._probes) < self.configuration.half_open_permits:
                permit = Permit(self.generation, True, now)
                self._probes[id(permit)] = now
                return permit
        self.rejected += 1
        return None

    def release(self, permit: Permit, result: Result, now: float) -> None:
        """Give a permit back, with what the call said."""
        if permit.probe:
            self._probes.pop(id(permit), None)
        if permit.generation != self.generation or result is Result.NEUTRAL or self.state is State.DISABLED:
            return
        slow = (now - permit.at) * 1000 > self.configuration.timeout_threshold_ms
        if self.state is State.HALF_OPEN:
            self._judge_probe(result is Result.SUCCESS and not slow, now)
        elif self.state in (State.CLOSED, State.METRICS_ONLY):
            self._record(now, result is Result.FAILURE, slow)
            if self.state is State.CLOSED and self._too_bad():
                self._open(now)

    def retry_after(self, now: float) -> float:
        """Seconds until a probe may be admitted; 0 when one may be now."""
        return max(0.0, self._opened_until - now) if self.state is State.OPEN else 0.0

    def force(self, state: State) -> None:
        """An operator's word: forced-open, disabled, metrics-only, or closed again with an empty window."""
        if state in (State.OPEN, State.HALF_OPEN):
            raise ValueError(
                f"{state} is reached by outcomes only; force forced_open, disabled, metrics_only or closed"
            )
        self._trips = 0
        self._enter(state)

    def rates(self) -> tuple[int, float, float]:
        """``(calls, failure rate, slow rate)`` over the window."""
        calls = len(self._calls)
        return calls, (self._failures / calls if calls else 0.0), (self._slow / calls if calls else 0.0)

    def _judge_probe(self, good: bool, now: float) -> None:
        if not good:
            self._open(now)
            return
        self._probe_successes += 1
        if self._probe_successes >= self.configuration.success_threshold:
            self._trips = 0
            self._enter(State.CLOSED)

    def _open(self, now: float) -> None:
        configuration = self.configuration
        self._trips += 1
        seconds = min(
            configuration.timeout_duration_seconds * 2 ** (self._trips - 1), configuration.longest_open_seconds
        )
        self._opened_until = now + seconds * self._random.uniform(0.9, 1.1)
        self._enter(State.OPEN)

    def _enter(self, state: State) -> None:
        self.state = state
        self.generation += 1
        self._calls.clear()
        self._failures = self._slow = self._probe_successes = 0
        self._probes.clear()

    def _record(self, now: float, failed: bool, slow: bool) -> None:
        configuration = self.configuration
        self._calls.append((now, failed, slow))
        self._failures += failed
        self._slow += slow
        oldest = now - configuration.monitoring_window_seconds
        while self._calls and (len(self._calls) > configuration.monitoring_window_calls or self._calls[0][0] < oldest):
            _, was_failed, was_slow = self._calls.popleft()
            self._failures -= was_failed
            self._slow -= was_slow

    def _too_bad(self) -> bool:
        configuration = self.configuration
        calls, failures, slow = self.rates()
        if calls < configuration.minimum_request_threshold:
            return False
        if self._failures >= configuration.failure_threshold and failures >= configuration.failure_rate:
            return True
        return self._slow >= configuration.failure_threshold and slow >= configuration.slow_rate
