"""Recommendations over a replayed load, beside a static request: what is paid for and unused, and what was lacking.

The load is generated and the same each time: 35 days of hours of six kinds of VMs. The static request is what people ask for:
the greatest need of the first week, and half of it again. The floor is an oracle that resizes every day to what that day will
need. Counts and shares: no machine's mood changes them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from novacron_scheduler.scaling import replay
from novacron_scheduler.scaling.history import DAY, HOUR
from novacron_scheduler.scaling.recommendation import Sizing

from .report import Report

SEED = 20_260_101
DAYS, LEARNED = 35, 7
A_DAY = DAY // HOUR
Floats = NDArray[np.float64]


def _office(hour: Floats, random: np.random.Generator) -> Floats:
    """Busy on working days."""
    busy = (hour % 24 >= 8) & (hour % 24 < 18) & (hour // 24 % 7 < 5)
    return 0.4 + random.uniform(2, 10) * busy * random.gamma(60, 1 / 60, len(hour))


def _web(hour: Floats, random: np.random.Generator) -> Floats:
    """A wave a day, less at weekends."""
    wave = 1 + np.sin(2 * np.pi * (hour - 9) / 24) * 0.8
    return random.uniform(1, 6) * wave * np.where(hour // 24 % 7 < 5, 1, 0.7) * random.gamma(40, 1 / 40, len(hour))


def _batch(hour: Floats, random: np.random.Generator) -> Floats:
    """Two hours a night, else nothing."""
    return 0.1 + random.uniform(4, 12) * (hour % 24 // 2 == random.integers(12)) * random.gamma(80, 1 / 80, len(hour))


def _growing(hour: Floats, random: np.random.Generator) -> Floats:
    """Two or three times as much in the end."""
    return _web(hour, random) * np.linspace(0.7, random.uniform(1.4, 2.1), len(hour))


def _idle(hour: Floats, random: np.random.Generator) -> Floats:
    """Forgotten by whoever made it, after its first week."""
    return np.where(hour < LEARNED * A_DAY, random.uniform(1, 6), 0.05) * random.gamma(40, 1 / 40, len(hour))


def _bursty(hour: Floats, random: np.random.Generator) -> Floats:
    """No rhythm at all: rare hours need many times what is usual."""
    return random.uniform(0.5, 2) + 5 * random.uniform(0.5, 1) * (random.random(len(hour)) < 0.01)


KINDS: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "office": _office,
    "web": _web,
    "batch": _batch,
    "growing": _growing,
    "idle": _idle,
    "bursty": _bursty,
}


def load(each: int) -> Iterator[tuple[str, Floats]]:
    """``each`` VMs of every kind, in cores an hour, a hundredth of the hours unknown: the same with every call."""
    random = np.random.default_rng(SEED)
    hour = np.arange(DAYS * A_DAY, dtype=float)
    for kind, make in KINDS.items():
        for _ in range(each):
            demand = make(hour, random)
            demand[random.random(len(demand)) < 0.01] = np.nan
            yield kind, demand


async def run(*, quick: bool = False) -> None:
    """Replay, and print the table for all VMs and each kind."""
    begin, each = LEARNED * A_DAY, 1 if quick else 8
    totals: dict[tuple[str, str], replay.Outcome] = {}
    recommendations, spent = 0, 0.0
    for kind, demand in load(each):
        request = max(1, math.ceil(1.5 * float(np.nanmax(demand[:begin]))))
        started = time.process_time()
        size, resizes = replay.followed(demand, HOUR, request, begin, Sizing())
        spent += time.process_time() - started
        recommendations += DAYS - LEARNED
        ahead = demand[begin:]
        sizes = {"static": np.full(len(ahead), float(request)), "recommended": size[begin:], "oracle": _oracle(ahead)}
        for name, given in sizes.items():
            became = replay.outcome(ahead, given, HOUR, resizes if name == "recommended" else 0)
            for group in ("all", kind):
                totals[name, group] = totals.get((name, group), replay.NOTHING).plus(became)
    _print(totals)
    static, followed, oracle = (totals[name, "all"] for name in ("static", "recommended", "oracle"))
    Report(
        "scaling",
        figures={
            "slack": followed.slack,
            "violations": followed.violated,
            "unserved_share": followed.unserved / followed.used,
            "core_hours": followed.provisioned,
            "resizes_a_vm_week": followed.resizes / (each * len(KINDS)) / ((DAYS - LEARNED) / 7),
            "cpu_ms_a_recommendation": 1000 * spent / recommendations,
        },
        floor={"slack": oracle.slack, "core_hours": oracle.provisioned},
        peer={
            "static_slack": static.slack,
            "static_violations": static.violated,
            "static_core_hours": static.provisioned,
        },
        ratios={
            "core_hours_over_static": followed.provisioned / static.provisioned,
            "slack_over_static": followed.slack / static.slack,
        },
    ).write()


def _oracle(demand: Floats) -> Floats:
    days = np.nan_to_num(demand, nan=0.0).reshape(-1, A_DAY).max(axis=1)
    return np.repeat(np.maximum(np.ceil(days), 1.0), A_DAY)


def _print(totals: dict[tuple[str, str], replay.Outcome]) -> None:
    print(f"\n{'load':<10}{'sizes':<14}{'core-hours':>12}{'slack':>8}{'violations':>12}{'unserved':>10}{'resizes':>9}")
    for group in ("all", *KINDS):
        for name in ("static", "recommended", "oracle"):
            one = totals[name, group]
            unserved = one.unserved / (one.used + one.unserved)
            figures = (
                f"{one.provisioned:>12,.0f}{one.slack:>8.1%}{one.violated:>12.2%}{unserved:>10.2%}{one.resizes:>9}"
            )
            print(f"{group:<10}{name:<14}{figures}")
