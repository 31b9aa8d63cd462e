"""How well the past would have been forecast, from origins that roll through it; and the forecast that earned to be used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .baseline import Model, SeasonalBaseline, Steady
from .history import DAY, WEEK, Floats, History
from .holt_winters import HoltWinters

MOST_WINDOWS = 28
WINDOWS_FOR_WEEKS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """The ``part`` quantile of the need at each step ahead, and how it did in the past.

    ``windows`` is the number of past horizons that were forecast, ``held`` in how many of them a VM of the forecast size would
    have been large enough, and ``loss`` the model's mean pinball loss over them, in the unit of the need.
    """

    model: str
    part: float
    ahead: Floats
    windows: int
    held: int
    loss: float

    @property
    def peak(self) -> float:
        """What the whole horizon needs: the greatest of its steps' quantiles."""
        return float(np.max(self.ahead))

    @property
    def confidence(self) -> float:
        """How likely the next horizon holds, 0 to 1, by Laplace's rule of succession: few windows earn little, however well
        they went."""
        return (self.held + 1) / (self.windows + 2)


def required_seconds(horizon_seconds: int) -> int:
    """How much history the first forecast takes: a season to learn, one to err in, and one horizon to be measured against."""
    return DAY + max(DAY, horizon_seconds) + horizon_seconds


def forecast(history: History, horizon_seconds: int, part: float, margin: float = 1.0) -> Forecast:
    """The best model's forecast. A window held when at most ``1 - part`` of its steps were above ``margin`` times its peak.

    In each window the model is the one that had done best in those before it, as it would have been chosen at that time.

    :raises NotEnoughHistory, TooManyGaps: see :meth:`History.require`.
    """
    history.require(required_seconds(horizon_seconds))
    values, horizon = _from_first(history.values), history.steps(horizon_seconds)
    origins = _origins(history, len(values), horizon)
    models = _models(history, origins[0])
    rows = [model.forecasts(values, [*origins, len(values)], horizon, part) for model in models]
    actual = [values[origin : origin + horizon] for origin in origins]
    losses = np.array([[pinball(seen, row, part) for seen, row in zip(actual, told, strict=False)] for told in rows])
    held = 0
    for window, seen in enumerate(actual):
        chosen = int(np.argmin(losses[:, :window].sum(axis=1)))
        held += _holds(seen, margin * float(np.max(rows[chosen][window])), part)
    best = int(np.argmin(losses.sum(axis=1)))
    return Forecast(models[best].name, part, rows[best][-1], len(origins), held, float(losses[best].mean()))


def pinball(actual: Floats, ahead: Floats, part: float) -> float:
    """The mean quantile loss over the steps that were measured, in their unit; 0 where none was. The true quantile has the
    least (Koenker and Bassett 1978)."""
    over = (actual - ahead)[~np.isnan(actual)]
    return float(np.mean(np.maximum(part * over, (part - 1) * over))) if len(over) else 0.0


def _holds(actual: Floats, size: float, part: float) -> bool:
    known = actual[~np.isnan(actual)]
    return not len(known) or float(np.mean(known > size)) <= 1 - part + 1e-9


def _from_first(values: Floats) -> Floats:
    return values[int(np.flatnonzero(~np.isnan(values))[0]) :]


def _origins(history: History, length: int, horizon: int) -> list[int]:
    """Where the past is forecast from, one horizon apart, the newest last. Weeks are tried once two of them can be learned and
    enough windows remain to see whether they help."""
    day, two_weeks = history.steps(DAY), 2 * history.steps(WEEK)
    earliest = day + max(day, horizon)
    if length - two_weeks >= WINDOWS_FOR_WEEKS * horizon:
        earliest = max(earliest, two_weeks)
    return list(range(length - horizon, earliest - 1, -horizon))[:MOST_WINDOWS][::-1]


def _models(history: History, first_origin: int) -> list[Model]:
    """Every model that the first origin has history enough for, the simplest first: it wins when none is better."""
    day, week = history.steps(DAY), history.steps(WEEK)
    every: list[Model] = [
        Steady(week),
        SeasonalBaseline(day, "daily baseline"),
        HoltWinters(day, "daily Holt-Winters"),
        SeasonalBaseline(week, "weekly baseline"),
        HoltWinters(week, "weekly Holt-Winters"),
    ]
    return [model for model in every if model.least_steps <= first_origin]
