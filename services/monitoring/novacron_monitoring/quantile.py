"""A question about one quantile of one metric for each of many VMs, and what makes it one that can be answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from novacron.errors import InvalidArgument

from .question import check_metric, span
from .sample import METRICS

# A thousand VMs have some eight million samples in it: more than that is no question of a moment.
LONGEST_SPAN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuantileQuestion:
    """What ``quantile`` of the values of ``metric`` from ``start`` (inclusive) to ``end`` (exclusive) do not exceed, by VM."""

    vm_ids: Sequence[UUID]
    metric: str
    start: datetime
    end: datetime
    quantile: float

    @property
    def unit(self) -> str:
        return METRICS[self.metric]


def asked(
    vm_ids: Sequence[UUID],
    metric: str,
    quantile: float,
    *,
    start: datetime | None,
    end: datetime | None,
    now: datetime,
) -> QuantileQuestion:
    """The question with its defaults: the hour before ``end``, ``end`` now.

    :raises InvalidArgument: an unknown metric, a time that ends before it starts or is too long.
    """
    check_metric(metric)
    start, end = span(start, end, now)
    if end - start > LONGEST_SPAN:
        raise InvalidArgument.at(
            "start_time", f"{start.isoformat()} is more than a day before end_time, {end.isoformat()}: ask for less"
        )
    return QuantileQuestion(vm_ids, metric, start, end, quantile)
