"""What was measured of one need of one VM, at even steps, gaps included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from novacron.errors import FailedPrecondition, InvalidArgument

Floats = NDArray[np.float64]

HOUR = 3600
DAY = 24 * HOUR
WEEK = 7 * DAY
MOST_GAPS = 0.5


class NotEnoughHistory(FailedPrecondition):
    """Nothing honest can be forecast yet: the message says how much is there, and how much would do."""


class TooManyGaps(FailedPrecondition):
    """The time is long enough, but too little of it was measured."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """``values[i]`` is the need during the ``i``-th step of ``step_seconds``, in cores or MiB; NaN where nothing was measured.

    Ask monitoring for the maximum of each step, not its mean: a peak that a mean hides is a peak that the VM has to bear.
    """

    values: Floats
    step_seconds: int

    def __post_init__(self) -> None:
        """:raises InvalidArgument: no measurement looks like this."""
        if self.values.ndim != 1:
            raise InvalidArgument.at("values", "must be one series: one value a step")
        if self.step_seconds < 1 or DAY % self.step_seconds:
            raise InvalidArgument.at("step_seconds", "must divide a day, such as 300, 900 or 3600")
        if bool(np.any(np.isinf(self.values) | (self.values < 0))):
            raise InvalidArgument.at("values", "must be finite and not negative; NaN says that nothing was measured")

    @classmethod
    def of_points(cls, points: list[tuple[float, float]], step_seconds: int, end: float) -> History:
        """Of (seconds since the epoch, value) in any order: steps without a point are gaps, from the first to ``end``."""
        if not points:
            return cls(np.empty(0), step_seconds)
        first = int(min(time for time, _ in points) // step_seconds)
        values = np.full(max(int(end // step_seconds) - first, 0), np.nan)
        for time, value in points:
            place = int(time // step_seconds) - first
            if place < len(values):
                values[place] = value
        return cls(values, step_seconds)

    def steps(self, seconds: int) -> int:
        """How many steps that many seconds are, at least one."""
        return max(seconds // self.step_seconds, 1)

    def require(self, seconds: int) -> None:
        """Whether the last ``seconds`` were measured well enough to forecast from.

        :raises NotEnoughHistory: it is shorter, or its newest day is one gap.
        :raises TooManyGaps: more than half of it is missing.
        """
        known = np.flatnonzero(~np.isnan(self.values))
        span = (len(self.values) - int(known[0])) * self.step_seconds if len(known) else 0
        if span < seconds:
            raise NotEnoughHistory(f"not enough history: {told(span)} of {told(seconds)}; ask again when there is more")
        newest = self.values[-self.steps(DAY) :]
        if bool(np.all(np.isnan(newest))):
            raise NotEnoughHistory(
                "not enough history: nothing was measured in the last 24 h; see that its agent samples"
            )
        gaps = float(np.mean(np.isnan(self.values[int(known[0]) :])))
        if gaps > MOST_GAPS:
            text = f"too many gaps: {gaps:.0%} of the last {told(span)} are missing, and at most {MOST_GAPS:.0%} may be"
            raise TooManyGaps(text)

    def known(self) -> Floats:
        """The values that were measured, in order."""
        return self.values[~np.isnan(self.values)]


def told(seconds: float) -> str:
    """A span as a person reads it: ``3 h``, ``72 h``, ``14 d``."""
    return f"{seconds / DAY:.0f} d" if seconds > 4 * DAY else f"{seconds // HOUR:.0f} h"


def quantile(values: Floats, part: float) -> float:
    """The ``part`` quantile of what is known of ``values``; NaN where nothing is."""
    return float(quantiles(values[:, None], part)[0])


def quantiles(columns: Floats, part: float) -> Floats:
    """The same of each column. Always a value that was seen: of few it is the greatest, never a point between two."""
    known = np.sum(~np.isnan(columns), axis=0)
    places = np.ceil(part * np.maximum(known - 1, 0) - 1e-9).astype(int)
    ordered = np.sort(columns, axis=0)  # NaN comes last
    return ordered[places, np.arange(columns.shape[1])] if len(columns) else np.full(columns.shape[1], np.nan)
