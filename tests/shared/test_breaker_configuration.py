"""A breaker's numbers: their defaults, their ranges, and what they come to."""

import math

import pytest

from novacron.rpc.breaker_configuration import (
    BreakerConfiguration,
    ConfigurationError,
    RecoveryStrategy,
    contradictions,
)


def test_the_defaults_are_the_seeds():
    one = BreakerConfiguration()
    assert (one.failure_threshold, one.timeout_duration_seconds, one.success_threshold) == (5, 60, 3)
    assert (one.monitoring_window_seconds, one.minimum_request_threshold, one.timeout_threshold_ms) == (300, 10, 5000)
    assert one.recovery_strategy is RecoveryStrategy.EXPONENTIAL_BACKOFF
    assert one.max_retry_attempts == 3
    assert one.fallback_enabled


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("failure_threshold", 0),
        ("failure_rate", 0),
        ("failure_rate", 1.01),
        ("failure_rate", math.nan),
        ("minimum_request_threshold", 2.5),
        ("monitoring_window_seconds", math.inf),
        ("monitoring_window_calls", 10_001),
        ("timeout_threshold_ms", -1),
        ("slow_rate", "half"),
        ("timeout_duration_seconds", 0),
        ("longest_open_seconds", -5),
        ("success_threshold", 0),
        ("half_open_permits", None),
        ("permit_seconds", 0),
        ("fair_timeout_ms", -1),
        ("max_retry_attempts", 11),
    ],
)
def test_a_number_out_of_its_range_is_refused_by_its_name(field, value):
    with pytest.raises(ConfigurationError, match=rf"^{field}: must be ") as caught:
        BreakerConfiguration(**{field: value})
    assert [name for name, _ in caught.value.problems] == [field]


def test_all_bad_numbers_are_named_at_once():
    with pytest.raises(ConfigurationError) as caught:
        BreakerConfiguration(failure_rate=2, success_threshold=0)
    assert [name for name, _ in caught.value.problems] == ["failure_rate", "success_threshold"]


def test_numbers_that_mean_nothing_together_are_told():
    odd = BreakerConfiguration(minimum_request_threshold=200, timeout_duration_seconds=600)
    assert [name for name, _ in contradictions(odd)] == ["minimum_request_threshold", "longest_open_seconds"]
    assert contradictions(BreakerConfiguration()) == []


@pytest.mark.parametrize(
    ("strategy", "times"),
    [
        (RecoveryStrategy.EXPONENTIAL_BACKOFF, [10, 20, 40, 80]),
        (RecoveryStrategy.LINEAR_BACKOFF, [10, 20, 30, 40]),
        (RecoveryStrategy.FIXED_INTERVAL, [10, 10, 10, 10]),
        (RecoveryStrategy.GRADUAL, [10, 20, 40, 80]),
        (RecoveryStrategy.MANUAL, [math.inf] * 4),
    ],
)
def test_each_recovery_strategy_has_its_own_open_times(strategy, times):
    configuration = BreakerConfiguration(timeout_duration_seconds=10, recovery_strategy=strategy)
    assert [configuration.open_seconds(trip) for trip in (1, 2, 3, 4)] == times
    assert configuration.open_seconds(10**6) in (300, 10, math.inf)
