"""Nodes that no condition tells apart, looked at once.

All that the filters see of a node but its room is the same for many nodes: they are of one class. A question, such as whether a
region is the one that is asked for, is put once to each class, and the answer holds for every node of it, until one
changes its class. (Nomad computes classes of nodes to the same end.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..placement import FILTERS, Offer
from ..reservation import Demand

# What VMs ask for, value by value, and not in all their combinations: a few dozen in use at a time.
_KEPT = 1024
# Of whole demands, whose combinations are many; each is as long as the inventory.
_KEPT_PASSINGS = 256
_BY_NODE = ("elsewhere", "node", "resources")
Column = NDArray[Any]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]
Questions = tuple[tuple[str, Hashable], ...]

# What a filter asks of a class because of this demand; None: nothing, every node passes.
_QUESTIONS: dict[str, Callable[[Demand], Hashable | None]] = {
    "maintenance": lambda _: (),
    "not_ready": lambda _: (),
    "node_type": lambda _: (),
    "hypervisor_type": lambda demand: demand.hypervisor_type or None,
    "region": lambda demand: demand.region or None,
    "availability_zone": lambda demand: demand.availability_zone or None,
    "labels": lambda demand: tuple(sorted(demand.node_labels.items())) or None,
    "taints": lambda demand: demand.tolerations,
    "gpu_type": lambda demand: demand.gpu_type or None,
    "policy": lambda demand: policies(demand) or None,
    # Of rules that must hold between VMs nothing is known here: whoever has one is not chosen for by this.
    "affinity": lambda _: None,
}


def _questions(demand: Demand) -> Questions:
    """All that is asked of a class, filter by filter: equal for demands that pass and fail everywhere alike."""
    asked = ((name, _QUESTIONS[name](demand)) for name in FILTERS if name not in _BY_NODE)
    return tuple((name, question) for name, question in asked if question is not None)


def policies(demand: Demand) -> tuple[int, ...]:
    """Equal for demands under the same policies, while these live."""
    return tuple(map(id, demand.directive.guidelines))


@dataclass(frozen=True, slots=True)
class Passing:
    """Which nodes pass every filter but room, and what became of the others."""

    rows: Rows
    removed: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Passed:
    passing: Passing
    version: int
    asked_for: Demand  # as of answers


@dataclass(slots=True)
class _Answers:
    by_class: Column
    by_row: Column
    version: int
    asked_for: Demand | None  # keeps alive whatever the question names by identity


class Classes:
    """The classes of the nodes of an inventory, by its rows."""

    def __init__(self) -> None:
        self.of_row = np.empty(0, np.int32)
        self._version = 0
        self._numbers: dict[Hashable, int] = {}
        self._likenesses: list[Offer] = []  # one of each class
        self._answers: OrderedDict[Hashable, _Answers] = OrderedDict()
        self._passed: OrderedDict[Questions, _Passed] = OrderedDict()
        self._places: dict[tuple[str, str], int] = {}
        self._inhabited: tuple[int, list[tuple[str, str]]] = (-1, [])

    def assign(self, offers: Sequence[Offer], rows: Sequence[int]) -> None:
        """These rows are of the classes of these offers; rows may be new."""
        places = np.array(rows, np.intp)
        width = max(len(self.of_row), int(places.max(initial=-1)) + 1)
        of_row = np.full(width, -1, np.int32)
        of_row[: len(self.of_row)] = self.of_row
        of_row[places] = [self._number(offer) for offer in offers]
        if not np.array_equal(of_row, self.of_row):
            self.of_row = of_row
            self._version += 1

    def begin_anew(self, offers: Sequence[Offer]) -> None:
        """These are all: classes that nobody is of are forgotten."""
        self.of_row = np.empty(0, np.int32)
        self._version += 1
        for known in (self._numbers, self._likenesses, self._answers, self._passed, self._places):
            known.clear()
        self.assign(offers, range(len(offers)))

    @property
    def mostly_empty(self) -> bool:
        """Whether most classes have been left by all their nodes."""
        return len(self._likenesses) > 64 + 2 * len(self.of_row)

    def passing(self, demand: Demand, named: Sequence[int]) -> Passing:
        """Which rows pass every filter but room; ``named`` are those that the demand allows if it names a node."""
        if demand.node:
            return self._passing(demand, _questions(demand), named)
        questions = _questions(demand)
        known = self._passed.get(questions)
        if known is None or known.version != self._version:
            known = self._passed[questions] = _Passed(self._passing(demand, questions, None), self._version, demand)
            if len(self._passed) > _KEPT_PASSINGS:
                self._passed.popitem(last=False)
        self._passed.move_to_end(questions)
        return known.passing

    def _passing(self, demand: Demand, questions: Questions, named: Sequence[int] | None) -> Passing:
        rows, count, removed = np.ones(len(self.of_row), np.bool_), len(self.of_row), {}
        if named is not None:
            rows[:] = False
            rows[list(named)] = True
            removed["node"], count = count - len(named), len(named)
        for name, asked in questions:
            rows &= self.ask((name, asked), FILTERS[name], demand, np.bool_)
            left = int(np.count_nonzero(rows))
            removed[name], count = count - left, left
        return Passing(np.flatnonzero(rows), {name: number for name, number in removed.items() if number})

    def ask(self, question: Hashable, of: Callable[[Offer, Any], Any], demand: Demand | None, kind: type) -> Column:
        """The answer of each row's class."""
        known = self._answers.get(question)
        if known is None:
            known = self._answers[question] = _Answers(np.empty(0, kind), np.empty(0, kind), -1, demand)
            if len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
        self._answers.move_to_end(question)
        if known.version != self._version:
            new = [of(one, demand) for one in self._likenesses[len(known.by_class) :]]
            known.by_class = np.concatenate([known.by_class, np.array(new, kind)])
            known.by_row, known.version = known.by_class[self.of_row], self._version
        return known.by_row

    def by_place(self, of: Callable[[str, str], float]) -> Column:
        """What is the same for all nodes of a region and zone, by row."""
        numbers = self._place_of_row()
        values = np.zeros(len(self._places), np.float64)
        for place in self.places():
            values[self._places[place]] = of(*place)
        return values[numbers]

    def places(self) -> list[tuple[str, str]]:
        """Regions and zones in which there are nodes."""
        if self._inhabited[0] != self._version:
            numbers = np.unique(self._place_of_row()).tolist()
            known = list(self._places)
            used = [known[number] for number in numbers]
            self._inhabited = self._version, used
        return self._inhabited[1]

    def _place_of_row(self) -> Column:
        def number(offer: Offer, _: Demand | None) -> int:
            return self._places.setdefault((offer.region, offer.availability_zone), len(self._places))

        return self.ask("place", number, None, np.int32)

    def _number(self, offer: Offer) -> int:
        number = self._numbers.setdefault(_traits(offer), len(self._likenesses))
        if number == len(self._likenesses):
            self._likenesses.append(offer)
        return number


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
