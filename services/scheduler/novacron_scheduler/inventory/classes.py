"""Nodes that no condition tells apart, looked at once.

All that a filter sees of a node but its room is the same for many nodes: they are of one class. A filter is asked once for
each class and set of conditions, and its answer holds for every node of it, until one changes its class. (Nomad computes
classes of nodes to the same end.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..placement import FILTERS, Offer
from ..policy import Guideline
from ..reservation import Demand
from ..resources import Resources

# These tell nodes of one class apart.
BY_NODE = ("elsewhere", "node", "resources")
BY_CLASS = tuple(name for name in FILTERS if name not in BY_NODE)
# Flavours of VMs times the sets of policies that they are under: as many as are in use at one time, not as there may be.
_KEPT = 256
_PASSES = len(BY_CLASS)
Mask = NDArray[np.bool_]
Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Passing:
    """Which nodes pass every filter but room, and what became of the others."""

    rows: Mask
    count: int
    removed: dict[str, int]
    version: int
    # Whose the conditions are: as long as they live here, nobody else has their identity.
    guidelines: tuple[Guideline, ...]
    scores: dict[str, Shares] = field(default_factory=dict)


class Classes:
    """The classes of the nodes of an inventory, by its rows."""

    def __init__(self) -> None:
        self.of_row = np.empty(0, np.int32)
        self.version = 0
        self._numbers: dict[Hashable, int] = {}
        self._likenesses: list[Offer] = []  # one of each class
        self._passing: OrderedDict[Hashable, Passing] = OrderedDict()

    def place(self, offers: Sequence[Offer], rows: Sequence[int]) -> None:
        """These rows are of the classes of these offers; rows may be new."""
        numbers = np.array([self._number(offer) for offer in offers], np.int32)
        places = np.array(rows, np.intp)
        width = max(len(self.of_row), int(places.max(initial=-1)) + 1)
        of_row = np.full(width, -1, np.int32)
        of_row[: len(self.of_row)] = self.of_row
        of_row[places] = numbers
        if not np.array_equal(of_row, self.of_row):
            self.of_row = of_row
            self.version += 1

    def begin_anew(self, offers: Sequence[Offer]) -> None:
        """These are all: classes that nobody is of are forgotten."""
        self._numbers, self._likenesses, self.of_row = {}, [], np.empty(0, np.int32)
        self._passing.clear()
        self.version += 1
        self.place(offers, range(len(offers)))

    @property
    def mostly_empty(self) -> bool:
        """Whether most classes have been left by all their nodes."""
        return len(self._likenesses) > 64 + 2 * len(self.of_row)

    def passing(self, demand: Demand) -> Passing:
        """Which rows pass the filters of :data:`BY_CLASS`."""
        conditions = _conditions(demand)
        known = self._passing.get(conditions)
        if known is not None and known.version == self.version:
            self._passing.move_to_end(conditions)
            return known
        verdicts = np.array([_verdict(one, demand) for one in self._likenesses], np.int8)[self.of_row]
        made = passing(verdicts, self.version, demand)
        self._passing[conditions] = made
        while len(self._passing) > _KEPT:
            self._passing.popitem(last=False)
        return made

    def score(self, of: Callable[[Offer, Demand, Resources], float], demand: Demand) -> Shares:
        """A score that is the same for all nodes of a class, by row."""
        return np.array([of(one, demand, Resources()) for one in self._likenesses], np.float64)[self.of_row]

    def of_named(self, demand: Demand, rows: Sequence[int]) -> Passing:
        """The same where the demand names the one node that it may be: all others are removed by that first."""
        verdicts = np.full(len(self.of_row), -1, np.int8)
        for row in rows:
            verdicts[row] = _verdict(self._likenesses[self.of_row[row]], demand)
        others = len(self.of_row) - len(rows)
        return passing(verdicts, self.version, demand, {"node": others} if others else {})

    def _number(self, offer: Offer) -> int:
        number = self._numbers.setdefault(_traits(offer), len(self._likenesses))
        if number == len(self._likenesses):
            self._likenesses.append(offer)
        return number


def passing(verdicts: NDArray[np.int8], version: int, demand: Demand, removed: dict[str, int] | None = None) -> Passing:
    """What the verdicts say together; a negative one has been counted elsewhere."""
    counts = np.bincount(verdicts[verdicts >= 0], minlength=_PASSES + 1)
    told = (removed or {}) | {name: int(count) for name, count in zip(BY_CLASS, counts, strict=False) if count}
    return Passing(verdicts == _PASSES, int(counts[_PASSES]), told, version, demand.directive.guidelines)


def _verdict(likeness: Offer, demand: Demand) -> int:
    """The number of the first filter that removes it; :data:`_PASSES`: none does."""
    return next((number for number, name in enumerate(BY_CLASS) if not FILTERS[name](likeness, demand)), _PASSES)


def _traits(offer: Offer) -> tuple[Any, ...]:
    return (
        offer.status,
        offer.node_type,
        tuple(offer.hypervisor_types),
        offer.region,
        offer.availability_zone,
        tuple(sorted(offer.labels.items())),
        tuple(offer.taints),
        offer.gpu_type,
    )


def _conditions(demand: Demand) -> tuple[Any, ...]:
    return (
        demand.hypervisor_type,
        demand.region,
        demand.availability_zone,
        tuple(sorted(demand.node_labels.items())),
        demand.tolerations,
        demand.gpu_type,
        tuple(map(id, demand.directive.guidelines)),
    )
