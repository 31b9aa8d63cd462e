"""The choice of a node: filters, then weighted scores. Pure functions over a snapshot; the claim is the database's.

This is what a choice is, one node at a time; :mod:`.inventory` makes the same choice of ten thousand at once.

A filter removes a node for the first reason that it finds, in the order of :data:`FILTERS`: the counts in a decision add up to
the nodes that were looked at.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, itemgetter
from typing import NamedTuple, Protocol
from uuid import UUID

from .node import NodeStatus, NodeType, Taint
from .policy import Directive
from .reservation import Demand, Scored
from .resources import Resources

ALGORITHM = "filter-score-v1"
KEPT_CANDIDATES = 5  # as many as Nomad keeps the scores of
KEPT_CLOSEST = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """What placement sees of a node, at one instant."""

    node_id: UUID
    name: str
    generation: int
    status: NodeStatus
    node_type: NodeType
    hypervisor_types: Sequence[str]
    region: str
    availability_zone: str
    labels: Mapping[str, str]
    taints: Sequence[Taint]
    gpu_type: str
    # Footprints: a ratio above 1 shares a host between VMs.
    free: Resources
    allocatable: Resources
    capacity: Resources  # what the host has: no ratio makes a VM larger than it
    failures: int = 0  # that are not long ago

    def most(self, demand: Demand) -> Resources:
        """The most of each dimension that such a VM could be given now."""
        return Resources(*map(min, demand.most(self.free), self.capacity))

    def lacking(self, demand: Demand) -> Resources:
        """How much less such a VM would have to ask for to fit."""
        return self.most(demand).lacking(demand.need)


def _elsewhere(offer: Offer, demand: Demand) -> bool:
    return offer.node_id != demand.leaves


def _node(offer: Offer, demand: Demand) -> bool:
    return not demand.node or demand.node in (offer.name, str(offer.node_id))


def _maintenance(offer: Offer, _: Demand) -> bool:
    return offer.status != NodeStatus.MAINTENANCE


def _not_ready(offer: Offer, _: Demand) -> bool:
    return offer.status == NodeStatus.READY


def _node_type(offer: Offer, _: Demand) -> bool:
    return offer.node_type.runs_vms


def _hypervisor_type(offer: Offer, demand: Demand) -> bool:
    return not demand.hypervisor_type or demand.hypervisor_type in offer.hypervisor_types


def _region(offer: Offer, demand: Demand) -> bool:
    return not demand.region or demand.region == offer.region


def _availability_zone(offer: Offer, demand: Demand) -> bool:
    return not demand.availability_zone or demand.availability_zone == offer.availability_zone


def _labels(offer: Offer, demand: Demand) -> bool:
    return all(offer.labels.get(key) == value for key, value in demand.node_labels.items())


def _taints(offer: Offer, demand: Demand) -> bool:
    return all(taint in demand.tolerations for taint in offer.taints)


def _gpu_type(offer: Offer, demand: Demand) -> bool:
    return not demand.gpu_type or demand.gpu_type == offer.gpu_type


def _policy(offer: Offer, demand: Demand) -> bool:
    said = demand.directive
    return not said.guidelines or not said.forbidding(offer.labels, offer.region, offer.availability_zone)


def _affinity(offer: Offer, demand: Demand) -> bool:
    return not demand.directive.guidelines or _kept(offer, demand, required=True) == 1.0


def _resources(offer: Offer, demand: Demand) -> bool:
    return offer.free.covers(demand.footprint) and offer.capacity.covers(demand.need)


FILTERS: dict[str, Callable[[Offer, Demand], bool]] = {
    "elsewhere": _elsewhere,
    "node": _node,
    "maintenance": _maintenance,
    "not_ready": _not_ready,
    "node_type": _node_type,
    "hypervisor_type": _hypervisor_type,
    "region": _region,
    "availability_zone": _availability_zone,
    "labels": _labels,
    "taints": _taints,
    "gpu_type": _gpu_type,
    "policy": _policy,
    "affinity": _affinity,
    # Last, so that what it removes lacks nothing but room: the closest of these are what a refusal tells.
    "resources": _resources,
}


# Scores see the offer, the demand, and what would be left of the one after the other has its footprint there.


def headroom(offer: Offer, demand: Demand, left: Resources) -> float:
    """Share left of the scarcest dimension that the VM takes, 0 to 1: VMs spread, and no dimension runs out early."""
    shares = (rest / whole for rest, whole, wanted in zip(left, offer.allocatable, demand.need, strict=True) if wanted)
    return min(1.0, *shares)


def balance(offer: Offer, demand: Demand, left: Resources) -> float:
    """1 where vCPU and memory would be used alike, 0 where one is used up and the other idle: neither is stranded."""
    whole = offer.allocatable
    return 1.0 - abs(left.cpu_cores / whole.cpu_cores - left.memory_mib / whole.memory_mib)


def gpu_kept(offer: Offer, demand: Demand, left: Resources) -> float:
    """0 where a VM without GPUs would sit on a node with free ones, else 1."""
    return 1.0 if demand.need.gpu_count or not left.gpu_count else 0.0


def reliability(offer: Offer, demand: Demand, left: Resources) -> float:
    """1 where nothing has failed lately, and less with each failure: 1/2, 1/3, ..."""
    return 1.0 / (1 + offer.failures)


def packed(offer: Offer, demand: Demand, left: Resources) -> float:
    """The less is left, the better: nodes fill up one by one, and whole ones stay free."""
    return 1.0 - headroom(offer, demand, left)


def preferred(offer: Offer, demand: Demand, left: Resources) -> float:
    """Share of the labels that the policies prefer."""
    wanted = demand.directive.preferred
    return sum(offer.labels.get(key) == value for key, value in wanted.items()) / len(wanted)


def apart(offer: Offer, demand: Demand, left: Resources) -> float:
    """1 in the zone or region with the fewest of the VM's own, 0 in the one with the most."""
    return demand.directive.spread(offer.region, offer.availability_zone)


def company(offer: Offer, demand: Demand, left: Resources) -> float:
    """Share of the rules about other VMs, of those that need not hold, that would."""
    return _kept(offer, demand, required=False)


def _kept(offer: Offer, demand: Demand, *, required: bool) -> float:
    rules = [rule for rule in demand.directive.affinity if rule.required is required]
    kept = (demand.directive.keeps(rule, str(offer.node_id), offer.availability_zone) for rule in rules)
    return sum(kept) / len(rules) if rules else 1.0


# Each score is between 0 and 1; a node's score is their weighted sum.
Score = tuple[float, Callable[[Offer, Demand, Resources], float]]
SCORES: dict[str, Score] = {
    "headroom": (1.0, headroom),
    "balance": (0.5, balance),
    "gpu_kept": (1.0, gpu_kept),
    "reliability": (1.0, reliability),
}


def scores_for(said: Directive) -> dict[str, Score]:
    """The scores that count for a VM of these policies. What a policy asks for outweighs how well a node is used."""
    if not said.guidelines:
        return SCORES
    scores = dict(SCORES)
    if said.strategy == "binpack":
        scores["packed"] = scores.pop("headroom")[0], packed
    if said.preferred:
        scores["preferred"] = 2.0, preferred
    if said.spread_over:
        scores["apart"] = 2.0, apart
    if any(not rule.required for rule in said.affinity):
        scores["company"] = 2.0, company
    return scores


class Place(Protocol):
    """What a claim names of a node."""

    @property
    def node_id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def generation(self) -> int: ...


class Candidate(NamedTuple):
    """A node that passed every filter."""

    offer: Place
    scored: Scored


@dataclass(frozen=True, slots=True)
class Closest:
    """A node that lacked nothing but room, and how much of it."""

    offer: Offer
    free: Resources  # as this VM could have it
    lacking: Resources


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a demand and a snapshot say: the candidates, best first, and what became of the others."""

    looked_at: int
    fitting: int
    candidates: tuple[Candidate, ...]  # the best KEPT_CANDIDATES of those that fit
    removed_by_filter: dict[str, int]
    closest: tuple[Closest, ...]  # those that lacked least, least first; none when something fits


NOTHING_LOOKED_AT = Ranking(0, 0, (), {}, ())


def rank(demand: Demand, offers: Sequence[Offer]) -> Ranking:
    """Filter and score every offer. Equal scores are told apart by VM and node together, so that VMs that come at once do
    not all queue for the same node."""
    scores = scores_for(demand.directive)
    removed: dict[str, int] = {}
    fitting: list[tuple[float, int, Offer]] = []
    short: list[Offer] = []
    for offer in offers:
        for reason, passes in FILTERS.items():
            if not passes(offer, demand):
                removed[reason] = removed.get(reason, 0) + 1
                if reason == "resources":
                    short.append(offer)
                break
        else:
            tie = zlib.crc32(demand.vm_id.bytes + offer.node_id.bytes)
            fitting.append((-total(_factors(offer, demand, scores)), tie, offer))
    best = heapq.nsmallest(KEPT_CANDIDATES, fitting, key=itemgetter(0, 1))
    candidates = tuple(Candidate(offer, _scored(offer, demand, scores)) for _, _, offer in best)
    lacking = [] if fitting else [Closest(offer, offer.most(demand), offer.lacking(demand)) for offer in short]
    closest = tuple(heapq.nsmallest(KEPT_CLOSEST, lacking, key=_distance(demand)))
    counted = {name: removed[name] for name in FILTERS if name in removed}
    return Ranking(len(offers), len(fitting), candidates, counted, closest)


def total(factors: Iterable[float]) -> float:
    """The sum, added up from the first to the last: ``sum`` rounds otherwise from one Python to the next, and equal scores
    must be equal wherever they are worked out."""
    return reduce(add, factors)


def _factors(offer: Offer, demand: Demand, scores: Mapping[str, Score]) -> list[float]:
    left = offer.free.minus(demand.footprint)
    return [weight * score(offer, demand, left) for weight, score in scores.values()]


def _scored(offer: Offer, demand: Demand, scores: Mapping[str, Score]) -> Scored:
    factors = _factors(offer, demand, scores)
    told = {name: round(factor, 4) for name, factor in zip(scores, factors, strict=True)}
    return Scored(offer.node_id, offer.name, round(total(factors), 4), told)


def _distance(demand: Demand) -> Callable[[Closest], tuple[float, str]]:
    """How much of what is needed is missing, summed over the dimensions; the name makes the telling stable."""

    def of(closest: Closest) -> tuple[float, str]:
        parts = (lack / wanted for lack, wanted in zip(closest.lacking, demand.need, strict=True) if wanted)
        return sum(parts), closest.offer.name

    return of
