"""What a VM's resize takes beyond what it holds, and a refusal in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from novacron.errors import InvalidArgument

from .node import Node, NodeStatus
from .placement import Offer, Ranking
from .quota import Usage
from .reservation import Decision, Demand, Reservation, check_size
from .resources import DIMENSIONS, UNITS, Ratios, Resources


@dataclass(frozen=True, slots=True)
class Standing:
    """The last resize of a VM's place; with ``before`` and ``after`` it is under way."""

    resize_id: UUID | None
    before: Resources | None
    after: Resources | None


def check(held: Reservation, size: Resources, gpu_type: str) -> None:
    """:raises InvalidArgument: no VM is like this, or it would be a VM with other GPUs."""
    check_size(size)
    if (size.gpu_count, gpu_type or held.gpu_type) != (held.resources.gpu_count, held.gpu_type):
        raise InvalidArgument.at("resources.gpu_count", "a resize changes no GPUs: make another VM with them")


@dataclass(frozen=True, slots=True)
class Change:
    """What is claimed: until the resize has ended the VM holds the larger of both sizes in every dimension, and so does what it
    counts for."""

    size: Resources
    extra: Resources  # beyond the present size
    footprint: Resources  # of the new size; what stays as large counts as before
    more: Resources  # of the node, beyond the present footprint

    @classmethod
    def of(cls, held: Reservation, size: Resources, weights: Ratios) -> Change:
        weighed = zip(size, held.resources, held.footprint, weights.footprint(size), strict=True)
        footprint = Resources(*(before if wanted == has else after for wanted, has, before, after in weighed))
        return cls(size, held.resources.lacking(size), footprint, held.footprint.lacking(footprint))

    @property
    def charge(self) -> Usage:
        """What it counts for in the tenant's quota: the VM itself counts already."""
        extra = self.extra
        return Usage(0, extra.cpu_cores, extra.memory_mib, extra.storage_gib, extra.gpu_count)


def demand_of(held: Reservation, decision: Decision | None, size: Resources, weights: Ratios) -> Demand:
    """The VM at its new size on any other node, under the conditions that it was placed by as far as they are remembered."""
    said = decision.constraints if decision is not None else {}
    return Demand(
        vm_id=held.vm_id,
        tenant_id=held.tenant_id,
        need=size,
        gpu_type=held.gpu_type,
        allocation_type=held.allocation_type,
        hypervisor_type=said.get("hypervisor_type", ""),
        region=said.get("region", ""),
        availability_zone=said.get("availability_zone", ""),
        node_labels=said.get("node_labels", {}),
        tolerations=tuple((key, value) for key, value in said.get("tolerations", ())),
        leaves=held.node.node_id,
        groups=tuple(said.get("groups", ())),
        weights=weights,
    )


def lacking(change: Change, held: Reservation, demand: Demand, here: Offer) -> Resources:
    """What the node is short of: of free room, or of the size of the whole host."""
    left = replace(here, free=here.free.plus(held.footprint)).most(demand)
    short = zip(left.lacking(change.size), change.extra, strict=True)
    return Resources(*(lack if wanted else 0 for lack, wanted in short))


def closed(node: Node, status: NodeStatus) -> str:
    """Why a node takes nothing more, whatever room it has; empty: it does."""
    if status is NodeStatus.MAINTENANCE:
        return f"node {node.name}, where the VM is, is in maintenance and takes nothing more: move the VM, or ask again later"
    if status is not NodeStatus.READY:
        return f"node {node.name}, where the VM is, is not ready (no heartbeat): ask again when it is heard"
    return ""


def refused(demand: Demand, short: Resources, here: Offer, ranking: Ranking, elsewhere: str) -> str:
    """What is missing where the VM is, and whether it would fit anywhere else."""
    free, whole = demand.most(here.free), demand.most(here.allocatable)
    parts = [
        f"{lack} {UNITS[name]} (free beside what the VM holds: {have} of {all_})"
        for name, lack, have, all_ in zip(DIMENSIONS, short, free, whole, strict=True)
        if lack
    ]
    text = f"node {here.name}, where the VM is, does not take {demand.need.told()}: it lacks {' and '.join(parts)}"
    if ranking.candidates:
        other = ranking.candidates[0].offer.name
        return f"{text}; a move would help: {other} takes the VM at that size, have it moved there and resize it then"
    return f"{text}; a move would not help: {elsewhere}"


def facts(short: Resources, here: Offer, ranking: Ranking) -> dict[str, str]:
    """A refusal for programs: the error's metadata. ``move_to`` is a node that takes the VM at its new size."""
    told = {"node": here.name} | {f"lacking.{name}": str(lack) for name, lack in short._asdict().items() if lack}
    return told | ({"move_to": ranking.candidates[0].offer.name} if ranking.candidates else {})
