"""proto <-> domain, for domains, capacity and samples."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from novacron.api.agent.v1 import (
    POWER_STATE_CRASHED,
    POWER_STATE_PAUSED,
    POWER_STATE_RUNNING,
    POWER_STATE_STOPPED,
    CreateVmRequest,
    ExportVmResponse,
)
from novacron.api.agent.v1 import Domain as ProtoDomain
from novacron.api.agent.v1 import FileBegins as ProtoFileBegins
from novacron.api.agent.v1 import (
    PowerState as ProtoPowerState,
)
from novacron.api.monitoring.v1 import VmSample
from novacron.api.types.v1 import (
    ALLOCATION_TYPE_BEST_EFFORT,
    ALLOCATION_TYPE_BURSTABLE,
    ALLOCATION_TYPE_GUARANTEED,
    ALLOCATION_TYPE_UNSPECIFIED,
    HypervisorType,
)
from novacron.timestamps import to_timestamp

from .drivers.driver import AllocationType, Domain, DomainSpec, DomainStats, PowerState
from .drivers.transfer import Facts, FileBegins, FileEnds, Piece

_POWER_STATE: dict[PowerState, ProtoPowerState] = {
    PowerState.RUNNING: POWER_STATE_RUNNING,
    PowerState.STOPPED: POWER_STATE_STOPPED,
    PowerState.PAUSED: POWER_STATE_PAUSED,
    PowerState.CRASHED: POWER_STATE_CRASHED,
}
_ALLOCATION_TYPES = {
    ALLOCATION_TYPE_UNSPECIFIED: AllocationType.BURSTABLE,
    ALLOCATION_TYPE_GUARANTEED: AllocationType.GUARANTEED,
    ALLOCATION_TYPE_BURSTABLE: AllocationType.BURSTABLE,
    ALLOCATION_TYPE_BEST_EFFORT: AllocationType.BEST_EFFORT,
}
_COUNTERS = (
    "memory_usage_bytes",
    "memory_available_bytes",
    "network_bytes_sent",
    "network_bytes_recv",
    "network_packets_sent",
    "network_packets_recv",
    "disk_read_bytes",
    "disk_write_bytes",
    "disk_read_ops",
    "disk_write_ops",
    "disk_usage_bytes",
)


def spec_from_proto(request: CreateVmRequest) -> DomainSpec:
    return DomainSpec(
        vm_id=UUID(request.vm_id),
        name=request.name,
        vcpus=request.cpu_cores,
        memory_mib=request.memory_mib,
        disk_gib=request.storage_gib,
        base_image=request.base_image,
        user_data=request.user_data,
        ssh_authorized_keys=tuple(request.ssh_authorized_keys),
        allocation_type=_ALLOCATION_TYPES[request.allocation_type],
    )


def domain_to_proto(domain: Domain) -> ProtoDomain:
    return ProtoDomain(
        vm_id=str(domain.vm_id),
        name=domain.name,
        power_state=_POWER_STATE[domain.power_state],
        cpu_cores=domain.vcpus,
        memory_mib=domain.memory_mib,
        storage_gib=domain.disk_gib,
        base_image=domain.base_image,
        mac_address=domain.mac_address,
        ip_address=domain.ip_address or "",
        created_at=to_timestamp(domain.created_at),
    )


def piece_to_proto(piece: Piece) -> ExportVmResponse:
    match piece:
        case Facts(json):
            return ExportVmResponse(facts=json)
        case FileBegins(name, size, base_sha256, omitted):
            begins = ProtoFileBegins(name=name, size=size, base_sha256=base_sha256, omitted=omitted)
            return ExportVmResponse(begins=begins)
        case FileEnds(sha256):
            return ExportVmResponse(ends=sha256)
        case _:
            return ExportVmResponse(data=piece)


def piece_from_proto(message: ExportVmResponse) -> Piece:
    match message.WhichOneof("piece"):
        case "facts":
            return Facts(message.facts)
        case "begins":
            begins = message.begins
            return FileBegins(begins.name, begins.size, begins.base_sha256, begins.omitted)
        case "ends":
            return FileEnds(message.ends)
        case _:
            return message.data


def sample_to_proto(stats: DomainStats) -> VmSample:
    sample = VmSample(time=to_timestamp(stats.time), vm_id=str(stats.vm_id))
    if stats.cpu_usage_percent is not None:
        sample.cpu_usage_percent = min(max(stats.cpu_usage_percent, 0.0), 100.0)
    for name in _COUNTERS:
        if (value := getattr(stats, name)) is not None:
            setattr(sample, name, value)
    return sample


def hypervisor_to_proto(name: str) -> HypervisorType:
    return cast(HypervisorType, HypervisorType.Value("HYPERVISOR_TYPE_" + name.upper().replace("-", "_")))
