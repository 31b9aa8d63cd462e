"""The plain forecasts: what was needed lately, and what was needed at this hour of the day or the week.

A forecast model takes the whole series and the origins to forecast from; at an origin it sees ``values[:origin]`` alone, so
that the past can be replayed without a look ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .history import Floats, quantile, quantiles

KEPT_SEASONS = 6


class Model(Protocol):
    """A way to forecast a quantile."""

    @property
    def name(self) -> str: ...

    @property
    def least_steps(self) -> int:
        """How much an origin has to have behind it."""
        ...

    def forecasts(self, values: Floats, origins: Sequence[int], horizon: int, part: float) -> Floats:
        """One row an origin: the ``part`` quantile of each of the ``horizon`` steps from it on, in the unit of ``values``."""
        ...


@dataclass(frozen=True, slots=True)
class Steady:
    """The need of the last ``window`` steps goes on: right for what has no rhythm, and the one to beat."""

    window: int
    name: str = "steady"

    @property
    def least_steps(self) -> int:
        return 1

    def forecasts(self, values: Floats, origins: Sequence[int], horizon: int, part: float) -> Floats:
        everything = [quantile(values[:origin], part) for origin in origins]
        lately = [quantile(values[max(origin - self.window, 0) : origin], part) for origin in origins]
        level = [whole if np.isnan(late) else late for late, whole in zip(lately, everything, strict=True)]
        return np.tile(np.array(level)[:, None], (1, horizon))


@dataclass(frozen=True, slots=True)
class SeasonalBaseline:
    """At each step of a season, the quantile of what was needed at that step and beside it in the last seasons, moved by how
    much the newest season lies above or below them."""

    season: int
    name: str

    @property
    def least_steps(self) -> int:
        return 2 * self.season

    def forecasts(self, values: Floats, origins: Sequence[int], horizon: int, part: float) -> Floats:
        return np.array([self._one(values[:origin], horizon, part) for origin in origins])

    def _one(self, seen: Floats, horizon: int, part: float) -> Floats:
        count = min(len(seen) // self.season, KEPT_SEASONS)
        seasons = seen[-count * self.season :].reshape(count, self.season)
        # The steps beside it count too: a job does not start on the second, and six values make no quantile.
        beside = np.concatenate([np.roll(seasons, shift, axis=1) for shift in (-1, 0, 1)])
        profile = quantiles(beside, part)
        profile[np.isnan(profile)] = quantile(seen, part)
        middle, newest = quantile(seasons.ravel(), 0.5), quantile(seasons[-1], 0.5)
        shift = 0.0 if np.isnan(newest) else newest - middle
        return np.maximum(profile[np.arange(horizon) % self.season] + shift, 0.0)
