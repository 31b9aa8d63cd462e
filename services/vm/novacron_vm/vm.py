"""What a VM is: its states, its legal changes, its spec. No I/O."""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from novacron.errors import FailedPrecondition, InvalidArgument, WrongState


class VmState(enum.StrEnum):
    """The seed's states."""

    CREATING = "creating"
    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    MIGRATING = "migrating"
    BACKING_UP = "backing_up"
    RESTORING = "restoring"
    ERROR = "error"
    DELETED = "deleted"
    UNKNOWN = "unknown"  # its node is lost


class HypervisorType(enum.StrEnum):
    KVM = "kvm"
    XEN = "xen"
    VMWARE = "vmware"
    HYPER_V = "hyper-v"
    CONTAINER = "container"


class AllocationType(enum.StrEnum):
    """How firmly it holds what it takes of its node: see the scheduler."""

    GUARANTEED = "guaranteed"
    BURSTABLE = "burstable"
    BEST_EFFORT = "best_effort"


_S = VmState
# From where each state may be reached. A running VM that is rebooted runs again; a stopped one that is resized stays so.
LEGAL_FROM: dict[VmState, frozenset[VmState]] = {
    _S.RUNNING: frozenset(
        {_S.CREATING, _S.RUNNING, _S.STOPPED, _S.PAUSED, _S.SUSPENDED, _S.MIGRATING, _S.BACKING_UP, _S.RESTORING}
    ),
    _S.STOPPED: frozenset({_S.RUNNING, _S.STOPPED, _S.PAUSED, _S.SUSPENDED, _S.MIGRATING, _S.BACKING_UP, _S.RESTORING}),
    _S.PAUSED: frozenset({_S.RUNNING}),
    _S.SUSPENDED: frozenset({_S.RUNNING}),
    _S.MIGRATING: frozenset({_S.RUNNING, _S.STOPPED}),
    _S.BACKING_UP: frozenset({_S.RUNNING, _S.STOPPED}),
    _S.RESTORING: frozenset({_S.STOPPED, _S.ERROR}),
    _S.ERROR: frozenset(set(_S) - {_S.ERROR, _S.DELETED}),
    _S.DELETED: frozenset(set(_S) - {_S.DELETED}),
    _S.CREATING: frozenset(),
    # Into it and back leads what became of nodes alone: see losses.py.
    _S.UNKNOWN: frozenset(),
}
# What is not known any more when the node is lost. A VM in error has its reason already.
KNOWN = (_S.RUNNING, _S.STOPPED, _S.PAUSED, _S.SUSPENDED)


@dataclass(frozen=True, slots=True)
class VmSpec:
    """What a VM is made of; stored whole in ``resource_config``."""

    cpu_cores: int
    memory_mib: int
    storage_gib: int
    base_image: str
    hypervisor_type: HypervisorType = HypervisorType.KVM
    user_data: str = ""
    ssh_authorized_keys: tuple[str, ...] = ()
    node_labels: dict[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()  # of VMs, that its tenant's placement policies speak of
    allocation_type: AllocationType = AllocationType.BURSTABLE
    priority: int = 0  # who gives way to whom, where a policy of its tenant says that VMs do

    @property
    def size(self) -> tuple[int, int]:
        """vCPUs, and memory in MiB."""
        return self.cpu_cores, self.memory_mib


@dataclass(frozen=True, slots=True)
class Resize:
    """What a VM shall become. Zero: as it is."""

    cpu_cores: int = 0
    memory_mib: int = 0
    restart: bool = False  # a running one may be shut down for it
    grace_seconds: int = 0
    recommendation_id: UUID | None = None
    advised_for: tuple[int, int] | None = None  # the size that the recommendation was made for

    def of(self, spec: VmSpec) -> VmSpec:
        return replace(spec, cpu_cores=self.cpu_cores or spec.cpu_cores, memory_mib=self.memory_mib or spec.memory_mib)

    def check(self, vm: Vm) -> None:
        """:raises FailedPrecondition: this VM cannot be given that size now."""
        if vm.state not in (VmState.RUNNING, VmState.STOPPED) or vm.node_id is None:
            raise WrongState(f"VM {vm.name} is {vm.state}; resize-vm needs it running or stopped")
        vm.check_placed()
        if self.advised_for not in (None, vm.spec.size):
            raise FailedPrecondition(
                f"the recommendation {self.recommendation_id} was made for {told(*self.advised_for)}, and VM {vm.name} has"
                f" {told(*vm.spec.size)}: make a new one"
            )
        if vm.state is VmState.RUNNING and not self.restart:
            raise WrongState(
                f"VM {vm.name} is running, and its size changes only while it is off: stop it first, or say that it may be"
                " restarted (`restart`, on the command line --restart)"
            )


def told(cpu_cores: int, memory_mib: int) -> str:
    """A size as a person reads it."""
    return f"{cpu_cores} vCPU, {memory_mib} MiB memory"


# Fields that specs did not have at first, and what they are when nobody says.
_ADDED: dict[str, Any] = {"groups": (), "allocation_type": AllocationType.BURSTABLE, "priority": 0}


@dataclass(frozen=True, slots=True)
class NewVm:
    """A request for a VM, complete: the template's spec is in it."""

    id: UUID
    name: str
    display_name: str
    description: str
    spec: VmSpec
    tags: dict[str, str]
    template_id: UUID | None
    owner_id: UUID
    tenant_id: UUID

    @property
    def digest(self) -> bytes:
        """Equal for equal requests: the same request again is a retry, another one with its id is not."""
        said = asdict(self)
        for name, unset in _ADDED.items():  # a request from before there was such a field stays the same request
            if said["spec"][name] == unset:
                del said["spec"][name]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).digest()


@dataclass(frozen=True, slots=True)
class Vm:
    """A VM as stored."""

    id: UUID
    name: str
    display_name: str
    description: str
    state: VmState
    node_id: UUID | None
    owner_id: UUID
    tenant_id: UUID
    template_id: UUID | None
    spec: VmSpec
    tags: dict[str, str]
    ip_address: str
    error: str
    request_digest: bytes
    saga_id: UUID | None
    operation: str | None
    delete_requested_by: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    displaced_at: datetime | None  # when it gave way to another: until it is started it has no place

    def check_placed(self) -> None:
        """:raises FailedPrecondition: it has only its disk on its node."""
        if self.displaced_at is not None:
            raise FailedPrecondition(
                f"VM {self.name} gave way to another and has no place on its node: start it first, which asks for one"
                f" (`novacron vm start {self.name}`)"
            )


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of a VM's state."""

    sequence: int
    from_state: VmState | None
    to_state: VmState
    reason: str
    created_at: datetime


def merged(template: VmSpec | None, asked: dict[str, Any]) -> VmSpec:
    """The template's spec with what was asked for laid over it. ``asked`` holds what the request set, by field.

    :raises InvalidArgument: naming each field that neither gives.
    """
    values: dict[str, Any] = asdict(template) if template is not None else {}
    values.update(asked)
    missing = [name for name in ("cpu_cores", "memory_mib", "storage_gib", "base_image") if not values.get(name)]
    if missing:
        first = missing[0]
        raise InvalidArgument.at(f"spec.{first}", "set it, or name a template that does")
    values["hypervisor_type"] = HypervisorType(values.get("hypervisor_type") or HypervisorType.KVM)
    for name in ("ssh_authorized_keys", "groups"):
        values[name] = tuple(values.get(name) or ())
    return VmSpec(**values)
