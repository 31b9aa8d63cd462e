"""The choice of :func:`..placement.rank`, made of all nodes at once: the same candidates, scores and counts.

``placement`` stays the specification, and tells what a refusal tells; a test holds the two against each other. Every number
here is worked out by the same operations in the same order, so that what is equal there is equal here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add
from uuid import UUID
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from .. import placement
from ..placement import KEPT_CANDIDATES, Candidate, Offer, Ranking
from ..policy import AffinityRule, Directive
from ..reservation import Demand, Scored
from ..resources import Resources
from .classes import Classes, Mask, policies
from .columns import Columns, Rows

Shares = NDArray[np.float64]
_CPU, _MEMORY, _GPU = 0, 1, 4
_BLANK = bytes(16)
_SURELY_NEAREST = 0.5 - 1e-6


@dataclass(frozen=True, slots=True)
class _Left:
    """What would be left of some nodes, and the share that this is of what VMs may take of them: a row per dimension."""

    amounts: Shares
    shares: Shares
    taken: list[int]  # the dimensions that the VM takes
    failures: Shares  # not long ago


def _headroom(left: _Left) -> Shares:
    least = np.minimum(left.shares[_CPU], 1.0)
    for number in left.taken:
        np.minimum(least, left.shares[number], out=least)
    return least


def _balance(left: _Left) -> Shares:
    return 1.0 - np.abs(left.shares[_CPU] - left.shares[_MEMORY])


def _gpu_kept(left: _Left) -> Shares:
    gpus = left.amounts[_GPU]
    return np.ones_like(gpus) if _GPU in left.taken else (gpus == 0).astype(np.float64)


def _reliability(left: _Left) -> Shares:
    return 1.0 / (1 + left.failures)


def _packed(left: _Left) -> Shares:
    return 1.0 - _headroom(left)


# As the scores of the same names in placement.
BY_ROOM: dict[str, Callable[[_Left], Shares]] = {
    "headroom": _headroom,
    "balance": _balance,
    "gpu_kept": _gpu_kept,
    "reliability": _reliability,
    "packed": _packed,
}


def _preferred(demand: Demand, nodes: Columns, classes: Classes) -> Shares:
    def share(offer: Offer, asked: Demand) -> float:
        return placement.preferred(offer, asked, Resources())

    return classes.ask(("preferred", policies(demand)), share, demand, np.float64)


def _apart(demand: Demand, nodes: Columns, classes: Classes) -> Shares:
    return classes.by_place(demand.directive.spread)


def _company(demand: Demand, nodes: Columns, classes: Classes) -> Shares:
    said = demand.directive
    rules = [rule for rule in said.affinity if not rule.required]
    return reduce(add, (_keeps(said, rule, nodes, classes) for rule in rules)) / len(rules)


def _keeps(said: Directive, rule: AffinityRule, nodes: Columns, classes: Classes) -> Shares:
    if rule.over != "node":
        return classes.by_place(lambda _, zone: said.keeps(rule, "", zone))
    # Of most nodes the rule knows nothing: they are all as one that nobody is on.
    keeps = np.full(len(nodes), float(said.keeps(rule, "", "")))
    for node_id in said.by_node.get(rule.group, {}):
        row = nodes.row(UUID(node_id))
        if row is not None:
            keeps[row] = said.keeps(rule, node_id, "")
    return keeps


BY_TRAITS: dict[str, Callable[[Demand, Columns, Classes], Shares]] = {
    "preferred": _preferred,
    "apart": _apart,
    "company": _company,
}


def can_rank(demand: Demand) -> bool:
    """Whether this choice is known here: that of a VM which moves, or whose rules must hold between VMs, is not."""
    known = BY_ROOM.keys() | BY_TRAITS.keys()
    return (
        demand.leaves is None
        and not demand.directive.binds_neighbours
        and placement.scores_for(demand.directive).keys() <= known
    )


def rank(demand: Demand, nodes: Columns, classes: Classes) -> Ranking:
    """As :func:`..placement.rank`, but that the closest are not told where nothing fits."""
    passing = classes.passing(demand, nodes.named(demand.node) if demand.node else ())
    rows, amounts = _with_room(demand, nodes, passing.rows)
    short = len(passing.rows) - len(rows)
    removed = passing.removed | ({"resources": short} if short else {})
    if not len(rows):
        return Ranking(len(nodes), 0, (), removed, ())
    factors = _factors(demand, nodes, classes, rows, amounts)
    scores = reduce(add, factors.values())
    best = _best(scores, nodes.ties, rows, _tie(demand))
    told = np.array([scores[best], *(of[best] for of in factors.values())])
    candidates = _candidates(nodes, rows[best].tolist(), list(factors), told)
    return Ranking(len(nodes), len(rows), candidates, removed, ())


def _with_room(demand: Demand, nodes: Columns, rows: Rows) -> tuple[Rows, Shares]:
    """Those of the rows that have room, and what would be left of each."""
    left = nodes.free.take(rows, axis=1)
    left -= np.array(demand.footprint, np.float64)[:, None]
    room = np.minimum.reduce(left) >= 0
    for number, wanted in enumerate(demand.need):
        if wanted > nodes.smallest[number]:
            room &= nodes.capacity[number].take(rows) >= wanted
    (having,) = room.nonzero()
    if len(having) == len(rows):
        return rows, left
    return rows[having], left.take(having, axis=1)


def _factors(demand: Demand, nodes: Columns, classes: Classes, rows: Rows, amounts: Shares) -> dict[str, Shares]:
    taken = [number for number, wanted in enumerate(demand.need) if wanted]
    left = _Left(amounts, amounts / nodes.whole.take(rows, axis=1), taken, nodes.failures[rows])
    factors: dict[str, Shares] = {}
    for name, (weight, _) in placement.scores_for(demand.directive).items():
        score = BY_ROOM[name](left) if name in BY_ROOM else BY_TRAITS[name](demand, nodes, classes)[rows]
        factors[name] = score if weight == 1.0 else weight * score
    return factors


def _best(scores: Shares, ties: NDArray[np.uint32], rows: Rows, tie: int) -> Rows:
    """The places of the best :data:`KEPT_CANDIDATES`, best first; of equal scores those with the lower tie."""
    chosen = np.arange(len(scores))
    if len(scores) > KEPT_CANDIDATES:
        ordered = scores.copy()
        ordered.partition(-KEPT_CANDIDATES)
        bound = ordered[-KEPT_CANDIDATES]
        (chosen,) = (scores >= bound).nonzero()
        if len(chosen) > KEPT_CANDIDATES:
            chosen = _without_late(chosen, scores[chosen] > bound, ties[rows[chosen]] ^ np.uint32(tie))
    return chosen[np.lexsort((ties[rows[chosen]] ^ np.uint32(tie), -scores[chosen]))]


def _without_late(chosen: Rows, above: Mask, ties: NDArray[np.uint32]) -> Rows:
    """As many as are kept: all above the bound, and of the others, which may be thousands, those with the lowest ties."""
    (level,) = (~above).nonzero()
    wanted = KEPT_CANDIDATES - (len(chosen) - len(level))
    return np.concatenate([chosen[above], chosen[level[ties[level].argpartition(wanted - 1)[:wanted]]]])


def _tie(demand: Demand) -> int:
    """``crc32(vm + node)`` is this, xor ``crc32(node)``: the checksum is linear, and the parts may be worked out apart."""
    return crc32(demand.vm_id.bytes + _BLANK) ^ crc32(_BLANK)


def _candidates(nodes: Columns, rows: list[int], names: list[str], told: Shares) -> tuple[Candidate, ...]:
    """``told`` are the scores, and below them a row for each factor."""
    made = []
    for row, (score, *factors) in zip(rows, _rounded(told).T.tolist(), strict=True):
        offer = nodes.offers[row]
        scored = Scored(offer.node_id, offer.name, score, dict(zip(names, factors, strict=True)))
        made.append(Candidate(offer, scored))
    return tuple(made)


def _rounded(values: Shares) -> Shares:
    """As ``round`` has them, to four digits: the nearest of these decimals is one division away, but where two are as near."""
    nearest = np.rint(values * 1e4)
    if np.abs(values * 1e4 - nearest).max() > _SURELY_NEAREST:
        return np.array([[round(value, 4) for value in row] for row in values.tolist()])
    return nearest / 1e4
