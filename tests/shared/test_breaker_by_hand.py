"""What operators say to a breaker: states by hand, and other numbers while it works."""

import pytest

from novacron.rpc.breaker import Result, State
from novacron.rpc.breaker_configuration import BreakerConfiguration

from .breakers import breaker, calls, half_open, tripped


@pytest.mark.parametrize("forced", [State.FORCED_OPEN, State.DISABLED, State.METRICS_ONLY])
def test_a_forced_state_stays_whatever_the_calls_say(forced):
    one = breaker()
    one.force(forced, 0.0)
    for now in (*range(100), *range(1000, 10**6, 10**5)):
        if permit := one.acquire(now):
            one.release(permit, Result.FAILURE, now)
    assert one.state is forced


def test_forced_open_refuses_for_ever_and_disabled_and_metrics_only_never():
    for forced, admitted in ((State.FORCED_OPEN, 0), (State.DISABLED, 50), (State.METRICS_ONLY, 50)):
        one = breaker()
        one.force(forced, 0.0)
        permits = [one.acquire(10.0**6) for _ in range(50)]
        assert sum(permit is not None for permit in permits) == admitted
    one = breaker()
    one.force(State.FORCED_OPEN, 0.0)
    assert one.retry_after(10.0**6) is None


def test_metrics_only_counts_and_disabled_does_not():
    counted = []
    for forced in (State.METRICS_ONLY, State.DISABLED):
        one = breaker()
        one.force(forced, 0.0)
        calls(one, "-" * 7)
        counted.append(one.rates(0)[0])
    assert counted == [7, 0]


def test_what_outcomes_alone_reach_cannot_be_forced():
    for state in (State.OPEN, State.HALF_OPEN):
        with pytest.raises(ValueError, match="force forced_open, disabled, metrics_only or closed"):
            breaker().force(state, 0.0)


def test_closing_by_hand_forgives_nothing_and_a_reset_forgives_all():
    closed, reset = tripped(timeout_duration_seconds=10), tripped(timeout_duration_seconds=10)
    closed.force(State.CLOSED, 0.0)
    reset.reset(0.0)
    assert (closed.opened, reset.opened) == (1, 0)
    for one in (closed, reset):
        calls(one, "-" * 10)
    assert closed.retry_after(0) > 10
    assert reset.retry_after(0) <= 10


# Other numbers at run time.


def test_reconfiguring_keeps_the_window_the_state_and_the_permits():
    one = breaker()
    permit = one.acquire(0.0)
    calls(one, "-" * 6)
    one.reconfigure(BreakerConfiguration(failure_threshold=3, minimum_request_threshold=7), 0.0)
    assert one.rates(0) == (6, 1.0, 0.0)
    one.release(permit, Result.FAILURE, 0.0)
    assert one.state is State.OPEN


def test_an_open_breaker_stays_open_when_reconfigured_and_a_shorter_time_holds_at_once():
    one = tripped(timeout_duration_seconds=60)
    generation = one.generation
    one.reconfigure(BreakerConfiguration(timeout_duration_seconds=5), 1.0)
    assert (one.state, one.generation) == (State.OPEN, generation)
    assert one.retry_after(1.0) <= 4
    assert one.acquire(5.0).probe


def test_fewer_probes_take_nobodys_permit_away():
    one, probe = half_open(half_open_permits=3)
    more = [one.acquire(1000.0), one.acquire(1000.0)]
    one.reconfigure(BreakerConfiguration(half_open_permits=1), 1000.0)
    assert one.acquire(1000.0) is None
    for permit in (probe, *more):
        one.release(permit, Result.SUCCESS, 1000.0)
    assert one.state is State.CLOSED


def test_a_smaller_window_forgets_what_is_beyond_it():
    one = breaker()
    calls(one, "-" * 4 + "+" * 5)
    one.reconfigure(BreakerConfiguration(monitoring_window_calls=5, minimum_request_threshold=5), 0.0)
    assert one.rates(0) == (5, 0.0, 0.0)
