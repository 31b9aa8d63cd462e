"""What a node is, and what an agent says of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from novacron.errors import FieldViolation, InvalidArgument
from novacron.ids import derived_id

from .resources import DIMENSIONS, Resources

DEFAULT_CLUSTER = "default"


class NodeStatus(enum.StrEnum):
    """Whether a node takes VMs. ``ready`` and ``maintenance`` are stored; ``not_ready`` is a lease that has passed, ``unknown``
    a node that was declared lost."""

    READY = "ready"
    NOT_READY = "not_ready"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"


class NodeType(enum.StrEnum):
    COMPUTE = "compute"
    STORAGE = "storage"
    NETWORK = "network"
    GPU = "gpu"
    HYBRID = "hybrid"

    @property
    def runs_vms(self) -> bool:
        return self not in (NodeType.STORAGE, NodeType.NETWORK)


# (key, value): keeps VMs away that do not tolerate exactly it.
Taint = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Description:
    """All that an agent says of its node, but for how much it has."""

    hostname: str
    ip_address: str
    agent_address: str
    node_type: NodeType
    region: str
    availability_zone: str
    hypervisor_types: tuple[str, ...]
    labels: dict[str, str]
    taints: tuple[Taint, ...]
    gpu_type: str
    description: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An agent's word that its node lives."""

    name: str
    cluster: str
    incarnation: int
    description: Description
    capacity: Resources
    reserved: Resources = field(default_factory=Resources)
    epoch: int = 0  # that the agent was told last; 0: none yet

    @property
    def node_id(self) -> UUID:
        return derived_id("node", self.name)

    @property
    def cluster_id(self) -> UUID:
        return derived_id("cluster", self.cluster)

    def check(self) -> None:
        """:raises InvalidArgument: no host looks like this."""
        violations = [
            FieldViolation(f"capacity.{name}", "must be at least 1: a node without it runs no VM")
            for name in ("cpu_cores", "memory_mib")
            if getattr(self.capacity, name) < 1
        ]
        violations += [
            FieldViolation(f"reserved.{name}", f"{kept} is more than the capacity, {have}")
            for name, kept, have in zip(DIMENSIONS, self.reserved, self.capacity, strict=True)
            if kept > have
        ]
        if violations:
            text = "; ".join(f"{one.field}: {one.description}" for one in violations)
            raise InvalidArgument(text, violations=violations)


@dataclass(frozen=True, slots=True)
class Node:
    """A hypervisor host, as the database has it now."""

    node_id: UUID
    name: str
    cluster_id: UUID
    description: Description
    capacity: Resources
    allocatable: Resources
    allocated: Resources
    status: NodeStatus
    last_heartbeat: datetime
    epoch: int
    lost_at: datetime | None
    recent_failures: int


@dataclass(frozen=True, slots=True)
class Lease:
    """What a heartbeat is answered: how long the node is its agent's, in which epoch. No seconds: not until it beats in it."""

    status: NodeStatus
    epoch: int
    seconds: float = 0.0
    changed: bool = False  # the node is new, or the filters see it otherwise than before


@dataclass(frozen=True, slots=True)
class Cluster:
    """A set of nodes."""

    cluster_id: UUID
    name: str
    description: str
    node_count: int
