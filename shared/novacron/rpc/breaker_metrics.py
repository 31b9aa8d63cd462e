"""What breakers do, for those who watch: numbers, an event on the current span, a line in the log.

States and rates are read when somebody collects, so that a call costs nothing; refusals, changes of state and fallbacks are
told as they happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from .. import instruments, logs
from . import spans
from .breaker import CircuitBreaker, State

if TYPE_CHECKING:
    from .guard import Breakers

log = logs.logger(__name__)

_TARGET, _CLASS, _STATE = "server.address", "novacron.breaker.class", "novacron.breaker.state"
_FROM, _TO = "novacron.breaker.from", "novacron.breaker.to"
_TRANSITIONS = instruments.counter(
    "novacron.breaker.transitions", "{transition}", "Changes of a circuit breaker's state", _TARGET, _CLASS, _FROM, _TO
)
_REFUSED = instruments.counter(
    "novacron.breaker.refused", "{call}", "Calls that a circuit breaker did not send", _TARGET, _CLASS, _STATE
)
_FALLBACKS = instruments.counter(
    "novacron.breaker.fallbacks",
    "{call}",
    "Calls answered by their method's fallback",
    "rpc.method",
    "novacron.breaker.fallback",
)

# A channel's breakers are watched for as long as the channel is there.
_watched: instruments.Watched[Breakers] = instruments.Watched()


def watch(breakers: Breakers) -> None:
    """Show these whenever somebody collects."""
    _watched.add(breakers)


def changed(target: str, breaker_class: str, before: State, after: State, why: str) -> None:
    """A breaker went from one state to another."""
    _TRANSITIONS.labels(target, breaker_class, before, after).inc()
    told = {_TARGET: target, _CLASS: breaker_class, _FROM: str(before), _TO: str(after), "novacron.breaker.why": why}
    spans.event("breaker changed", told)
    level = log.warning if after in (State.OPEN, State.FORCED_OPEN, State.DISABLED) else log.info
    level("circuit breaker changed", target=target, breaker_class=breaker_class, was=before, now=after, why=why)


def refused(target: str, breaker_class: str, state: State) -> None:
    """A call was not sent."""
    _REFUSED.labels(target, breaker_class, state).inc()
    spans.event("breaker refused", {_TARGET: target, _CLASS: breaker_class, _STATE: str(state)})


def fell_back(method: str, kind: str) -> None:
    """A call was answered by its method's fallback."""
    _FALLBACKS.labels(method, kind).inc()
    spans.event("fallback used", {"rpc.method": method, "novacron.breaker.fallback": kind})


def _of_each(number: Callable[[CircuitBreaker], float]) -> Callable[[], Iterable[instruments.Observation]]:
    def observe() -> Iterator[instruments.Observation]:
        for breakers in _watched:
            for breaker_class, breaker in breakers.all().items():
                yield (breakers.target, breaker_class), number(breaker)

    return observe


def _states() -> Iterator[instruments.Observation]:
    for breakers in _watched:
        for breaker_class, breaker in breakers.all().items():
            yield (breakers.target, breaker_class, breaker.state), 1.0


instruments.observed(
    "gauge",
    "novacron.breakers",
    "{breaker}",
    "Circuit breakers by the state they are in",
    (_TARGET, _CLASS, _STATE),
    _states,
)
for _name, _unit, _description, _number in (
    ("failure_rate", "1", "Part of the window's calls that failed", lambda one: one.last_rates()[1]),
    ("slow_rate", "1", "Part of the window's calls that were slow", lambda one: one.last_rates()[2]),
    ("in_flight", "{call}", "Calls that hold a permit of the circuit breaker", lambda one: one.in_flight),
):
    instruments.observed(
        "gauge", f"novacron.breaker.{_name}", _unit, _description, (_TARGET, _CLASS), _of_each(_number)
    )
