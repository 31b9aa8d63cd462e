"""What a VM would have had, and lacked, had it followed its recommendations: beside the request that stood still.

The replay is honest about what a recommender can see: of a VM that lacks vCPUs it sees no more use than the VM has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..resources import Resources
from .history import DAY, Floats, History, NotEnoughHistory, TooManyGaps
from .recommendation import Sizing, recommend


@dataclass(frozen=True, slots=True)
class Outcome:
    """``provisioned``, ``used`` and ``unserved`` in core-hours; ``violations`` of ``steps`` needed more than there was."""

    provisioned: float
    used: float
    unserved: float
    violations: int
    steps: int
    resizes: int

    @property
    def slack(self) -> float:
        """The share of what was paid for that nothing used, 0 to 1."""
        return 1 - self.used / self.provisioned if self.provisioned else 0.0

    @property
    def violated(self) -> float:
        """The share of the steps that lacked something, 0 to 1."""
        return self.violations / self.steps if self.steps else 0.0

    def plus(self, other: Outcome) -> Outcome:
        """Both together."""
        return Outcome(
            self.provisioned + other.provisioned,
            self.used + other.used,
            self.unserved + other.unserved,
            self.violations + other.violations,
            self.steps + other.steps,
            self.resizes + other.resizes,
        )


NOTHING = Outcome(0.0, 0.0, 0.0, 0, 0, 0)


def outcome(demand: Floats, size: Floats, step_seconds: int, resizes: int = 0) -> Outcome:
    """What became of ``demand`` under ``size``, both in cores a step. A step of unknown demand counts for nothing."""
    known = ~np.isnan(demand)
    demand, size = demand[known], size[known]
    hours = step_seconds / 3600
    return Outcome(
        float(size.sum()) * hours,
        float(np.minimum(demand, size).sum()) * hours,
        float(np.maximum(demand - size, 0).sum()) * hours,
        int(np.sum(demand > size)),
        len(demand),
        resizes,
    )


def followed(demand: Floats, step_seconds: int, request: int, begin: int, sizing: Sizing) -> tuple[Floats, int]:
    """The cores that a VM had at each step: its request until step ``begin``, and from then on what each day's recommendation
    said; and how often it was resized."""
    day = DAY // step_seconds
    size = np.full(len(demand), float(request))
    resizes = 0
    for start in range(begin, len(demand), day):
        now = int(size[start - 1])
        seen = History(np.minimum(demand[:start], size[:start]), step_seconds)
        try:
            # Its memory is not the matter here: a history without one keeps it as it is.
            advised = recommend(Resources(now, 1024), seen, History(np.empty(0), step_seconds), sizing)
        except (NotEnoughHistory, TooManyGaps):
            continue
        resizes += advised.changes
        size[start:] = float(advised.recommended.cpu_cores)
    return size, resizes
