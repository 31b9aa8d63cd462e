"""What following the recommendations would have been like, and that the replay tells it honestly."""

import numpy as np
import pytest

from novacron_scheduler.scaling import recommendation, replay
from novacron_scheduler.scaling.history import HOUR
from novacron_scheduler.scaling.recommendation import Sizing
from tests.bench.scaling import load

WEEK = 7 * 24


def outcomes(demand, request):
    size, resizes = replay.followed(demand, HOUR, request, WEEK, Sizing())
    still = np.full(len(demand), float(request))
    return (
        replay.outcome(demand[WEEK:], size[WEEK:], HOUR, resizes),
        replay.outcome(demand[WEEK:], still[WEEK:], HOUR),
    )


def test_slack_and_what_was_lacking_add_up_to_what_was_there():
    became = replay.outcome(np.array([1.0, 4.0, np.nan, 2.0]), np.array([2.0, 3.0, 9.0, 2.0]), 1800)
    assert (became.provisioned, became.used, became.unserved) == (3.5, 3.0, 0.5)
    assert (became.violations, became.steps) == (1, 3), (
        "needing exactly what there is lacks nothing; a gap counts for nothing"
    )
    assert became.slack == pytest.approx(1 - 3 / 3.5)
    assert became.plus(became).violations == 2
    assert replay.NOTHING.slack == replay.NOTHING.violated == 0


def test_what_is_too_large_shrinks_and_lacks_nothing():
    hour = np.arange(4 * WEEK)
    demand = np.where((hour % 24 >= 8) & (hour % 24 < 18), 3.0, 0.5)
    followed, static = outcomes(demand, request=16)
    assert followed.violations == 0
    assert followed.provisioned < static.provisioned / 3
    assert followed.resizes == 1


def test_what_is_too_small_is_found_out_from_behind_its_own_limit():
    demand = np.full(3 * WEEK, 7.0)
    followed, static = outcomes(demand, request=2)
    assert static.violated == 1
    assert followed.violations == 2 * 24, "2 -> 3 -> 5 -> 8: a day each"
    size, _ = replay.followed(demand, HOUR, 2, WEEK, Sizing())
    assert size[-1] == 9, "7 of 9 are less than 80 %"


def test_a_recommendation_sees_the_past_alone_and_no_use_above_the_size(monkeypatch):
    demand, seen = np.linspace(1, 20, 3 * WEEK), []

    def recommend(current, cpu, memory, sizing):
        seen.append((len(cpu.values), float(cpu.values.max())))
        return recommendation.recommend(current, cpu, memory, sizing)

    monkeypatch.setattr(replay, "recommend", recommend)
    replay.followed(demand, HOUR, 4, WEEK, Sizing())
    assert [length for length, _ in seen] == list(range(WEEK, 3 * WEEK, 24))
    assert seen[0][1] <= 4


def test_the_benchs_load_is_the_same_every_time():
    first, second = ([demand for _, demand in load(1)] for _ in range(2))
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(first, second, strict=True))
