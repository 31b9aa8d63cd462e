"""The agents on the hypervisor hosts, as plain methods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from novacron.api.agent.v1 import (
    AgentServiceStub,
    CreateVmRequest,
    DeleteVmRequest,
    GetVmConsoleRequest,
    GetVmRequest,
    ImportVmRequest,
    ListVmsRequest,
    PowerState,
    RebootVmRequest,
    ResizeVmRequest,
    StartVmRequest,
    StopVmRequest,
)
from novacron.errors import BEHIND, BreakerOpen, Unreachable
from novacron.foundation import Mesh

from .messages import ALLOCATION_TYPE_TO_PROTO
from .vm import VmSpec


@dataclass(frozen=True, slots=True)
class Domain:
    """What came of a domain."""

    ip_address: str
    mac_address: str


@dataclass(frozen=True, slots=True)
class HostDomain:
    """A domain as its host has it now."""

    vm_id: UUID
    name: str
    power_state: str
    created_at: datetime


class Node(Protocol):
    """Where an agent listens, and what people call its host."""

    @property
    def node_name(self) -> str: ...
    @property
    def agent_address(self) -> str: ...
    @property
    def epoch(self) -> int:
        """In which whoever gives the order knew the node: in any other the agent refuses it."""
        ...


class Agents:
    """Every agent, by its node. From any method:

    :raises Unreachable: nothing was sent, and people are told which node.
    :raises StaleEpoch: the node was lost since it was looked up; nothing was done.
    :raises LeasePassed: the agent itself knows that it is not heard; nothing was done.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    async def create(self, node: Node, vm_id: UUID, name: str, spec: VmSpec) -> Domain:
        """Disk, domain, start."""
        with self._agent(node) as agent:
            domain = await agent.CreateVm(_made_of(node, vm_id, name, spec))
        return Domain(domain.ip_address, domain.mac_address)

    async def bring(self, node: Node, source: Node, vm_id: UUID, name: str, spec: VmSpec) -> None:
        """Disk and domain, off, from the host that has them; that host keeps them."""
        request = ImportVmRequest(vm=_made_of(node, vm_id, name, spec), source_address=source.agent_address)
        with self._agent(node) as agent:
            await agent.ImportVm(request)

    async def address(self, node: Node, vm_id: UUID) -> str:
        """The guest's address; empty while it has none."""
        with self._agent(node) as agent:
            domain = await agent.GetVm(GetVmRequest(vm_id=str(vm_id)))
        address: str = domain.ip_address
        return address

    async def domains(self, node: Node) -> Sequence[HostDomain]:
        """Every domain that NovaCron made on the host, whether or not a VM belongs to it."""
        with self._agent(node) as agent:
            answer = await agent.ListVms(ListVmsRequest())
        return [
            HostDomain(
                UUID(one.vm_id),
                one.name,
                PowerState.Name(one.power_state).removeprefix("POWER_STATE_").lower(),
                one.created_at.ToDatetime(UTC),
            )
            for one in answer.domains
        ]

    async def delete(self, node: Node, vm_id: UUID) -> None:
        with self._agent(node) as agent:
            await agent.DeleteVm(DeleteVmRequest(vm_id=str(vm_id), epoch=node.epoch))

    async def start(self, node: Node, vm_id: UUID) -> Domain:
        with self._agent(node) as agent:
            domain = await agent.StartVm(StartVmRequest(vm_id=str(vm_id), epoch=node.epoch))
        return Domain(domain.ip_address, domain.mac_address)

    async def stop(self, node: Node, vm_id: UUID, grace_seconds: int, *, export_to: str = "") -> None:
        """Off, or as it was where it is off already; with ``export_to`` that node may fetch it from now on."""
        request = StopVmRequest(vm_id=str(vm_id), grace_seconds=grace_seconds, export_to=export_to, epoch=node.epoch)
        with self._agent(node) as agent:
            await agent.StopVm(request)

    async def reboot(self, node: Node, vm_id: UUID, grace_seconds: int) -> None:
        request = RebootVmRequest(vm_id=str(vm_id), grace_seconds=grace_seconds, epoch=node.epoch)
        with self._agent(node) as agent:
            await agent.RebootVm(request)

    async def resize(self, node: Node, vm_id: UUID, name: str, spec: VmSpec) -> None:
        """Off, and of this spec's size from its next start."""
        with self._agent(node) as agent:
            await agent.ResizeVm(ResizeVmRequest(vm=_made_of(node, vm_id, name, spec)))

    async def console(self, node: Node, vm_id: UUID, offset: int, limit: int) -> bytes:
        with self._agent(node) as agent:
            answer = await agent.GetVmConsole(GetVmConsoleRequest(vm_id=str(vm_id), offset=offset, limit=limit))
        data: bytes = answer.data
        return data

    @contextmanager
    def _agent(self, node: Node) -> Iterator[AgentServiceStub]:
        address = node.agent_address
        try:
            yield AgentServiceStub(self._mesh.to(f"agent {address}", address))
        except (Unreachable, BreakerOpen) as error:
            raise Unreachable(
                f"the agent of node {node.node_name} cannot be reached",
                metadata={BEHIND: f"the agent of node {node.node_name}"},
                retry_after_seconds=error.retry_after_seconds,
            ) from error


def _made_of(node: Node, vm_id: UUID, name: str, spec: VmSpec) -> CreateVmRequest:
    return CreateVmRequest(
        vm_id=str(vm_id),
        name=name,
        cpu_cores=spec.cpu_cores,
        memory_mib=spec.memory_mib,
        storage_gib=spec.storage_gib,
        base_image=spec.base_image,
        user_data=spec.user_data,
        ssh_authorized_keys=spec.ssh_authorized_keys,
        epoch=node.epoch,
        allocation_type=ALLOCATION_TYPE_TO_PROTO[spec.allocation_type],
    )
