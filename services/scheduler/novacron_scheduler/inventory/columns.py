"""Nodes as columns: a row for each, a number for each dimension, so that one question is asked of all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ..node import NodeStatus
from ..placement import Offer
from ..resources import DIMENSIONS, Resources

Amounts = NDArray[np.int64]  # one row per dimension, one column per node
Rows = NDArray[np.intp]
_WIDTH = len(DIMENSIONS)
STATES = tuple(NodeStatus)


class Columns:
    """What is free of each node, as far as this process knows: what the database said last, less what is being claimed."""

    def __init__(self) -> None:
        self.offers: list[Offer] = []  # as read; what is free now is in the columns
        self.generations = np.empty(0, np.int64)
        self.states = np.empty(0, np.int64)  # places in STATES
        self.failures = np.empty(0, np.float64)
        self.ties = np.empty(0, np.uint32)  # of each node's id
        self.free = np.empty((_WIDTH, 0), np.float64)
        self.whole = np.empty((_WIDTH, 0), np.float64)
        self.capacity = np.empty((_WIDTH, 0), np.float64)
        self.smallest: list[float] = [0.0] * _WIDTH  # of the capacities: what every node is large enough for
        # Grows with everything that was learnt of a row since: a reading that is older knows less.
        self.learnt = np.empty(0, np.int64)
        self.clock = 0
        self._row: dict[UUID | None, int] = {}
        self._row_of_name: dict[str, int] = {}
        self._allocated: Amounts = np.empty((_WIDTH, 0), np.int64)
        self._allocatable: Amounts = np.empty((_WIDTH, 0), np.int64)
        self._held: Amounts = np.empty((_WIDTH, 0), np.int64)

    def __len__(self) -> int:
        return len(self.offers)

    def row(self, node_id: UUID) -> int | None:
        return self._row.get(node_id)

    def named(self, node: str) -> list[int]:
        """The rows of this name or id."""
        found = {self._row_of_name.get(node), self._row.get(_id(node))}
        return sorted(row for row in found if row is not None)

    def put(self, offers: Sequence[Offer]) -> list[int]:
        """Keep nodes as they were read, known ones and new ones; their rows."""
        new = [one for one in offers if one.node_id not in self._row]
        if new:
            self._widen(len(new))
            for row, one in enumerate(new, len(self.offers)):
                self._row[one.node_id] = self._row_of_name[one.name] = row
                self.ties[row] = crc32(one.node_id.bytes)
            self.offers += new
        rows = [self._row[one.node_id] for one in offers]
        for row, one in zip(rows, offers, strict=True):
            self.offers[row] = one
            self.generations[row] = one.generation
            self.states[row] = STATES.index(one.status)
            self.failures[row] = one.failures
            self.capacity[:, row] = one.capacity
            self._learn(row, one.allocatable, one.allocatable.minus(one.free))
        if rows:
            self.smallest = self.capacity.min(axis=1).tolist()
        return rows

    def keep_only(self, node_ids: Iterable[UUID]) -> None:
        """Forget all others."""
        kept = set(node_ids)
        rows = [row for row, offer in enumerate(self.offers) if offer.node_id in kept]
        self.offers = [self.offers[row] for row in rows]
        self._row = {offer.node_id: row for row, offer in enumerate(self.offers)}
        self._row_of_name = {offer.name: row for row, offer in enumerate(self.offers)}
        self._take(np.array(rows, np.intp))

    def learn(self, node_id: UUID, allocatable: Resources, allocated: Resources) -> None:
        """What a statement of this process's own found of a node, or made of it."""
        row = self._row.get(node_id)
        if row is not None:
            self._learn(row, allocatable, allocated)

    def read(self, rows: Rows, allocatable: Amounts, allocated: Amounts, since: int) -> None:
        """What a reading that began at ``since`` saw, but of rows that more has been learnt of meanwhile."""
        old = self.learnt[rows] <= since
        rows = rows[old]
        self._allocatable[:, rows] = allocatable[:, old]
        self._allocated[:, rows] = allocated[:, old]
        self._free_up(rows)

    def hold(self, node_id: UUID, footprint: Resources) -> Offer:
        """Count what is being claimed, so that whoever chooses next sees it gone."""
        row = self._row[node_id]
        self._held[:, row] += footprint
        self.free[:, row] -= footprint
        return self.offers[row]

    def let_go(self, node_id: UUID, footprint: Resources) -> None:
        """The claim was decided: what it took, if anything, the database tells."""
        row = self._row.get(node_id)
        if row is not None:
            # Of a node that went and came back meanwhile nothing is held.
            given = np.minimum(self._held[:, row], footprint)
            self._held[:, row] -= given
            self.free[:, row] += given

    def _learn(self, row: int, allocatable: Resources, allocated: Resources) -> None:
        self.clock += 1
        self.learnt[row] = self.clock
        self._allocatable[:, row] = allocatable
        self._allocated[:, row] = allocated
        self._free_up(row)

    def _free_up(self, rows: Rows | int) -> None:
        taken = self._allocated[:, rows] + self._held[:, rows]
        self.free[:, rows] = self._allocatable[:, rows] - taken
        # Nothing is ever divided by nothing: a node without a dimension does not pass where it is asked for.
        self.whole[:, rows] = np.maximum(self._allocatable[:, rows], 1)

    def _widen(self, by: int) -> None:
        self._take(np.concatenate([np.arange(len(self.offers)), np.zeros(by, np.intp)]) if self.offers else None, by)

    def _take(self, rows: Rows | None, new: int = 0) -> None:
        """Every column with these rows of it; the last ``new`` are new nodes'."""
        for name in (
            "generations",
            "states",
            "failures",
            "ties",
            "learnt",
            "free",
            "whole",
            "capacity",
            "_allocated",
            "_allocatable",
            "_held",
        ):
            column = getattr(self, name)
            if rows is None:
                taken = np.zeros((*column.shape[:-1], new), column.dtype)
            else:
                taken = np.ascontiguousarray(column[..., rows])
                taken[..., len(rows) - new :] = 0
            setattr(self, name, taken)


def _id(node: str) -> UUID | None:
    """As ids are written, and in no other spelling."""
    try:
        return found if str(found := UUID(node)) == node else None
    except ValueError:
        return None
