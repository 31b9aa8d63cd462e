"""Additive Holt-Winters with a damped trend (Holt 1957, Winters 1960, Gardner and McKenzie 1985), for quantiles.

Every combination of smoothing weights walks through the series side by side, once. Whoever forecasts from an origin takes the
weights that had erred least by then, and lays the quantile of their errors by then on top: nothing is fitted to what it is
measured against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from .history import Floats, quantile

# Of level, trend and season. A trend of 0 is none at all.
WEIGHTS = np.array(list(product((0.05, 0.2, 0.5), (0.0, 0.03, 0.1), (0.05, 0.2, 0.4))))
DAMPING = 0.98  # a step: a trend seen today is not believed for ever
ERRORS_PER_SEASON = 8


@dataclass(frozen=True, slots=True)
class HoltWinters:
    """Level, trend and season, each smoothed: follows growth, which a baseline only notices."""

    season: int
    name: str

    @property
    def least_steps(self) -> int:
        return 2 * self.season

    def forecasts(self, values: Floats, origins: Sequence[int], horizon: int, part: float) -> Floats:
        last = max(origins)
        # Errors are measured at even distances from the first origin that has a season behind it.
        checked = range(self.season, max(last - horizon, self.season) + 1, max(self.season // ERRORS_PER_SEASON, 1))
        ahead = _walk(values[:last], self.season, sorted({*checked, *origins}), horizon)
        errors = [values[start : start + horizon] - ahead[start] for start in checked if start + horizon <= last]
        rows = []
        for origin in origins:
            known = [error for start, error in zip(checked, errors, strict=False) if start + horizon <= origin]
            rows.append(_quantile_of(ahead[origin], known, part))
        return np.array(rows)


def _quantile_of(ahead: Floats, errors: list[Floats], part: float) -> Floats:
    """The row of ``ahead`` whose errors were least, raised by their quantile; without any, the greatest of all rows."""
    together = np.concatenate(errors, axis=1) if errors else np.empty((len(ahead), 0))
    together = together[:, ~np.isnan(together[0])] if together.size else together
    if not together.size:
        return np.maximum(ahead.max(axis=0), 0.0)
    best = int(np.argmin(np.mean(np.abs(together), axis=1)))
    return np.maximum(ahead[best] + quantile(together[best], part), 0.0)


def _walk(values: Floats, season: int, stops: Sequence[int], horizon: int) -> dict[int, Floats]:
    """At each stop, for each combination of weights, the forecast of ``horizon`` steps: arrays of (combinations, horizon).

    A gap changes nothing but the level, by the trend: what was not seen teaches nothing.
    """
    alpha, beta, gamma = WEIGHTS.T
    first = values[:season]
    known = first[~np.isnan(first)]
    start = float(np.mean(known)) if len(known) else 0.0
    level, trend = np.full(len(WEIGHTS), start), np.zeros(len(WEIGHTS))
    seasonal = np.tile(np.nan_to_num(first - start, nan=0.0), (len(WEIGHTS), 1))
    damped = np.cumsum(DAMPING ** np.arange(1, horizon + 1))
    wanted, found = set(stops), {}
    for at in range(season, max(stops) + 1):
        if at in wanted:
            phases = (at + np.arange(horizon)) % season
            found[at] = level[:, None] + trend[:, None] * damped + seasonal[:, phases]
        if at >= len(values):
            break
        value, phase = values[at], at % season
        expected = level + DAMPING * trend
        if np.isnan(value):
            level, trend = expected, DAMPING * trend
            continue
        last, level = level, alpha * (value - seasonal[:, phase]) + (1 - alpha) * expected
        trend = beta * (level - last) + (1 - beta) * DAMPING * trend
        seasonal[:, phase] = gamma * (value - level) + (1 - gamma) * seasonal[:, phase]
    return found
