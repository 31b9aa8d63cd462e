"""A size for a VM, out of the forecasts of what it needs: with what it costs, how far to trust it, and why, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from novacron.errors import FailedPrecondition, InvalidArgument

from ..resources import UNITS, Resources
from .backtest import Forecast, forecast
from .history import Floats, History, NotEnoughHistory, TooManyGaps, told

HOURS_A_MONTH = 730
MODEL_VERSION = "quantiles-v1"
# What is used above this share of what there is may be all that could be had: the need itself is unknown.
SATURATED = 0.97
LEAST = Resources(cpu_cores=1, memory_mib=256)
MOST = Resources(cpu_cores=128, memory_mib=1024 * 1024)


@dataclass(frozen=True, slots=True)
class Prices:
    """What a unit costs an hour, in the currency that the reader pays in."""

    cpu_core: Decimal = Decimal("0.02")
    memory_gib: Decimal = Decimal("0.003")

    def month(self, resources: Resources) -> Decimal:
        """What the vCPUs and the memory cost in a month of 730 hours."""
        hour = self.cpu_core * resources.cpu_cores + self.memory_gib * resources.memory_mib / 1024
        return (hour * HOURS_A_MONTH).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class Sizing:
    """How a size is made of a need."""

    horizon_seconds: int = 24 * 3600
    part: float = 0.98  # the quantile that the size has to hold
    # Forecast need over size. Memory is filled further than vCPUs: it does not queue.
    cpu_utilisation: float = 0.8
    memory_utilisation: float = 0.9
    memory_step_mib: int = 256
    least: Resources = LEAST
    most: Resources = MOST
    # Growing is urgent, shrinking is not: it takes this much confidence and this much less.
    confidence_to_shrink: float = 0.8
    least_saving: float = 0.15

    def check(self) -> None:
        """:raises InvalidArgument: no size can be made so."""
        if not 0.5 <= self.part < 1:
            raise InvalidArgument.at("quantile", "must be at least 0.5 and below 1, such as 0.98")
        if not (0 < self.cpu_utilisation <= 1 and 0 < self.memory_utilisation <= 1):
            raise InvalidArgument.at("utilisation", "must be above 0 and at most 1, such as 0.8")
        if not 3600 <= self.horizon_seconds <= 14 * 86400:
            raise InvalidArgument.at("horizon", "must be between an hour and 14 days")


@dataclass(frozen=True, slots=True)
class Advice:
    """What became of one dimension."""

    dimension: str
    now: int
    then: int
    confidence: float  # that the size given in ``then`` holds for the horizon; 0: it could not be measured
    reason: str
    violations_now: float = 0.0  # share of the measured steps above the size that it has
    violations_then: float = 0.0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What a VM has, what it should have, and why."""

    current: Resources
    recommended: Resources
    confidence: float  # the least of its dimensions' that could be measured
    horizon_seconds: int
    cost_impact: Decimal  # a month, negative: saved
    advice: tuple[Advice, ...]
    reason: str
    model_version: str = MODEL_VERSION

    @property
    def changes(self) -> bool:
        return self.recommended != self.current


def recommend(
    current: Resources,
    cpu: History,
    memory: History,
    sizing: Sizing | None = None,
    prices: Prices | None = None,
) -> Recommendation:
    """A size for the next horizon. ``cpu`` is in cores, ``memory`` in MiB. A dimension that cannot be forecast stays as it is
    and says why; storage, bandwidth and GPUs always stay.

    :raises NotEnoughHistory, TooManyGaps: neither can be forecast.
    :raises InvalidArgument: the sizing is none.
    """
    sizing, prices = sizing or Sizing(), prices or Prices()
    sizing.check()
    advice: list[Advice] = []
    refusals: list[FailedPrecondition] = []
    for dimension, history in (("cpu_cores", cpu), ("memory_mib", memory)):
        now = getattr(current, dimension)
        try:
            advice.append(_advise(dimension, now, history, sizing))
        except (NotEnoughHistory, TooManyGaps) as refusal:
            refusals.append(refusal)
            advice.append(Advice(dimension, now, now, 0.0, _change(dimension, now, now) + refusal.message))
    if len(refusals) == len(advice):
        raise refusals[0]
    recommended = current._replace(**{one.dimension: one.then for one in advice})
    confidence = min(one.confidence for one in advice if one.confidence)
    impact = prices.month(recommended) - prices.month(current)
    reason = "; ".join(one.reason for one in advice) + f". {_money(impact)}"
    return Recommendation(current, recommended, confidence, sizing.horizon_seconds, impact, tuple(advice), reason)


def _advise(dimension: str, now: int, history: History, sizing: Sizing) -> Advice:
    filled = sizing.cpu_utilisation if dimension == "cpu_cores" else sizing.memory_utilisation
    found = forecast(history, sizing.horizon_seconds, sizing.part, 1 / filled)
    fitting = _size(dimension, found.peak / filled, sizing)
    confidence, because = found.confidence, _because(dimension, found, sizing)
    newest = history.values[-history.steps(sizing.horizon_seconds) :]
    at_limit = _share(newest, SATURATED * now)
    if at_limit > 1 - sizing.part:
        # Such a past says only that the size was too small: the right one is approached by halves, with the confidence of no
        # window at all.
        fitting = _size(dimension, now * 1.5, sizing)
        confidence = 0.5
        because = (
            f"it was at its limit for {at_limit:.0%} of the last {told(sizing.horizon_seconds)}, so its need is unknown"
        )
    then = fitting
    if fitting < now and confidence < sizing.confidence_to_shrink:
        then = now
        because += f"; {fitting} would do, but shrinking takes a confidence of {sizing.confidence_to_shrink}"
    elif now * (1 - sizing.least_saving) < fitting < now:
        then = now
        because += f"; {fitting} would do, which is too small a saving for a resize"
    now_above, then_above = (round(_share(history.values, size), 4) for size in (now, then))
    reason = _change(dimension, now, then) + because
    return Advice(dimension, now, then, round(confidence, 4), reason, now_above, then_above, found.model)


def _size(dimension: str, need: float, sizing: Sizing) -> int:
    """The least size that holds ``need``: whole vCPUs, memory in whole steps, within the limits."""
    step = sizing.memory_step_mib if dimension == "memory_mib" else 1
    least, most = getattr(sizing.least, dimension), getattr(sizing.most, dimension)
    return int(min(max(math.ceil(need / step - 1e-9) * step, least), most))


def _share(values: Floats, limit: float) -> float:
    """The share of what is known of ``values`` that is above ``limit``."""
    known = values[~np.isnan(values)]
    return float(np.mean(known > limit)) if len(known) else 0.0


def _because(dimension: str, found: Forecast, sizing: Sizing) -> str:
    need = f"{found.peak:.1f}" if dimension == "cpu_cores" else f"{found.peak:,.0f}"
    return (
        f"{sizing.part:.0%} of the next {told(sizing.horizon_seconds)} is forecast to need no more than {need}"
        f" ({found.model}), and sizes so chosen held in {found.held} of {found.windows} past windows"
    )


def _change(dimension: str, now: int, then: int) -> str:
    return f"{now} {UNITS[dimension]} {'stay' if now == then else f'-> {then}'}: "


def _money(impact: Decimal) -> str:
    if not impact:
        return "The cost stays the same"
    return f"It {'saves' if impact < 0 else 'costs'} {abs(impact)} a month"
