"""The choice of a node: filters, then weighted scores. Pure functions over a snapshot; the claim is the database's.

A filter removes a node for the first reason that it finds, in the order of :data:`FILTERS`: the counts in a decision add up to
the nodes that were looked at.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from .node import NodeStatus, NodeType, Taint
from .reservation import Demand, Scored
from .resources import Resources

ALGORITHM = "filter-score-v1"
KEPT_CANDIDATES = 10


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
    labels: dict[str, str]
    taints: Sequence[Taint]
    gpu_type: str
    # Never more than the host has: a ratio above 1 shares a host between VMs, and makes none larger than it.
    free: Resources
    allocatable: Resources


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


def _resources(offer: Offer, demand: Demand) -> bool:
    return not any(offer.free.lacking(demand.need))


FILTERS: dict[str, Callable[[Offer, Demand], bool]] = {
    "maintenance": _maintenance,
    "not_ready": _not_ready,
    "node_type": _node_type,
    "hypervisor_type": _hypervisor_type,
    "region": _region,
    "availability_zone": _availability_zone,
    "labels": _labels,
    "taints": _taints,
    "gpu_type": _gpu_type,
    # Last, so that what it removes lacks nothing but room: the closest of these is what a refusal tells.
    "resources": _resources,
}


def headroom(offer: Offer, demand: Demand) -> float:
    """Share left of the scarcest dimension that the VM takes, 0 to 1: VMs spread, and no dimension runs out early."""
    left = offer.free.minus(demand.need)
    shares = (
        rest / whole
        for rest, whole, wanted in zip(left, offer.allocatable, demand.need, strict=True)
        if wanted and whole
    )
    return min(shares, default=0.0)


def balance(offer: Offer, demand: Demand) -> float:
    """1 where vCPU and memory would be used alike, 0 where one is used up and the other idle: neither is stranded."""
    left = offer.free.minus(demand.need)
    cpu = left.cpu_cores / max(offer.allocatable.cpu_cores, 1)
    memory = left.memory_mib / max(offer.allocatable.memory_mib, 1)
    return 1.0 - min(abs(cpu - memory), 1.0)


def gpu_kept(offer: Offer, demand: Demand) -> float:
    """0 where a VM without GPUs would sit on a node with free ones, else 1."""
    return 1.0 if demand.need.gpu_count or not offer.free.gpu_count else 0.0


# Each score is between 0 and 1; a node's score is their weighted sum.
SCORES: dict[str, tuple[float, Callable[[Offer, Demand], float]]] = {
    "headroom": (1.0, headroom),
    "balance": (0.5, balance),
    "gpu_kept": (1.0, gpu_kept),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that passed every filter."""

    offer: Offer
    scored: Scored


@dataclass(frozen=True, slots=True)
class Closest:
    """The node that lacked least, of those that lacked nothing but room."""

    offer: Offer
    lacking: Resources


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a demand and a snapshot say: the candidates, best first, and what became of the others."""

    looked_at: int
    fitting: int
    candidates: tuple[Candidate, ...]  # the best KEPT_CANDIDATES of those that fit
    removed_by_filter: dict[str, int]
    closest: Closest | None


def rank(demand: Demand, offers: Sequence[Offer]) -> Ranking:
    """Filter and score every offer. Equal scores are told apart by VM and node together, so that VMs that come at once do
    not all queue for the same node."""
    removed: dict[str, int] = {}
    fitting: list[Candidate] = []
    short: list[Closest] = []
    for offer in offers:
        reason = _removed_by(offer, demand)
        if reason is None:
            fitting.append(Candidate(offer, _scored(offer, demand)))
            continue
        removed[reason] = removed.get(reason, 0) + 1
        if reason == "resources":
            short.append(Closest(offer, offer.free.lacking(demand.need)))
    best = heapq.nsmallest(KEPT_CANDIDATES, fitting, key=lambda one: _order(one, demand))
    closest = min(short, key=lambda one: _distance(one, demand), default=None) if not fitting else None
    return Ranking(len(offers), len(fitting), tuple(best), removed, closest)


def _removed_by(offer: Offer, demand: Demand) -> str | None:
    return next((name for name, passes in FILTERS.items() if not passes(offer, demand)), None)


def _scored(offer: Offer, demand: Demand) -> Scored:
    factors = {name: round(weight * score(offer, demand), 4) for name, (weight, score) in SCORES.items()}
    return Scored(offer.node_id, offer.name, round(sum(factors.values()), 4), factors)


def _order(candidate: Candidate, demand: Demand) -> tuple[float, int]:
    return -candidate.scored.score, zlib.crc32(demand.vm_id.bytes + candidate.offer.node_id.bytes)


def _distance(closest: Closest, demand: Demand) -> tuple[float, str]:
    """How much of what is needed is missing, summed over the dimensions; the name makes the telling stable."""
    parts = (lack / wanted for lack, wanted in zip(closest.lacking, demand.need, strict=True) if wanted)
    return sum(parts), closest.offer.name
