"""A circuit breaker as a pure state machine: time comes in as an argument, nothing is awaited, nothing is locked.

Closed counts outcomes over a sliding window and opens on a rate of failures or of slow calls, once enough calls were seen.
Open refuses at once. Half-open admits a few probes, each on a permit with a number, a lease and the generation in which it was
admitted: a result of an older generation changes nothing, so a late success from before the trip cannot close the circuit, and
a probe that never reports is replaced when its lease ends.
"""

from __future__ import annotations

import enum
import random
from collections import deque

from .breaker_configuration import BreakerConfiguration, FailureCriterion, RecoveryStrategy

__all__ = ["FORCED", "BreakerConfiguration", "CircuitBreaker", "Permit", "RecoveryStrategy", "Result", "State"]

# The open time varies by this part, downwards: breakers that tripped together do not probe together, and none is open longer
# than the longest time.
_JITTER = 0.2


class State(enum.StrEnum):
    """What a breaker does with the next call. The last three are set by operators and stay until changed."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    FORCED_OPEN = "forced_open"
    DISABLED = "disabled"
    METRICS_ONLY = "metrics_only"


FORCED = frozenset({State.FORCED_OPEN, State.DISABLED, State.METRICS_ONLY})
_REFUSING = frozenset({State.OPEN, State.HALF_OPEN, State.FORCED_OPEN})


class Result(enum.Enum):
    """What a call says of its target. NEUTRAL gives the permit back and says nothing."""

    SUCCESS = enum.auto()
    FAILURE = enum.auto()
    NEUTRAL = enum.auto()


class Permit:
    """Leave to make one call; goes back once, with :meth:`CircuitBreaker.release`. ``number`` is 0 but for probes."""

    __slots__ = ("at", "generation", "number", "released")

    def __init__(self, generation: int, at: float, number: int = 0) -> None:
        self.generation = generation
        self.at = at
        self.number = number
        self.released = False

    @property
    def probe(self) -> bool:
        return self.number > 0


class CircuitBreaker:
    """One breaker, for one target and one class of methods."""

    def __init__(
        self, name: str, configuration: BreakerConfiguration | None = None, *, seed: int | None = None, now: float = 0.0
    ) -> None:
        self.name = name
        self.configuration = configuration or BreakerConfiguration()
        self.state = State.CLOSED
        self.since = now  # of the state
        self.generation = 0
        self.in_flight = 0  # permits that have not come back
        self.rejected = 0
        self.opened = 0  # how often it has tripped
        self._calls: deque[tuple[float, bool, bool]] = deque()  # (when, failed, slow)
        self._failures = 0
        self._slow = 0
        self._trips = 0  # in a row, for the growing open time
        self._jitter = 1.0  # of this trip
        self._probes: dict[int, float] = {}  # permit number -> when its lease ends
        self._numbers = 0
        self._probe_successes = 0
        self._doublings = 0
        self._random = random.Random(seed)  # noqa: S311 - jitter, no secret

    def acquire(self, now: float) -> Permit | None:
        """A permit for one call, or None: refused."""
        number = 0
        if self.state in _REFUSING:
            if self.state is State.OPEN and now >= self._opened_until:
                self._enter(State.HALF_OPEN, now)
            if self.state is not State.HALF_OPEN or not self._has_place(now):
                self.rejected += 1
                return None
            self._numbers = number = self._numbers + 1
            self._probes[number] = now + self.configuration.permit_seconds
        self.in_flight += 1
        return Permit(self.generation, now, number)

    def release(self, permit: Permit, result: Result, now: float, *, timed: bool = True) -> None:
        """Give a permit back, with what the call said. The second time says nothing, nor does a probe whose lease has ended.

        ``timed=False``: how long it took says nothing of the target.
        """
        if permit.released:
            return
        permit.released = True
        self.in_flight -= 1
        leased = self._probes.pop(permit.number, None) is not None if permit.number else True
        if permit.generation != self.generation or not leased or result is Result.NEUTRAL:
            return
        configuration = self.configuration
        slow = (
            timed
            and (now - permit.at) * 1000 > configuration.timeout_threshold_ms
            and FailureCriterion.SLOW_CALL in configuration.failure_criteria
        )
        if self.state is State.HALF_OPEN:
            self._judge_probe(result is Result.SUCCESS and not slow, now)
        elif self.state is not State.DISABLED:
            self._record(now, result is Result.FAILURE, slow)
            if self.state is State.CLOSED and self._too_bad():
                self._open(now)

    def retry_after(self, now: float) -> float | None:
        """Seconds until a probe may be admitted; None when only an operator can tell."""
        if self.state is State.FORCED_OPEN or (self.state is State.OPEN and self._opened_until == float("inf")):
            return None
        return max(0.0, self._opened_until - now) if self.state is State.OPEN else 0.0

    def force(self, state: State, now: float) -> None:
        """An operator's word: forced-open, disabled, metrics-only; or closed, with an empty window.

        Closing forgives nothing: if it trips again at once, it stays open longer than before. See :meth:`reset`.
        """
        if state in (State.OPEN, State.HALF_OPEN):
            raise ValueError(
                f"{state} is reached by outcomes only; force forced_open, disabled, metrics_only or closed"
            )
        if state is not self.state:
            self._enter(state, now)

    def reset(self, now: float) -> None:
        """As it was when it was new: closed, with an empty window, and its counts and trips forgotten."""
        self._trips = self.opened = self.rejected = 0
        self._enter(State.CLOSED, now)

    def reconfigure(self, configuration: BreakerConfiguration, now: float) -> None:
        """Other numbers from here on. State, window, generation, counts and the permits that are out stay as they are.

        A shorter open time holds for the present trip too; a smaller window forgets what is beyond it.
        """
        self.configuration = configuration
        self._forget(now)

    def rates(self, now: float) -> tuple[int, float, float]:
        """``(calls, failure rate, slow rate)`` over the window."""
        self._forget(now)
        return self.last_rates()

    def last_rates(self) -> tuple[int, float, float]:
        """The same as of the last result. It changes nothing: any thread may look."""
        calls = len(self._calls)
        return (
            calls,
            (min(self._failures / calls, 1.0) if calls else 0.0),
            (min(self._slow / calls, 1.0) if calls else 0.0),
        )

    @property
    def failures(self) -> int:
        """Failures in the window."""
        return self._failures

    def probes(self, now: float) -> int:
        """Probes whose lease holds."""
        return sum(ends > now for ends in self._probes.values())

    @property
    def _opened_until(self) -> float:
        return self.since + self.configuration.open_seconds(self._trips) * self._jitter

    def _has_place(self, now: float) -> bool:
        if any(ends <= now for ends in self._probes.values()):
            self._probes = {number: ends for number, ends in self._probes.items() if ends > now}
        return len(self._probes) < self.configuration.half_open_permits << self._doublings

    def _judge_probe(self, good: bool, now: float) -> None:
        if not good:
            self._open(now)
            return
        self._probe_successes += 1
        if self._probe_successes < self.configuration.success_threshold << self._doublings:
            return
        if self._doublings < self.configuration.doublings:
            self._doublings, self._probe_successes = self._doublings + 1, 0
        else:
            self._trips = 0
            self._enter(State.CLOSED, now)

    def _open(self, now: float) -> None:
        self._trips += 1
        self.opened += 1
        self._jitter = self._random.uniform(1 - _JITTER, 1)
        self._enter(State.OPEN, now)

    def _enter(self, state: State, now: float) -> None:
        self.state = state
        self.since = now
        self.generation += 1
        self._calls.clear()
        self._failures = self._slow = self._probe_successes = self._doublings = 0
        self._probes.clear()

    def _record(self, now: float, failed: bool, slow: bool) -> None:
        self._calls.append((now, failed, slow))
        self._failures += failed
        self._slow += slow
        self._forget(now)

    def _forget(self, now: float) -> None:
        calls, most = self._calls, self.configuration.monitoring_window_calls
        oldest = now - self.configuration.monitoring_window_seconds
        while calls and (len(calls) > most or calls[0][0] < oldest):
            _, was_failed, was_slow = calls.popleft()
            self._failures -= was_failed
            self._slow -= was_slow

    def _too_bad(self) -> bool:
        configuration, calls = self.configuration, len(self._calls)
        if calls < configuration.minimum_request_threshold:
            return False
        if self._failures >= configuration.failure_threshold and self._failures >= configuration.failure_rate * calls:
            return True
        return self._slow >= configuration.failure_threshold and self._slow >= configuration.slow_rate * calls
