"""The gRPC edge: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.scheduler import v1 as pb
from novacron.rpc import current

from . import messages
from .nodes import Nodes
from .overcommit import Overcommit
from .reservations import Reservations


class NodeServicer(pb.NodeServiceServicer):
    """Hypervisor hosts."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    async def HeartbeatNode(self, request: pb.HeartbeatNodeRequest, context: Any) -> pb.HeartbeatNodeResponse:
        beat = messages.heartbeat(request)
        return messages.beaten(await self._nodes.heartbeat(beat, current().node), beat.node_id)

    async def ListNodes(self, request: pb.ListNodesRequest, context: Any) -> pb.ListNodesResponse:
        found, following = await self._nodes.page(request.page_size, request.page_token, request.filter)
        return pb.ListNodesResponse(nodes=map(messages.node, found), next_page_token=following)

    async def GetNode(self, request: pb.GetNodeRequest, context: Any) -> pb.Node:
        return messages.node(await self._nodes.get(request.node))

    async def DrainNode(self, request: pb.DrainNodeRequest, context: Any) -> pb.Node:
        return await self._nodes.drain(request.node, messages.NODE, undo=request.undo)

    async def ReportNodeFailure(
        self, request: pb.ReportNodeFailureRequest, context: Any
    ) -> pb.ReportNodeFailureResponse:
        return await self._nodes.failed(UUID(request.node_id), messages.FAILED)

    async def ListClusters(self, request: pb.ListClustersRequest, context: Any) -> pb.ListClustersResponse:
        found, following = await self._nodes.clusters(request.page_size, request.page_token)
        return pb.ListClustersResponse(clusters=map(messages.cluster, found), next_page_token=following)


class ReservationServicer(pb.ReservationServiceServicer):
    """What VMs take of nodes."""

    def __init__(self, reservations: Reservations, overcommit: Overcommit) -> None:
        self._reservations = reservations
        self._overcommit = overcommit

    async def ReserveResources(self, request: pb.ReserveResourcesRequest, context: Any) -> pb.Reservation:
        return await self._reservations.reserve(messages.demand(request, self._overcommit), messages.RESERVED)

    async def ConfirmReservation(self, request: pb.ConfirmReservationRequest, context: Any) -> pb.Reservation:
        if request.move_id:
            return await self._reservations.arrive(UUID(request.vm_id), UUID(request.move_id), messages.RESERVED)
        return await self._reservations.confirm(UUID(request.vm_id), messages.RESERVED)

    async def ReleaseReservation(
        self, request: pb.ReleaseReservationRequest, context: Any
    ) -> pb.ReleaseReservationResponse:
        move_id = messages.optional_id(request.move_id)
        yields_to = messages.optional_id(request.yields_to)
        return await self._reservations.release(UUID(request.vm_id), messages.RELEASED, move_id, yields_to)

    async def GetReservation(self, request: pb.GetReservationRequest, context: Any) -> pb.Reservation:
        caller = current()
        held = await self._reservations.get(UUID(request.vm_id), caller.tenant_filter)
        return messages.reservation(held, with_host=caller.subject is None or caller.may("node:read"))

    async def ListReservations(self, request: pb.ListReservationsRequest, context: Any) -> pb.ListReservationsResponse:
        tenant = current().tenant_filter
        held, following = await self._reservations.page(request.page_size, request.page_token, tenant)
        # A thousand hosts with their labels would not fit into a message.
        return pb.ListReservationsResponse(
            reservations=[messages.reservation(one, with_host=False) for one in held], next_page_token=following
        )

    async def GetSchedulingDecision(
        self, request: pb.GetSchedulingDecisionRequest, context: Any
    ) -> pb.SchedulingDecision:
        decision = await self._reservations.decision(UUID(request.vm_id), current().tenant_filter)
        return messages.decision(decision)
