"""Decisions in words: what a user reads who asks why a VM is where it is, or why it is nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .placement import Candidate, Closest, Ranking
from .policy import PlacementConstraints
from .preemption import Preemption
from .remedy import Remedy
from .reservation import Demand
from .resources import DIMENSIONS, UNITS

_MOST_LABELS = 3
_MOST_YIELDING = 5
_REMOVED: dict[str, Callable[[Demand], str]] = {
    "elsewhere": lambda _: "where it is now",
    "node": lambda demand: f"other than {demand.node}",
    "maintenance": lambda _: "in maintenance",
    "not_ready": lambda _: "not ready (no heartbeat)",
    "node_type": lambda _: "not for VMs",
    "hypervisor_type": lambda demand: f"without the hypervisor {demand.hypervisor_type}",
    "region": lambda demand: f"outside the region {demand.region}",
    "availability_zone": lambda demand: f"outside the zone {demand.availability_zone}",
    "labels": lambda demand: f"without the labels {_labels(demand.node_labels)}",
    "taints": lambda _: "with a taint that is not tolerated",
    "gpu_type": lambda demand: f"without GPUs of the type {demand.gpu_type}",
    "policy": lambda demand: f"against the policy {_policies(demand)}",
    "affinity": lambda demand: f"against the rules between VMs of the policy {_policies(demand, ruled=True)}",
    "resources": lambda _: "short of room",
}


def chosen(demand: Demand, ranking: Ranking, candidate: Candidate) -> str:
    """Why this node."""
    place = ranking.candidates.index(candidate)
    scored = candidate.scored
    factors = ", ".join(f"{name} {value:.2f}" for name, value in scored.factors.items())
    among = f"of {ranking.fitting} that fit ({_nodes(demand, ranking)})"
    late = "" if place == 0 else "; those before it filled up meanwhile"
    standing = f"{'the best' if place == 0 else f'number {place + 1}'} {among}{late}"
    return f"{scored.name}: score {scored.score:.2f} ({factors}), {standing}"


def preempting(demand: Demand, ranking: Ranking, made: Preemption) -> str:
    """Who gives way, and why somebody has to."""
    told = ", ".join(one.told for one in made.yielding[:_MOST_YIELDING])
    left = len(made.yielding) - _MOST_YIELDING
    return (
        f"{made.offer.name}: preempts {told}{f' and {left} more' if left > 0 else ''}, as the policy"
        f" {demand.directive.preempting} lets priority {demand.priority} do; no node has the room free"
        f" ({_nodes(demand, ranking)})"
    )


def refused(demand: Demand, ranking: Ranking, remedies: Sequence[Remedy]) -> str:
    """Why no node, and what would help."""
    asked = demand.need.told() + (f" of the type {demand.gpu_type}" if demand.gpu_type else "")
    if not ranking.looked_at:
        return f"no node takes {asked}: none is registered; start an agent, and `novacron node list` shows it"
    text = f"no node takes {asked} ({_nodes(demand, ranking)})"
    if ranking.closest:
        text += f"; the closest, {', then '.join(_closest(one, demand) for one in ranking.closest)}"
    if demand.may_preempt:
        text += f", nor would it fit if all VMs of a priority below {demand.priority} gave way"
    return f"{text}: {_would_fit(remedies)}"


def facts(ranking: Ranking, remedies: Sequence[Remedy]) -> dict[str, str]:
    """A refusal for programs: the error's metadata."""
    told = {"nodes": str(ranking.looked_at)}
    told |= {f"removed.{name}": str(count) for name, count in ranking.removed_by_filter.items()}
    for closest in ranking.closest[:1]:
        told["closest_node"] = closest.offer.name
        told |= {f"lacking.{name}": str(lack) for name, lack in closest.lacking._asdict().items() if lack}
    return told | {f"remedy.{number}": remedy.words for number, remedy in enumerate(remedies, 1)}


def _policies(demand: Demand, *, ruled: bool = False) -> str:
    names = [
        one.name
        for one in demand.directive.guidelines
        if (any(rule.required for rule in one.affinity) if ruled else one.constraints != PlacementConstraints())
    ]
    return ", ".join(names[:_MOST_LABELS]) + (", ..." if len(names) > _MOST_LABELS else "")


def _labels(labels: dict[str, str]) -> str:
    # A status travels in headers, which are short: a few labels tell enough.
    told = [f"{key}={value}" for key, value in sorted(labels.items())]
    return ", ".join(told[:_MOST_LABELS]) + (", ..." if len(told) > _MOST_LABELS else "")


def _nodes(demand: Demand, ranking: Ranking) -> str:
    count = "1 node" if ranking.looked_at == 1 else f"{ranking.looked_at} nodes"
    parts = [f"{number} {_REMOVED[name](demand)}" for name, number in ranking.removed_by_filter.items()]
    return f"{count}: {', '.join(parts)}" if parts else count


def _would_fit(remedies: Sequence[Remedy]) -> str:
    *others, last = [remedy.words for remedy in remedies] or [""]
    if not last:
        return "no smaller VM and no other condition would fit; release VMs or add a node"
    return f"it would fit {', '.join(others)}{', or ' if others else ''}{last}"


def _closest(closest: Closest, demand: Demand) -> str:
    """What is free is told as this VM could have it: of a shared host a guaranteed VM can have less."""
    offer, whole = closest.offer, demand.most(closest.offer.allocatable)
    parts = [
        f"{lack} {UNITS[name]} (free: {have} of {all_})"
        for name, lack, have, all_ in zip(DIMENSIONS, closest.lacking, closest.free, whole, strict=True)
        if lack
    ]
    return f"{offer.name}, lacks " + " and ".join(parts)
