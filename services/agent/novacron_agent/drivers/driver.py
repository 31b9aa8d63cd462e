"""The contract between the agent and a hypervisor.

Every operation is idempotent by the VM's id, which is also the domain's UUID: repeating one is harmless, and an
operation on what is already so returns what is so. A driver raises typed errors of :mod:`novacron.errors`
(``NotFound``, ``AlreadyExists``, ``InvalidArgument``, ``FailedPrecondition``, ``Unavailable``) and nothing else on purpose.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import AsyncIterator, Sequence, Set
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from novacron_agent.drivers.transfer import Piece


class PowerState(enum.StrEnum):
    """What the hypervisor says of a domain."""

    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"
    CRASHED = "crashed"


class AllocationType(enum.StrEnum):
    """How firmly a domain holds its vCPUs."""

    GUARANTEED = "guaranteed"
    BURSTABLE = "burstable"
    BEST_EFFORT = "best_effort"


# What a vCPU weighs against another one when both want to run. The scheduler lets sixteen burstable ones take the place of one
# that is guaranteed, at the most, and so many best-effort ones that of one that is burstable: no crowd outweighs the one.
_WEIGHTS = {AllocationType.GUARANTEED: 256, AllocationType.BURSTABLE: 16, AllocationType.BEST_EFFORT: 1}
# What the kernel takes (cgroup v2, cpu.weight).
_HEAVIEST = 10_000


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """What a domain is made of. Two creates with one ``vm_id`` and different specs are a contradiction."""

    vm_id: UUID
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    base_image: str  # a name in the host's image store, never a path
    user_data: str = ""  # cloud-init user-data, handed over on a seed ISO
    ssh_authorized_keys: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    allocation_type: AllocationType = AllocationType.BURSTABLE

    @property
    def cpu_weight(self) -> int:
        """Of the whole domain, against the others of the host."""
        return min(_WEIGHTS[self.allocation_type] * self.vcpus, _HEAVIEST)

    def sized(self, vcpus: int, memory_mib: int) -> DomainSpec:
        """The same in all but its size."""
        return replace(self, vcpus=vcpus, memory_mib=memory_mib)

    def fingerprint(self) -> str:
        """Equal for equal specs, and all that a driver keeps of ``user_data``, which may carry secrets."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        if self.allocation_type is AllocationType.BURSTABLE:  # as every domain was before there was another
            del values["allocation_type"]
        return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain as the hypervisor has it now."""

    vm_id: UUID
    name: str
    power_state: PowerState
    vcpus: int
    memory_mib: int
    disk_gib: int
    base_image: str
    mac_address: str
    ip_address: str | None  # None until it is known
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DomainStats:
    """One sample of a running domain. Counters are since its start; None where the hypervisor cannot tell."""

    vm_id: UUID
    time: datetime
    cpu_usage_percent: float | None  # of all its vCPUs together, 0 to 100, since the previous sample
    memory_usage_bytes: int | None
    memory_available_bytes: int | None
    disk_read_bytes: int | None
    disk_write_bytes: int | None
    disk_read_ops: int | None
    disk_write_ops: int | None
    disk_usage_bytes: int | None
    network_bytes_sent: int | None
    network_bytes_recv: int | None
    network_packets_sent: int | None
    network_packets_recv: int | None


@dataclass(frozen=True, slots=True)
class HostCapacity:
    """What the host has in all, before any overcommit or reservation."""

    vcpus: int
    memory_mib: int
    disk_gib: int


class Driver(Protocol):
    """What the agent asks of a hypervisor."""

    @property
    def hypervisor_type(self) -> str:
        """``kvm``, ``xen``, ``vmware``, ``hyper-v`` or ``container``: the seed's hypervisor types."""
        ...

    @property
    def description(self) -> str:
        """One line for people: driver, version, and whether guests are accelerated."""
        ...

    async def open(self) -> None:
        """Connect, and finish or undo whatever a crash left half-made on this host. Repeatable."""
        ...

    async def close(self) -> None:
        """Let go of the hypervisor. Domains keep running."""
        ...

    async def capacity(self) -> HostCapacity: ...

    async def images(self) -> Sequence[str]:
        """Names of the base images that this host can boot."""
        ...

    async def create(self, spec: DomainSpec) -> Domain:
        """Disk, domain, start: all of it or, after a failure, none of it.

        A domain with this id and this spec is returned as it is. ``AlreadyExists``: it has another spec.
        ``NotFound``: no such base image. ``InvalidArgument``: the host cannot make such a domain.
        """
        ...

    async def get(self, vm_id: UUID) -> Domain:
        """``NotFound`` when there is none."""
        ...

    async def list(self) -> Sequence[Domain]:
        """Every domain that NovaCron made on this host, and no other."""
        ...

    async def start(self, vm_id: UUID) -> Domain: ...

    async def stop(self, vm_id: UUID, *, grace_seconds: float) -> Domain:
        """Ask the guest to power off; when ``grace_seconds`` have passed (0: at once), pull the plug."""
        ...

    async def reboot(self, vm_id: UUID, *, grace_seconds: float) -> Domain:
        """A stop and a start: the domain runs afterwards. ``FailedPrecondition`` when it was not running.

        The one operation that is not the same twice: an answer that was lost may cost the guest a second reboot.
        """
        ...

    async def resize(self, spec: DomainSpec) -> Domain:
        """A domain that is off has this spec's vCPUs and memory from its next start: both, or after a failure neither.

        One that has them is returned as it is, whether it runs or not. ``FailedPrecondition``: it runs. ``AlreadyExists``:
        something else of the spec differs. ``InvalidArgument``: the host cannot make such a domain.
        """
        ...

    async def delete(self, vm_id: UUID) -> bool:
        """Domain, disks, seed and console log: gone. False when there was nothing to delete."""
        ...

    async def base_digests(self, image: str) -> Sequence[str]:
        """SHA-256 of the base files that this host need not be sent for a VM of that image."""
        ...

    def export(self, vm_id: UUID, known: Set[str]) -> AsyncIterator[Piece]:
        """Everything of a domain that is off, base files with a ``known`` digest left out; it stays as it is.

        ``FailedPrecondition``: it runs, or was started before all of it was read.
        """
        ...

    async def receive(self, spec: DomainSpec, pieces: AsyncIterator[Piece]) -> Domain:
        """A domain of what another host exported, with its disk, console and age, and off: all of it or none of it.

        One with this id and this spec is returned as it is, and nothing is read. ``AlreadyExists``: it has another spec.
        ``Unavailable``: the copy is not what was sent.
        """
        ...

    async def stats(self) -> Sequence[DomainStats]:
        """A sample of every running domain."""
        ...

    async def console(self, vm_id: UUID, *, offset: int, limit: int) -> bytes:
        """At most ``limit`` bytes of the serial console's log from byte ``offset``; empty when there is no more yet."""
        ...
