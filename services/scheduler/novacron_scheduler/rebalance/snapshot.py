"""Hosts and the VMs on them at one instant, as a rebalance sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from novacron.errors import InvalidArgument

from ..placement import Offer
from ..reservation import Demand
from ..resources import Resources


class Load(NamedTuple):
    """What is used, in cores and MiB: measured, where a claim is only promised."""

    cpu_cores: float = 0.0
    memory_mib: float = 0.0


@dataclass(frozen=True, slots=True)
class Host:
    """A node: what it offers to claims, and what it really has for the load to be measured against."""

    offer: Offer
    capacity: Resources


@dataclass(frozen=True, slots=True)
class Held:
    """A VM where it is. ``movable`` is false while a saga holds it, and for what its owner pinned."""

    demand: Demand
    node_id: UUID
    load: Load
    movable: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every VM of every host: one that is left out would be taken for room."""

    hosts: Sequence[Host]
    held: Sequence[Held]

    def check(self) -> None:
        """:raises InvalidArgument: it contradicts itself."""
        nodes = [host.offer.node_id for host in self.hosts]
        vms = [held.demand.vm_id for held in self.held]
        if len(set(nodes)) < len(nodes) or len(set(vms)) < len(vms):
            raise InvalidArgument.at("snapshot", "names a node or a VM twice")
        lost = {held.node_id for held in self.held} - set(nodes)
        if lost:
            raise InvalidArgument.at("snapshot", f"has VMs on nodes that it does not have: {sorted(map(str, lost))[0]}")
