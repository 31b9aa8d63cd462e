"""A question about one metric of one VM over time, and what makes it one that can be answered."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from novacron.errors import InvalidArgument

from .sample import METRICS

DEFAULT_SPAN = timedelta(hours=1)
DEFAULT_STEP = timedelta(minutes=1)
MOST_STEPS = 11_000

# Steps are counted from here, not from the question's start: one step holds the same samples however the question slides.
# A Monday, so that steps of seven days are weeks.
ORIGIN = datetime(2000, 1, 3, tzinfo=UTC)


class Aggregate(enum.StrEnum):
    """How the values of a step become one."""

    AVG = "avg"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Question:
    """``metric`` of ``vm_id`` from ``start`` (inclusive) to ``end`` (exclusive), one value for each ``step``."""

    vm_id: UUID
    metric: str
    start: datetime
    end: datetime
    step: timedelta
    aggregate: Aggregate

    @property
    def unit(self) -> str:
        return "samples" if self.aggregate is Aggregate.COUNT else METRICS[self.metric]

    @property
    def steps(self) -> int:
        """How many steps the time touches, whether there are samples in them or not."""
        first = (self.start - ORIGIN) // self.step
        last = (self.end - timedelta(microseconds=1) - ORIGIN) // self.step
        return last - first + 1


def check_metric(metric: str) -> None:
    """:raises InvalidArgument: there is none of this name."""
    if metric not in METRICS:
        raise InvalidArgument.at("metric", f"there is no metric {metric!r}; there are {', '.join(METRICS)}")


def span(start: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """The time that is asked about: by default the hour before ``end``, and ``end`` now.

    :raises InvalidArgument: it ends before it starts, or is before all time.
    """
    end = end or now
    try:
        start = start or end - DEFAULT_SPAN
    except OverflowError:
        raise InvalidArgument.at("end_time", "is before all time") from None
    if start >= end:
        raise InvalidArgument.at("start_time", f"{start.isoformat()} must be before end_time, {end.isoformat()}")
    return start, end


def asked(
    vm_id: UUID,
    metric: str,
    *,
    start: datetime | None,
    end: datetime | None,
    step: timedelta | None,
    aggregate: Aggregate,
    now: datetime,
) -> Question:
    """The question with its defaults: the hour before ``end``, ``end`` now, a step of a minute.

    :raises InvalidArgument: an unknown metric, a time that ends before it starts, too many steps.
    """
    check_metric(metric)
    start, end = span(start, end, now)
    question = Question(vm_id, metric, start, end, step or DEFAULT_STEP, aggregate)
    if question.steps > MOST_STEPS:
        least = -(-(end - start) // timedelta(seconds=MOST_STEPS - 1)) or 1
        raise InvalidArgument.at(
            "step",
            f"this time has {question.steps:,} steps, at most {MOST_STEPS:,} can be asked for: "
            f"take a step of {least} s or more, or a shorter time",
        )
    return question
