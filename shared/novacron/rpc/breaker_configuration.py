"""When a circuit breaker opens, for how long, and what closes it: the seed's CircuitBreakerConfiguration, and its meaning.

The seed names the types FailureCriteria and RecoveryStrategy and leaves their values open: what they can be stands here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, fields


class FailureCriterion(enum.StrEnum):
    """A kind of outcome that may speak against the target."""

    UNAVAILABLE = "unavailable"  # no connection, starting, draining
    TIMEOUT = "timeout"  # no answer in a fair time
    OVERLOAD = "overload"  # the server shed the call
    SERVER_ERROR = "server_error"  # INTERNAL, UNKNOWN, DATA_LOSS
    SLOW_CALL = "slow_call"  # an answer, but a late one


class RecoveryStrategy(enum.StrEnum):
    """How a breaker that has opened finds back."""

    EXPONENTIAL_BACKOFF = "exponential_backoff"  # each trip in a row stays open twice as long as the one before
    LINEAR_BACKOFF = "linear_backoff"  # ... longer by the first one's time
    FIXED_INTERVAL = "fixed_interval"  # ... just as long
    GRADUAL = "gradual"  # as exponential; closes by admitting twice the probes, and twice again, and twice again
    MANUAL = "manual"  # an operator closes it


class ConfigurationError(ValueError):
    """Some fields make no sense; ``problems`` names each with what it has to be."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {what}" for field, what in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class BreakerConfiguration:
    """One breaker's numbers; the seed's names and defaults.

    :raises ConfigurationError: naming every field that is out of its range.
    """

    failure_threshold: int = 5  # never opens on fewer failures in the window
    failure_rate: float = 0.5  # ... nor below this part of the calls
    minimum_request_threshold: int = 10  # ... nor before this many calls
    monitoring_window_seconds: float = 300  # the window ends here
    monitoring_window_calls: int = 100  # ... or here, whichever is less
    failure_criteria: frozenset[FailureCriterion] = frozenset(FailureCriterion)
    timeout_threshold_ms: int = 5000  # slower than this is a slow call
    slow_rate: float = 0.8
    fair_timeout_ms: int = 100  # an attempt that was given less says nothing of the target when it runs out
    recovery_strategy: RecoveryStrategy = RecoveryStrategy.EXPONENTIAL_BACKOFF
    timeout_duration_seconds: float = 60  # how long it stays open at first
    longest_open_seconds: float = 300
    success_threshold: int = 3  # successful probes that close it
    half_open_permits: int = 3  # probes at once
    permit_seconds: float = 30  # the longest wait for a probe; then another may go in its place
    max_retry_attempts: int = 3  # attempts of one call, the first among them
    fallback_enabled: bool = True  # a method's declared fallback is used

    def __post_init__(self) -> None:
        if problems := [
            (name, what) for name, (what, holds) in _RULES.items() if not _holds(holds, getattr(self, name))
        ]:
            raise ConfigurationError(problems)

    def open_seconds(self, trips: int) -> float:
        """How long the ``trips``-th trip in a row stays open, before jitter; infinite where an operator has to close it."""
        first = self.timeout_duration_seconds
        match self.recovery_strategy:
            case RecoveryStrategy.MANUAL:
                return float("inf")
            case RecoveryStrategy.FIXED_INTERVAL:
                wanted = first
            case RecoveryStrategy.LINEAR_BACKOFF:
                wanted = first * trips
            case _:
                # 2**60 first times outlast every limit, and further powers would outgrow a float.
                wanted = first * 2.0 ** min(trips - 1, 60)
        return min(wanted, self.longest_open_seconds)

    @property
    def doublings(self) -> int:
        """How many times the number of probes doubles before the breaker closes."""
        return 3 if self.recovery_strategy is RecoveryStrategy.GRADUAL else 0


def contradictions(configuration: BreakerConfiguration) -> list[tuple[str, str]]:
    """Fields that are fine one by one and mean nothing together: ``(field, what to do)``.

    Asked where people configure. Code may build such a breaker on purpose: one that counts and never opens.
    """
    found = []
    calls = configuration.monitoring_window_calls
    for name in ("minimum_request_threshold", "failure_threshold"):
        if getattr(configuration, name) > calls:
            found.append((name, f"is more than the {calls} calls of the window: it would never open; use metrics_only"))
    if configuration.longest_open_seconds < configuration.timeout_duration_seconds:
        least = f"{configuration.timeout_duration_seconds:g}"
        found.append(("longest_open_seconds", f"is less than the first open time: make it at least {least}"))
    return found


def _holds(rule: Callable[[float], bool], value: float) -> bool:
    try:
        return rule(value)
    except TypeError:
        return False


_WHOLE = ("must be a whole number of at least 1", lambda value: isinstance(value, int) and value >= 1)
_SECONDS = ("must be more than 0 seconds", lambda value: 0 < value < float("inf"))
_PART = ("must be above 0 and at most 1", lambda value: 0 < value <= 1)
_RULES: dict[str, tuple[str, Callable[[float], bool]]] = {
    "failure_threshold": _WHOLE,
    "failure_rate": _PART,
    "minimum_request_threshold": _WHOLE,
    "monitoring_window_seconds": _SECONDS,
    # Each call of the window is remembered: this bounds the memory.
    "monitoring_window_calls": (
        "must be from 1 to 10000",
        lambda value: isinstance(value, int) and 1 <= value <= 10_000,
    ),
    "timeout_threshold_ms": _WHOLE,
    "slow_rate": _PART,
    "fair_timeout_ms": ("must be a whole number of at least 0", lambda value: isinstance(value, int) and value >= 0),
    "timeout_duration_seconds": _SECONDS,
    "longest_open_seconds": _SECONDS,
    "success_threshold": _WHOLE,
    "half_open_permits": _WHOLE,
    "permit_seconds": _SECONDS,
    "max_retry_attempts": ("must be from 1 to 10", lambda value: isinstance(value, int) and 1 <= value <= 10),
}
FIELDS = tuple(field.name for field in fields(BreakerConfiguration))
# A process that fell is back in seconds: its callers ask again soon, and ever more seldom if it is not.
BETWEEN_SERVICES = BreakerConfiguration(timeout_duration_seconds=3, longest_open_seconds=15)
