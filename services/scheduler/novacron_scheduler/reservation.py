"""What a VM asks of the nodes, what it holds, and why it is where it is."""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from novacron.errors import AlreadyExists, InvalidArgument

from .node import Node, Taint
from .policy import SILENT, Directive
from .resources import EVEN, Ratios, Resources

# Made once: ``json.dumps`` makes one for each text whose keys are sorted.
_encode_sorted = json.JSONEncoder(sort_keys=True).encode


class AllocationType(enum.StrEnum):
    """How firmly resources are held: see :mod:`.overcommit`."""

    GUARANTEED = "guaranteed"
    BURSTABLE = "burstable"
    BEST_EFFORT = "best_effort"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a VM takes, and where it may be. An empty condition holds everywhere."""

    vm_id: UUID
    tenant_id: UUID
    need: Resources
    gpu_type: str = ""
    allocation_type: AllocationType = AllocationType.BURSTABLE
    hypervisor_type: str = ""
    region: str = ""
    availability_zone: str = ""
    node_labels: dict[str, str] = field(default_factory=dict)
    tolerations: tuple[Taint, ...] = ()
    node: str = ""  # the only one that it may be, by id or name
    move_id: UUID | None = None  # a second place, for this move
    leaves: UUID | None = None  # the node that it moves away from
    groups: tuple[str, ...] = ()  # of VMs, that its tenant's policies speak of
    priority: int = 0  # VMs of a lower one may have to give way to it
    waits: bool = False  # the caller sees to it that they do; no part of what the VM holds
    name: str = ""  # what people call the VM; likewise
    weights: Ratios = EVEN  # what each unit counts for on a node, by the allocation type; no part of the request
    directive: Directive = SILENT  # what these policies say; no part of the request

    @property
    def footprint(self) -> Resources:
        """What it takes of what is allocatable on a node."""
        return self.weights.footprint(self.need)

    def most(self, room: Resources) -> Resources:
        """How much of a node's room that is for a VM of this type."""
        return self.weights.most(room)

    @property
    def may_preempt(self) -> bool:
        """Whether others may have to give way: its tenant wants it so, and somebody sees to it. A VM that moves has a place."""
        return self.waits and self.move_id is None and bool(self.directive.preempting)

    def check(self) -> None:
        """:raises InvalidArgument: no VM is like this."""
        check_size(self.need)
        if self.gpu_type and not self.need.gpu_count:
            raise InvalidArgument.at("resources.gpu_type", "names a GPU, but gpu_count is 0: ask for at least one")

    def constraints(self) -> dict[str, Any]:
        """The conditions that were set, as stored with the decision."""
        conditions: dict[str, Any] = {
            "hypervisor_type": self.hypervisor_type,
            "region": self.region,
            "availability_zone": self.availability_zone,
            "node_labels": self.node_labels,
            "tolerations": sorted(self.tolerations),
            "node": self.node,
            "groups": sorted(self.groups),
        }
        return {name: value for name, value in conditions.items() if value}

    def digest(self) -> bytes:
        """Equal for equal demands. What is not set is left out, so that a condition added later changes no old digest."""
        said = {
            "tenant_id": str(self.tenant_id),
            "need": {name: amount for name, amount in self.need._asdict().items() if amount},
            "gpu_type": self.gpu_type,
            "allocation_type": self.allocation_type.value,
            **({"priority": self.priority} if self.priority else {}),
            **self.constraints(),
        }
        return hashlib.sha256(_encode_sorted(said).encode()).digest()


def check_size(need: Resources) -> None:
    """:raises InvalidArgument: no VM is so small."""
    for name in ("cpu_cores", "memory_mib"):
        if getattr(need, name) < 1:
            raise InvalidArgument.at(f"resources.{name}", "must be at least 1: a VM needs some")


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a VM holds of a node."""

    vm_id: UUID
    tenant_id: UUID
    node: Node
    resources: Resources
    footprint: Resources  # what that counts for on the node
    gpu_type: str
    allocation_type: AllocationType
    allocated_at: datetime
    confirmed_at: datetime | None  # None: an unfinished saga holds it
    decision_id: UUID
    request_digest: bytes
    move_id: UUID | None = None  # the move that claimed it
    moving: bool = False  # the VM is on its way there
    priority: int = 0
    yields_to: UUID | None = None  # the VM that it gives way to
    yielding: tuple[UUID, ...] = ()  # VMs that have yet to give way to it

    def contradicted(self) -> AlreadyExists:
        """What another request for this VM is told."""
        return AlreadyExists(
            f"VM {self.vm_id} holds {self.resources.told()} on {self.node.name}, reserved by another request:"
            " repeat that request, or release the reservation first"
        )


class Scored(NamedTuple):
    """A node that could take the VM, as a decision keeps it."""

    node_id: UUID
    name: str
    score: float
    factors: dict[str, float]


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a VM is where it is, or why it is nowhere."""

    decision_id: UUID
    vm_id: UUID
    tenant_id: UUID
    requested_resources: Resources
    gpu_type: str
    constraints: dict[str, Any]
    candidates: tuple[Scored, ...]
    removed_by_filter: dict[str, int]
    selected: Scored | None
    decision_algorithm: str
    explanation: str
    decision_time: datetime | None = None  # the database's, once it is stored
