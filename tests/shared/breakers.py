"""Breakers on a clock of the test's own, and the states that tests begin in."""

from novacron.rpc.breaker import CircuitBreaker, Result, State
from novacron.rpc.breaker_configuration import BreakerConfiguration


def breaker(**numbers):
    return CircuitBreaker("scheduler/nodes", BreakerConfiguration(**numbers), seed=1)


def calls(one, outcomes, now=0.0, took=0.0):
    """One call after the other: `+` succeeds, `-` fails, `.` is neutral."""
    meaning = {"+": Result.SUCCESS, "-": Result.FAILURE, ".": Result.NEUTRAL}
    for outcome in outcomes:
        permit = one.acquire(now)
        assert permit is not None, f"refused in {one.state}"
        one.release(permit, meaning[outcome], now + took)


def tripped(**numbers):
    one = breaker(**numbers)
    calls(one, "-" * 10)
    assert one.state is State.OPEN
    return one


def half_open(now=1000.0, **numbers):
    """A breaker with one probe out."""
    one = tripped(**numbers)
    return one, one.acquire(now)
