"""Sizes out of histories: what is forecast, how far it is trusted, what is refused, and in which words."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from novacron.errors import InvalidArgument
from novacron_scheduler.resources import Resources
from novacron_scheduler.scaling.backtest import forecast, pinball
from novacron_scheduler.scaling.baseline import SeasonalBaseline, Steady
from novacron_scheduler.scaling.feedback import standings
from novacron_scheduler.scaling.history import DAY, HOUR, History, NotEnoughHistory, TooManyGaps, quantile
from novacron_scheduler.scaling.holt_winters import HoltWinters
from novacron_scheduler.scaling.recommendation import Prices, Sizing, recommend

VM = Resources(8, 8192, 100)
UNKNOWN = History(np.empty(0), HOUR)


def hours(days):
    return np.arange(days * 24)


def office(days, low=0.5, high=3.0):
    """Busy from eight to six, every day the same."""
    hour = hours(days) % 24
    return np.where((hour >= 8) & (hour < 18), high, low)


def cpu(values, step=HOUR):
    return History(np.asarray(values, dtype=float), step)


def advise(values, vm=VM, **sizing):
    return recommend(vm, cpu(values), UNKNOWN, Sizing(**sizing))


def test_a_short_history_is_refused_and_says_how_much_would_do():
    with pytest.raises(NotEnoughHistory, match=r"^not enough history: 3 h of 72 h; ask again when there is more$"):
        advise(np.ones(3))
    with pytest.raises(NotEnoughHistory, match="0 h of 72 h"):
        recommend(VM, UNKNOWN, UNKNOWN)
    with pytest.raises(NotEnoughHistory, match="0 h of 72 h"):
        advise(np.full(500, np.nan))
    with pytest.raises(NotEnoughHistory, match="71 h of 72 h"):
        advise(np.ones(71))
    assert advise(np.ones(72)).advice[0].model == "steady"


def test_a_longer_horizon_takes_a_longer_history():
    with pytest.raises(NotEnoughHistory, match="5 d of 7 d"):
        advise(np.ones(24 * 5), horizon_seconds=3 * DAY)


def test_a_history_of_gaps_is_refused():
    sparse = np.where(hours(10) % 3 == 0, 1.0, np.nan)
    with pytest.raises(TooManyGaps, match="67% of the last 10 d are missing, and at most 50% may be"):
        advise(sparse)
    silent = office(10)
    silent[-30:] = np.nan
    with pytest.raises(NotEnoughHistory, match="nothing was measured in the last 24 h; see that its agent samples"):
        advise(silent)


def test_gaps_are_not_read_as_rest():
    values = office(21)
    whole = forecast(cpu(values), DAY, 0.98).peak
    values[np.random.default_rng(3).random(len(values)) < 0.3] = np.nan
    assert forecast(cpu(values), DAY, 0.98).peak == pytest.approx(whole, rel=0.15)


@pytest.mark.parametrize("value", [-1.0, float("inf")])
def test_what_no_measurement_is_is_refused(value):
    with pytest.raises(InvalidArgument, match="must be finite and not negative"):
        cpu([1.0, value])


def test_a_step_that_does_not_divide_a_day_is_refused():
    with pytest.raises(InvalidArgument, match="step_seconds: must divide a day"):
        cpu([1.0], step=7000)


def test_points_become_steps_and_what_lies_between_them_gaps():
    found = History.of_points([(3 * HOUR + 5, 2.0), (HOUR, 1.0)], HOUR, 6 * HOUR)
    assert np.array_equal(found.values, [1.0, np.nan, 2.0, np.nan, np.nan], equal_nan=True)
    assert len(History.of_points([], HOUR, DAY).values) == 0


def test_a_quantile_is_a_value_that_was_seen():
    assert quantile(np.array([1.0, np.nan, 9.0, 2.0]), 0.9) == 9.0
    assert np.isnan(quantile(np.array([np.nan]), 0.9))


def test_an_idle_vm_shrinks_to_the_least_size_and_a_constant_one_to_what_holds_it():
    assert advise(np.zeros(24 * 14)).recommended.cpu_cores == 1
    assert advise(np.full(24 * 14, 2.4)).recommended.cpu_cores == 3


def test_the_peak_counts_and_not_the_mean():
    nightly = np.where(hours(21) % 24 == 2, 6.0, 0.1)  # one busy hour a day: the mean is 0.35
    assert advise(nightly).recommended.cpu_cores == 8


def test_a_weekly_rhythm_is_found_once_there_are_weeks_to_learn_from():
    hour, weekday = hours(35) % 24, hours(35) // 24 % 7
    values = np.where((weekday < 5) & (hour >= 8) & (hour < 18), 5.0, 0.5) + np.random.default_rng(2).gamma(
        1, 0.1, 35 * 24
    )
    friday_evening, sunday_evening = 33 * 24, 34 * 24 + 24
    assert forecast(cpu(values[:friday_evening]), DAY, 0.95).peak < 2.5, "tomorrow is Saturday"
    assert forecast(cpu(values[:sunday_evening]), DAY, 0.95).peak > 4.5, "tomorrow is Monday"
    assert "weekly" in forecast(cpu(values), DAY, 0.95).model


def test_growth_is_carried_on():
    growing = office(28) + np.linspace(0, 6, 28 * 24)
    assert forecast(cpu(growing), DAY, 0.95).peak > growing.max()


def test_no_forecast_sees_what_comes_after_its_origin():
    values = office(21) + np.random.default_rng(1).random(21 * 24)
    other = values.copy()
    other[15 * 24 :] = 99.0
    for model in (Steady(168), SeasonalBaseline(24, "day"), HoltWinters(24, "day"), HoltWinters(168, "week")):
        origins = [14 * 24, 15 * 24]
        told = model.forecasts(values, [*origins, 20 * 24], 24, 0.95)[:2]
        assert np.array_equal(told, model.forecasts(other, [*origins, 20 * 24], 24, 0.95)[:2]), model.name
        assert np.array_equal(told, model.forecasts(values[: 15 * 24], origins, 24, 0.95)), model.name


def test_the_true_quantile_has_the_least_loss():
    values = np.random.default_rng(5).exponential(size=20_000)
    true = -np.log(0.05)
    losses = {level: pinball(values, np.full(len(values), level), 0.95) for level in (0.5 * true, true, 1.5 * true)}
    assert min(losses, key=losses.get) == true


def test_confidence_is_what_the_past_earned():
    steady = forecast(cpu(office(28)), DAY, 0.95)
    assert (steady.held, steady.windows) == (14, 14)
    assert steady.confidence == 15 / 16
    assert forecast(cpu(np.ones(72)), DAY, 0.95).confidence == 2 / 3, "one window earns little"
    wild = np.random.default_rng(4).pareto(1.1, 28 * 24)
    assert forecast(cpu(wild), DAY, 0.95).confidence < steady.confidence


def test_shrinking_takes_confidence_and_growing_does_not():
    assert advise(np.ones(72)).recommended.cpu_cores == 8
    assert "shrinking takes a confidence of 0.8" in advise(np.ones(72)).reason
    assert advise(np.full(72, 6.0), vm=Resources(7, 8192)).recommended.cpu_cores == 8


def test_a_small_saving_is_not_worth_a_resize():
    advised = advise(np.full(24 * 14, 5.5))
    assert not advised.changes
    assert "7 would do, which is too small a saving for a resize" in advised.reason


def test_a_vm_at_its_limit_grows_by_half_and_says_that_its_need_is_unknown():
    advised = advise(np.minimum(office(14, high=20.0), 8.0))
    assert advised.recommended.cpu_cores == 12
    assert advised.confidence == 0.5
    assert "8 vCPU -> 12: it was at its limit for 42% of the last 24 h, so its need is unknown" in advised.reason


def test_a_dimension_without_history_stays_and_says_so():
    advised = advise(office(14))
    assert advised.recommended.memory_mib == VM.memory_mib
    assert "8192 MiB memory stay: not enough history: 0 h of 72 h" in advised.reason
    assert advised.confidence == advised.advice[0].confidence


def test_storage_bandwidth_and_gpus_are_left_alone():
    vm = Resources(8, 8192, 100, 1000, 2)
    advised = recommend(vm, cpu(office(14)), cpu(office(14) * 1000))
    assert advised.recommended[2:] == vm[2:]
    assert advised.recommended.memory_mib % 256 == 0


def test_the_cost_impact_is_the_difference_of_a_month():
    prices = Prices(Decimal("0.02"), Decimal("0.004"))
    assert prices.month(Resources(1, 1024)) == Decimal("17.52")
    advised = recommend(VM, cpu(office(14)), UNKNOWN, prices=prices)
    assert advised.recommended.cpu_cores == 4
    assert advised.cost_impact == Decimal("-58.40")
    assert advised.reason.endswith("It saves 58.40 a month")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("part", 1.0, "quantile: must be at least 0.5 and below 1"),
        ("cpu_utilisation", 0.0, "utilisation: must be above 0"),
        ("horizon_seconds", 60, "horizon: must be between an hour and 14 days"),
    ],
)
def test_a_sizing_that_is_none_is_refused(field, value, says):
    with pytest.raises(InvalidArgument, match=says):
        recommend(VM, cpu(office(14)), UNKNOWN, replace(Sizing(), **{field: value}))


def test_feedback_is_told_by_model_version():
    found = standings([("v1", 5), ("v1", 2), ("v2", 4)])
    assert (found["v1"].scores, found["v1"].mean, found["v1"].poor) == (2, 3.5, 1)
    assert found["v2"].poor == 0
    with pytest.raises(InvalidArgument, match=r"feedback_score: must be 1 \(made it worse\) to 5"):
        standings([("v1", 0)])


@settings(max_examples=30, deadline=None)
@given(
    values=arrays.arrays(
        float, st.integers(72, 200), elements=st.one_of(st.just(float("nan")), st.floats(0, 64, width=32), st.just(0.0))
    ),
    now=st.integers(1, 64),
)
def test_any_history_is_refused_or_gives_a_size_within_the_limits(values, now):
    try:
        advised = advise(values, vm=Resources(now, 1024))
    except (NotEnoughHistory, TooManyGaps):
        return
    assert Sizing().least.cpu_cores <= advised.recommended.cpu_cores <= Sizing().most.cpu_cores
    assert 0 < advised.confidence < 1
    assert np.isfinite(float(advised.cost_impact))
