"""Other services as plain methods. Each request goes under the current saga's key by itself."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from novacron.api.monitoring.v1 import CreateVmMonitoringRequest, DeleteVmMonitoringRequest, MetricsServiceStub
from novacron.api.scheduler.v1 import (
    ConfirmReservationRequest,
    GetNodeRequest,
    NodeServiceStub,
    ReleaseReservationRequest,
    ReservationServiceStub,
    ReserveResourcesRequest,
)
from novacron.api.types.v1 import Resources
from novacron.rpc import Channel

from .messages import HYPERVISOR_TO_PROTO
from .vm import VmSpec


@dataclass(frozen=True, slots=True)
class Place:
    """A node, and where its agent listens."""

    node_id: UUID
    node_name: str
    agent_address: str


class SchedulerClient:
    """What the vm service asks of the scheduler."""

    def __init__(self, channel: Channel) -> None:
        self._reservations = ReservationServiceStub(channel)
        self._nodes = NodeServiceStub(channel)

    async def reserve(self, vm_id: UUID, tenant_id: UUID, spec: VmSpec) -> Place:
        """Choose a node and claim what the VM takes of it. :raises NoCapacity:"""
        reservation = await self._reservations.ReserveResources(
            ReserveResourcesRequest(
                vm_id=str(vm_id),
                tenant_id=str(tenant_id),
                resources=Resources(cpu_cores=spec.cpu_cores, memory_mib=spec.memory_mib, storage_gib=spec.storage_gib),
                hypervisor_type=HYPERVISOR_TO_PROTO[spec.hypervisor_type],
                node_labels=spec.node_labels,
            )
        )
        node = reservation.node
        return Place(UUID(node.node_id), node.name, node.agent_address)

    async def confirm(self, vm_id: UUID) -> None:
        await self._reservations.ConfirmReservation(ConfirmReservationRequest(vm_id=str(vm_id)))

    async def release(self, vm_id: UUID) -> None:
        await self._reservations.ReleaseReservation(ReleaseReservationRequest(vm_id=str(vm_id)))

    async def place(self, node_id: UUID) -> Place:
        """Where a node's agent is now. :raises NotFound: no such node."""
        node = await self._nodes.GetNode(GetNodeRequest(node=str(node_id)))
        return Place(UUID(node.node_id), node.name, node.agent_address)


class MonitoringClient:
    """What the vm service asks of monitoring."""

    def __init__(self, channel: Channel) -> None:
        self._metrics = MetricsServiceStub(channel)

    async def create(self, vm_id: UUID, tenant_id: UUID, node_id: UUID) -> None:
        await self._metrics.CreateVmMonitoring(
            CreateVmMonitoringRequest(vm_id=str(vm_id), tenant_id=str(tenant_id), node_id=str(node_id))
        )

    async def delete(self, vm_id: UUID) -> None:
        await self._metrics.DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=str(vm_id)))
