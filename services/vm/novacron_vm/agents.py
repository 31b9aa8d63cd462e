"""The agents on the hypervisor hosts, as plain methods."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from novacron.api.agent.v1 import (
    AgentServiceStub,
    CreateVmRequest,
    DeleteVmRequest,
    GetVmConsoleRequest,
    RebootVmRequest,
    StartVmRequest,
    StopVmRequest,
)
from novacron.foundation import Mesh

from .vm import VmSpec


@dataclass(frozen=True, slots=True)
class Domain:
    """What came of a domain."""

    ip_address: str
    mac_address: str


class Agents:
    """Every agent, by its address."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    async def create(self, address: str, vm_id: UUID, name: str, spec: VmSpec) -> Domain:
        """Disk, domain, start."""
        domain = await self._at(address).CreateVm(
            CreateVmRequest(
                vm_id=str(vm_id),
                name=name,
                cpu_cores=spec.cpu_cores,
                memory_mib=spec.memory_mib,
                storage_gib=spec.storage_gib,
                base_image=spec.base_image,
                user_data=spec.user_data,
                ssh_authorized_keys=spec.ssh_authorized_keys,
            )
        )
        return Domain(domain.ip_address, domain.mac_address)

    async def delete(self, address: str, vm_id: UUID) -> None:
        await self._at(address).DeleteVm(DeleteVmRequest(vm_id=str(vm_id)))

    async def start(self, address: str, vm_id: UUID) -> None:
        await self._at(address).StartVm(StartVmRequest(vm_id=str(vm_id)))

    async def stop(self, address: str, vm_id: UUID, grace_seconds: int) -> None:
        await self._at(address).StopVm(StopVmRequest(vm_id=str(vm_id), grace_seconds=grace_seconds))

    async def reboot(self, address: str, vm_id: UUID, grace_seconds: int) -> None:
        await self._at(address).RebootVm(RebootVmRequest(vm_id=str(vm_id), grace_seconds=grace_seconds))

    async def console(self, address: str, vm_id: UUID, offset: int, limit: int) -> bytes:
        answer = await self._at(address).GetVmConsole(GetVmConsoleRequest(vm_id=str(vm_id), offset=offset, limit=limit))
        data: bytes = answer.data
        return data

    def _at(self, address: str) -> AgentServiceStub:
        return AgentServiceStub(self._mesh.to(f"agent {address}", address))
