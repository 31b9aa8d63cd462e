"""The breaker as a state machine: every rule that it promises, on a clock of the test's own."""

from novacron.rpc.breaker import CircuitBreaker, Result, State
from novacron.rpc.breaker_configuration import FailureCriterion, RecoveryStrategy

from .breakers import breaker, calls, half_open, tripped

# The open time varies by up to a fifth, downwards.
JITTER = 0.8


# Closed.


def test_it_opens_at_half_of_the_calls_failed_however_they_are_mixed():
    one = breaker()
    calls(one, "+-+-+-+-+")
    assert one.state is State.CLOSED, "nine calls are too few to judge by"
    calls(one, "-")
    assert one.state is State.OPEN


def test_fewer_failures_than_the_threshold_never_open_it():
    one = breaker(failure_threshold=6, minimum_request_threshold=5)
    calls(one, "-----")
    assert one.state is State.CLOSED
    calls(one, "-")
    assert one.state is State.OPEN


def test_successes_dilute_the_rate_and_do_not_reset_it():
    one = breaker()
    calls(one, "+++++++++++----------")
    assert one.state is State.CLOSED, "10 of 21"
    calls(one, "-")
    assert one.state is State.OPEN, "11 of 22"


def test_slow_answers_open_it_although_they_are_good():
    one = breaker(timeout_threshold_ms=500)
    calls(one, "+" * 2)
    calls(one, "+" * 7, took=0.6)
    assert one.state is State.CLOSED, "7 of 9"
    calls(one, "+", took=0.6)
    assert one.state is State.OPEN, "8 of 10 were slow"


def test_slow_answers_count_for_nothing_where_they_are_not_among_the_criteria():
    one = breaker(timeout_threshold_ms=500, failure_criteria=frozenset({FailureCriterion.TIMEOUT}))
    calls(one, "+" * 20, took=0.6)
    assert one.state is State.CLOSED


def test_the_window_ends_after_its_time():
    one = breaker(monitoring_window_seconds=10)
    calls(one, "-" * 9, now=0)
    calls(one, "-", now=10.1)
    assert one.state is State.CLOSED
    assert one.rates(10.1) == (1, 1.0, 0.0)


def test_the_window_ends_after_its_calls():
    one = breaker(monitoring_window_calls=20, failure_rate=0.6)
    calls(one, "----" + "+" * 20)
    assert one.rates(0) == (20, 0.0, 0.0)
    calls(one, "-" * 11)
    assert one.state is State.CLOSED, "11 of the last 20"
    calls(one, "-")
    assert one.state is State.OPEN


def test_rates_that_are_read_later_forget_what_has_left_the_window():
    one = breaker(monitoring_window_seconds=10)
    calls(one, "--", now=0)
    assert one.rates(5) == (2, 1.0, 0.0)
    assert one.rates(11) == (0, 0.0, 0.0)


def test_what_was_slow_leaves_the_window_like_what_failed():
    one = breaker(timeout_threshold_ms=500, monitoring_window_calls=10, slow_rate=0.9)
    calls(one, "+" * 8, took=0.6)
    calls(one, "+" * 10)
    assert one.rates(0) == (10, 0.0, 0.0)


def test_neutral_outcomes_are_not_counted_at_all():
    one = breaker()
    calls(one, "." * 50 + "-" * 9)
    assert one.state is State.CLOSED
    assert one.rates(0)[0] == 9


# Open.


def test_open_refuses_at_once_and_says_when_to_come_back():
    one = tripped(timeout_duration_seconds=60)
    assert one.acquire(1.0) is None
    assert one.rejected == 1
    assert 60 * JITTER - 1 <= one.retry_after(1.0) <= 59


def test_a_late_success_from_before_the_trip_does_not_close_it():
    one = breaker()
    late = [one.acquire(0.0) for _ in range(5)]
    calls(one, "-" * 10)
    for permit in late:
        one.release(permit, Result.SUCCESS, 1.0)
    assert one.state is State.OPEN
    assert one.in_flight == 0


def test_a_late_failure_from_before_the_trip_neither_spoils_the_probes_nor_the_next_window():
    one = breaker(success_threshold=1)
    late = [one.acquire(0.0) for _ in range(15)]
    calls(one, "-" * 10)
    probe = one.acquire(1000.0)
    one.release(late.pop(), Result.FAILURE, 1000.0)
    assert one.state is State.HALF_OPEN
    one.release(probe, Result.SUCCESS, 1000.0)
    for permit in late:
        one.release(permit, Result.FAILURE, 1001.0)
    assert one.state is State.CLOSED
    assert one.rates(1001.0) == (0, 0.0, 0.0)


def test_the_open_time_doubles_with_each_trip_in_a_row_up_to_the_longest_and_a_recovery_forgets_that():
    one = tripped(timeout_duration_seconds=10, longest_open_seconds=35, success_threshold=1)
    now, seen = 0.0, []
    for _ in range(4):
        seen.append(one.retry_after(now))
        now += seen[-1]
        one.release(one.acquire(now), Result.FAILURE, now)
    assert [most * JITTER <= wait <= most for most, wait in zip((10, 20, 35, 35), seen, strict=True)] == [True] * 4
    now += one.retry_after(now)
    one.release(one.acquire(now), Result.SUCCESS, now)
    calls(one, "-" * 10, now=now)
    assert one.retry_after(now) <= 10


def test_breakers_that_trip_together_do_not_probe_together():
    waits = set()
    for seed in range(20):
        one = CircuitBreaker("x", seed=seed)
        calls(one, "-" * 10)
        waits.add(one.retry_after(0))
    assert len(waits) == 20
    assert max(waits) - min(waits) > 3


def test_with_manual_recovery_only_an_operator_closes_it():
    one = tripped(recovery_strategy=RecoveryStrategy.MANUAL)
    assert one.acquire(10.0**9) is None
    assert one.retry_after(10.0**9) is None
    one.force(State.CLOSED, 10.0**9)
    assert one.acquire(10.0**9) is not None


# Half-open.


def test_of_a_hundred_that_come_at_once_half_open_admits_its_probes_and_no_more():
    one = tripped(half_open_permits=3)
    assert sum(one.acquire(1000.0) is not None for _ in range(100)) == 3
    assert one.rejected == 97


def test_enough_good_probes_close_it_and_one_bad_one_opens_it_again():
    one, probe = half_open()
    one.release(probe, Result.SUCCESS, 1000.0)
    calls(one, "+", now=1000.0)
    assert one.state is State.HALF_OPEN
    calls(one, "+", now=1000.0)
    assert one.state is State.CLOSED
    again, probe = half_open()
    again.release(probe, Result.FAILURE, 1000.0)
    assert again.state is State.OPEN
    assert again.opened == 2


def test_a_slow_probe_is_a_bad_one():
    one, probe = half_open(timeout_threshold_ms=500)
    one.release(probe, Result.SUCCESS, 1000.6)
    assert one.state is State.OPEN


def test_a_neutral_probe_gives_its_place_back_and_decides_nothing():
    one, probe = half_open(half_open_permits=1)
    assert one.acquire(1000.0) is None
    one.release(probe, Result.NEUTRAL, 1000.0)
    assert one.state is State.HALF_OPEN
    assert one.acquire(1000.0) is not None


def test_a_probe_that_never_reports_is_replaced_when_its_lease_ends_and_may_not_judge_any_more():
    one, lost = half_open(half_open_permits=1, permit_seconds=30)
    assert one.acquire(1029.9) is None
    other = one.acquire(1030.0)
    assert other is not None
    one.release(lost, Result.FAILURE, 1031.0)
    assert one.state is State.HALF_OPEN
    assert one.probes(1031.0) == 1
    assert one.in_flight == 1


def test_a_probe_of_an_earlier_half_open_time_does_not_judge_the_next():
    one, first = half_open(half_open_permits=2)
    second = one.acquire(1000.0)
    one.release(first, Result.FAILURE, 1000.0)
    now = 1000.0 + one.retry_after(1000.0)
    assert one.acquire(now) is not None
    one.release(second, Result.FAILURE, now)
    assert one.state is State.HALF_OPEN


def test_a_permit_goes_back_once():
    one, probe = half_open(half_open_permits=1, success_threshold=3)
    for _ in range(3):
        one.release(probe, Result.SUCCESS, 1000.0)
    assert one.state is State.HALF_OPEN
    assert one.in_flight == 0
    closed = breaker()
    permit = closed.acquire(0.0)
    for _ in range(20):
        closed.release(permit, Result.FAILURE, 0.0)
    assert closed.state is State.CLOSED


def test_gradual_recovery_doubles_its_probes_before_it_closes():
    one = tripped(recovery_strategy=RecoveryStrategy.GRADUAL, half_open_permits=2, success_threshold=1)
    places = []
    while one.state is not State.CLOSED:
        permits = [permit for permit in (one.acquire(1000.0) for _ in range(100)) if permit]
        places.append(len(permits))
        for permit in permits:
            one.release(permit, Result.SUCCESS, 1000.0)
    assert places == [2, 4, 8, 16][: len(places)]
    assert len(places) >= 3
