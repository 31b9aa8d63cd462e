"""Many VMs placed together: one after the other, each beside those before it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from novacron.errors import (
    FieldViolation,
    InvalidArgument,
    NoCapacity,
    NovacronError,
    QuotaExceeded,
)

from . import explanation, placement, quota
from .inventory.classes import Classes
from .inventory.columns import Columns
from .inventory.ranking import can_rank, rank
from .placement import Offer, Ranking
from .policy import Directive, Neighbours
from .quota import Quota
from .remedy import remedies
from .reservation import Demand, Reservation
from .resources import Resources

_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one VM of a batch: what it holds, or why nothing."""

    vm_id: UUID
    reservation: Reservation | None
    error: NovacronError | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a VM of a batch shall be, or why it can be nowhere."""

    demand: Demand
    ranking: Ranking
    error: NovacronError | None


def check(demands: Sequence[Demand]) -> None:
    """:raises InvalidArgument: naming each request that cannot be part of a batch."""
    wrong: list[FieldViolation] = []
    seen: set[UUID] = set()
    for number, demand in enumerate(demands):
        at = f"requests[{number}]"
        if demand.vm_id in seen:
            wrong.append(FieldViolation(f"{at}.vm_id", "the VM is in this batch already"))
        if demand.tenant_id != demands[0].tenant_id:
            wrong.append(FieldViolation(f"{at}.tenant_id", "a batch is of one tenant's VMs"))
        if demand.move_id is not None:
            wrong.append(FieldViolation(f"{at}.move_id", "a batch claims first places: moves are claimed one by one"))
        seen.add(demand.vm_id)
        try:
            demand.check()
        except InvalidArgument as error:
            wrong += [FieldViolation(f"{at}.{one.field}", one.description) for one in error.violations]
    if wrong:
        text = "; ".join(f"{one.field}: {one.description}" for one in wrong[:_MOST_TOLD])
        raise InvalidArgument(text, violations=wrong)


def largest_first(demands: Sequence[Demand], offers: Sequence[Offer]) -> list[Demand]:
    """By the share that they take of all that there is, in the dimension of which they take most: what is hard to place comes
    while there is room. (First fit decreasing; equal ones keep their order.)"""
    whole = [sum(amounts) for amounts in zip(*(one.allocatable for one in offers), strict=True)]

    def share(demand: Demand) -> float:
        return max((need / all_ for need, all_ in zip(demand.footprint, whole, strict=False) if all_), default=0.0)

    return sorted(demands, key=share, reverse=True)


class _Rooms:
    """All nodes, as they are with those on them that were placed before."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        self._rooms = {one.node_id: one for one in offers}
        self._nodes, self._classes = Columns(), Classes()
        self._classes.assign(offers, self._nodes.put(offers))

    @property
    def offers(self) -> list[Offer]:
        return list(self._rooms.values())

    def rank(self, demand: Demand) -> Ranking:
        """As :func:`placement.rank`, of all nodes at once where that can be. Why nothing fits is told node by node."""
        if can_rank(demand):
            ranking = rank(demand, self._nodes, self._classes)
            if ranking.candidates:
                return ranking
        return placement.rank(demand, self.offers)

    def take(self, node_id: UUID, footprint: Resources) -> Offer:
        """The node as it was before this was taken of it."""
        before = self._rooms[node_id]
        self._rooms[node_id] = replace(before, free=before.free.minus(footprint))
        self._nodes.hold(node_id, footprint)
        return before


def plan(demands: Sequence[Demand], offers: Sequence[Offer], allowed: Quota | None) -> list[Verdict]:
    """A place for each in turn, as if those before it had claimed theirs, in rooms, quota and their tenant's rules alike."""
    rooms = _Rooms(offers)
    placed: list[tuple[Demand, Offer]] = []
    verdicts: list[Verdict] = []
    for asked in demands:
        demand = replace(asked, directive=_beside(asked.directive, placed))
        ranking = rooms.rank(demand)
        error = _error(demand, ranking, rooms, allowed)
        verdicts.append(Verdict(demand, ranking, error))
        if error is None:
            node_id = ranking.candidates[0].offer.node_id
            placed.append((demand, rooms.take(node_id, demand.footprint)))
            allowed = allowed.with_use(quota.charge(demand.need)) if allowed else None
    return verdicts


def refused(outcomes: Sequence[Outcome]) -> NovacronError:
    """The one error of a batch that is refused whole: the class of its first VM's, and the words of the first few."""
    lost = [(one.vm_id, one.error) for one in outcomes if one.error is not None]
    told = "; ".join(f"VM {vm_id}: {error.message}" for vm_id, error in lost[:_MOST_TOLD])
    rest = f"; and {len(lost) - _MOST_TOLD} more" if len(lost) > _MOST_TOLD else ""
    kind = type(lost[0][1])
    words = f"{len(lost)} of {len(outcomes)} VMs cannot be reserved, so none is: {told}{rest}"
    facts = {"refused": str(len(lost)), "vms": str(len(outcomes)), "vm_id": str(lost[0][0])}
    return kind(words, metadata=lost[0][1].metadata | facts)


def _error(demand: Demand, ranking: Ranking, rooms: _Rooms, allowed: Quota | None) -> NovacronError | None:
    if not ranking.candidates:
        helping = remedies(demand, rooms.offers)
        words = explanation.refused(demand, ranking, helping)
        return NoCapacity(words, metadata=explanation.facts(ranking, helping))
    excesses = allowed.exceeded_by(quota.charge(demand.need)) if allowed else ()
    return QuotaExceeded(quota.refused(excesses), metadata=quota.facts(excesses)) if excesses else None


def _beside(said: Directive, placed: Sequence[tuple[Demand, Offer]]) -> Directive:
    """What the policies say when these, of the same tenant, are where they shall be."""
    if not said.looks_at_neighbours or not placed:
        return said
    groups = [("", *demand.groups) for demand, _ in placed]
    return replace(
        said,
        by_node=_joined(said.by_node, groups, [str(offer.node_id) for _, offer in placed]),
        by_zone=_joined(said.by_zone, groups, [offer.availability_zone for _, offer in placed]),
        by_region=_joined(said.by_region, groups, [offer.region for _, offer in placed]),
    )


def _joined(known: Neighbours, groups: Sequence[Sequence[str]], places: Sequence[str]) -> Neighbours:
    counts = {group: Counter(there) for group, there in known.items()}
    for names, place in zip(groups, places, strict=True):
        for group in names:
            counts.setdefault(group, Counter())[place] += 1
    return counts
