"""A partition of ``vm_metrics``: one day in UTC, with its name. Which are needed and which are due to go is decided here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

_NAME = re.compile(r"^vm_metrics_y(\d{4})m(\d{2})d(\d{2})$")

# A batch whose times were checked a moment ago may still be on its way: its day is not dropped under it.
_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """The samples of one day."""

    day: date

    @classmethod
    def named(cls, name: str) -> Partition | None:
        """The partition with this name; None for a table that is none of ours."""
        match = _NAME.match(name)
        try:
            return cls(date(*map(int, match.groups()))) if match else None
        except ValueError:
            return None

    @property
    def name(self) -> str:
        return f"vm_metrics_y{self.day.year:04}m{self.day.month:02}d{self.day.day:02}"

    @property
    def start(self) -> datetime:
        """Inclusive."""
        return datetime.combine(self.day, time(), UTC)

    @property
    def end(self) -> datetime:
        """Exclusive."""
        return self.start + timedelta(days=1)


def days_of(times: Iterable[datetime]) -> set[Partition]:
    """The partitions that samples of these times (UTC) belong to."""
    return {Partition(day) for day in {moment.date() for moment in times}}


def ahead(now: datetime, days: int) -> set[Partition]:
    """Today's partition and those of the next ``days`` days."""
    return {Partition(now.date() + timedelta(days=number)) for number in range(days + 1)}


def expired(present: Iterable[Partition], now: datetime, retention: timedelta) -> list[Partition]:
    """Those whose every sample is older than ``retention``, oldest first."""
    return sorted(one for one in present if one.end <= now - retention - _GRACE)
