"""Other services as plain methods. Each request goes under the current saga's key by itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from novacron.api.monitoring.v1 import CreateVmMonitoringRequest, DeleteVmMonitoringRequest, MetricsServiceStub
from novacron.api.scheduler.v1 import (
    NODE_EVENT_KIND_LOST,
    NODE_STATUS_MAINTENANCE,
    ConfirmReservationRequest,
    ConfirmResizeRequest,
    DrainNodeRequest,
    GetNodeRequest,
    GetReservationRequest,
    GetScalingRecommendationRequest,
    ListNodeEventsRequest,
    MarkScalingRecommendationAppliedRequest,
    Node,
    NodeEventServiceStub,
    NodeServiceStub,
    ReleaseReservationRequest,
    ReportNodeFailureRequest,
    ReservationServiceStub,
    ReserveResourcesRequest,
    ResizeReservationRequest,
    ResizeServiceStub,
    ScalingServiceStub,
    UndoResizeRequest,
)
from novacron.api.types.v1 import Resources
from novacron.errors import NovacronError
from novacron.rpc import Channel

from .loss import NodeEvent
from .messages import ALLOCATION_TYPE_TO_PROTO, HYPERVISOR_TO_PROTO
from .vm import VmSpec


@dataclass(frozen=True, slots=True)
class Place:
    """A node, and where its agent listens."""

    node_id: UUID
    node_name: str
    agent_address: str
    epoch: int = 0
    yielding: tuple[UUID, ...] = ()  # VMs that have yet to give way there to the one that claimed it


@dataclass(frozen=True, slots=True)
class Advice:
    """A scaling recommendation: sizes as vCPUs and MiB of memory."""

    vm_id: UUID
    advised_for: tuple[int, int]
    advised: tuple[int, int]


class SchedulerClient:
    """What the vm service asks of the scheduler."""

    def __init__(self, channel: Channel) -> None:
        self._reservations = ReservationServiceStub(channel)
        self._nodes = NodeServiceStub(channel)
        self._resizes = ResizeServiceStub(channel)
        self._scaling = ScalingServiceStub(channel)

    async def reserve(
        self,
        vm_id: UUID,
        tenant_id: UUID,
        spec: VmSpec,
        *,
        name: str = "",
        move_id: UUID | None = None,
        node: str = "",
        waits: bool = False,
    ) -> Place:
        """Choose a node and claim what the VM takes of it; for a move a second one. Who ``waits`` until nobody has to give way
        any more may be given what others have still. :raises NoCapacity:"""
        reservation = await self._reservations.ReserveResources(
            ReserveResourcesRequest(
                vm_id=str(vm_id),
                tenant_id=str(tenant_id),
                resources=_resources(spec),
                hypervisor_type=HYPERVISOR_TO_PROTO[spec.hypervisor_type],
                node_labels=spec.node_labels,
                groups=spec.groups,
                allocation_type=ALLOCATION_TYPE_TO_PROTO[spec.allocation_type],
                move_id=_text(move_id),
                node=node,
                priority=spec.priority,
                waits=waits,
                name=name,
            )
        )
        return replace(_place(reservation.node), yielding=tuple(map(UUID, reservation.yielding)))

    async def yielding(self, vm_id: UUID) -> tuple[UUID, ...]:
        """VMs that have yet to give way to this one. :raises NotFound: it holds no place."""
        reservation = await self._reservations.GetReservation(GetReservationRequest(vm_id=str(vm_id)))
        return tuple(map(UUID, reservation.yielding))

    async def give_way(self, vm_id: UUID, to: UUID) -> bool:
        """Give back all that the VM holds, if it gives way to that one; whether it did."""
        request = ReleaseReservationRequest(vm_id=str(vm_id), yields_to=str(to))
        return bool((await self._reservations.ReleaseReservation(request)).released)

    async def confirm(self, vm_id: UUID) -> None:
        await self._reservations.ConfirmReservation(ConfirmReservationRequest(vm_id=str(vm_id)))

    async def arrive(self, vm_id: UUID, move_id: UUID) -> None:
        """The VM is where this move claimed its place; the place before is free."""
        request = ConfirmReservationRequest(vm_id=str(vm_id), move_id=str(move_id))
        await self._reservations.ConfirmReservation(request)

    async def release(self, vm_id: UUID, *, move_id: UUID | None = None) -> None:
        """Give back all that the VM holds, or what this move claimed."""
        request = ReleaseReservationRequest(vm_id=str(vm_id), move_id=_text(move_id))
        await self._reservations.ReleaseReservation(request)

    async def resize(self, vm_id: UUID, resize_id: UUID, spec: VmSpec) -> None:
        """Claim the larger of the VM's present size and this one where it is. :raises NoCapacity: its node has no room."""
        request = ResizeReservationRequest(vm_id=str(vm_id), resize_id=str(resize_id), resources=_resources(spec))
        await self._resizes.ResizeReservation(request)

    async def confirm_resize(self, vm_id: UUID, resize_id: UUID) -> None:
        """The VM has its new size; what it held beyond is free."""
        await self._resizes.ConfirmResize(ConfirmResizeRequest(vm_id=str(vm_id), resize_id=str(resize_id)))

    async def undo_resize(self, vm_id: UUID, resize_id: UUID) -> None:
        """The VM holds what it held before."""
        await self._resizes.UndoResize(UndoResizeRequest(vm_id=str(vm_id), resize_id=str(resize_id)))

    async def advice(self, recommendation_id: UUID) -> Advice:
        """What was recommended, of whatever tenant's VM. :raises NotFound: no such one."""
        request = GetScalingRecommendationRequest(recommendation_id=str(recommendation_id))
        made = await self._scaling.GetScalingRecommendation(request)
        now, then = made.current_resources, made.recommended_resources
        sizes = (now.cpu_cores, now.memory_mib), (then.cpu_cores, then.memory_mib)
        return Advice(UUID(made.vm_id), *sizes)

    async def mark_applied(self, recommendation_id: UUID) -> None:
        """The VM has the size that was recommended."""
        request = MarkScalingRecommendationAppliedRequest(recommendation_id=str(recommendation_id))
        await self._scaling.MarkScalingRecommendationApplied(request)

    async def place(self, node: UUID | str) -> Place:
        """Where a node's agent is now, by its id or its name. :raises NotFound: no such node."""
        return _place(await self._nodes.GetNode(GetNodeRequest(node=str(node))))

    async def node(self, node: str) -> tuple[Place, bool]:
        """The node, by its id or its name, and whether it takes VMs when it is ready. :raises NotFound: no such node."""
        found = await self._nodes.GetNode(GetNodeRequest(node=node))
        return _place(found), found.status != NODE_STATUS_MAINTENANCE

    async def close_node(self, node_id: UUID) -> None:
        """No claim that comes after this lands there. :raises NotFound: no such node."""
        await self._nodes.DrainNode(DrainNodeRequest(node=str(node_id)))

    async def node_failed(self, node_id: UUID, vm_id: UUID) -> None:
        """The VM could not be made there. A hint for later choices: nothing waits for it, and nothing fails without it."""
        with suppress(NovacronError):
            await self._nodes.ReportNodeFailure(ReportNodeFailureRequest(node_id=str(node_id), vm_id=str(vm_id)))

    async def open_node(self, node_id: UUID) -> None:
        await self._nodes.DrainNode(DrainNodeRequest(node=str(node_id), undo=True))


class NodeEventClient:
    """What became of nodes, as the scheduler tells it."""

    def __init__(self, channel: Channel) -> None:
        self._events = NodeEventServiceStub(channel)

    async def after(self, sequence: int) -> list[NodeEvent]:
        """Events after this one, oldest first; none: there are no more yet."""
        answer = await self._events.ListNodeEvents(ListNodeEventsRequest(after_sequence=sequence, page_size=1000))
        return [
            NodeEvent(one.sequence, UUID(one.node_id), one.node_name, one.kind == NODE_EVENT_KIND_LOST)
            for one in answer.events
        ]


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


def _place(node: Node) -> Place:
    return Place(UUID(node.node_id), node.name, node.agent_address, node.epoch)


def _resources(spec: VmSpec) -> Resources:
    return Resources(cpu_cores=spec.cpu_cores, memory_mib=spec.memory_mib, storage_gib=spec.storage_gib)


def _text(value: UUID | None) -> str:
    return "" if value is None else str(value)
