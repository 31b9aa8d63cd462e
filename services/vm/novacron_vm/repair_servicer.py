"""The gRPC edge of repairs: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.vm import v1 as pb
from novacron.rpc import current
from novacron.timestamps import to_timestamp

from .repair import Order, Repair, RepairAction
from .repairs import Repairs


class RepairServicer(pb.RepairServiceServicer):
    """RepairService."""

    def __init__(self, repairs: Repairs) -> None:
        self._repairs = repairs

    async def ListNodeDomains(self, request: pb.ListNodeDomainsRequest, context: Any) -> pb.ListNodeDomainsResponse:
        found, unreachable = await self._repairs.domains(UUID(request.node_id))
        domains = [
            pb.NodeDomain(
                vm_id=str(one.vm_id),
                name=one.name,
                power_state=one.power_state,
                created_at=to_timestamp(one.created_at),
            )
            for one in found
        ]
        return pb.ListNodeDomainsResponse(domains=domains, unreachable=unreachable)

    async def ReleaseLeakedReservation(
        self, request: pb.ReleaseLeakedReservationRequest, context: Any
    ) -> pb.ReleaseLeakedReservationResponse:
        order = _order(RepairAction.RELEASE_RESERVATION, request)
        node_id, decision_id = UUID(request.node_id), UUID(request.decision_id)
        released = await self._repairs.release_reservation(order, node_id, decision_id)
        return pb.ReleaseLeakedReservationResponse(released=released)

    async def DeleteLeakedMonitoring(
        self, request: pb.DeleteLeakedMonitoringRequest, context: Any
    ) -> pb.DeleteLeakedMonitoringResponse:
        deleted = await self._repairs.delete_monitoring(_order(RepairAction.DELETE_MONITORING, request))
        return pb.DeleteLeakedMonitoringResponse(deleted=deleted)

    async def RestoreMonitoring(
        self, request: pb.RestoreMonitoringRequest, context: Any
    ) -> pb.RestoreMonitoringResponse:
        await self._repairs.restore_monitoring(_order(RepairAction.RESTORE_MONITORING, request))
        return pb.RestoreMonitoringResponse()

    async def DestroyLeakedDomain(
        self, request: pb.DestroyLeakedDomainRequest, context: Any
    ) -> pb.DestroyLeakedDomainResponse:
        order = _order(RepairAction.DESTROY_DOMAIN, request)
        destroyed = await self._repairs.destroy_domain(
            order, UUID(request.node_id), never_heard_of=request.never_heard_of
        )
        return pb.DestroyLeakedDomainResponse(destroyed=destroyed)

    async def ListRepairs(self, request: pb.ListRepairsRequest, context: Any) -> pb.ListRepairsResponse:
        found, following = await self._repairs.page(request.page_size, request.page_token)
        return pb.ListRepairsResponse(repairs=map(_to_proto, found), next_page_token=following)


def _order(action: RepairAction, request: Any) -> Order:
    node_id = UUID(request.node_id) if "node_id" in request.DESCRIPTOR.fields_by_name else None
    return Order(action, UUID(request.vm_id), current().user.user_id, request.reason, node_id)


def _to_proto(repair: Repair) -> pb.Repair:
    return pb.Repair(
        repair_id=str(repair.repair_id),
        action=repair.action,
        vm_id=str(repair.vm_id),
        node_id=str(repair.node_id or ""),
        initiated_by=str(repair.initiated_by),
        reason=repair.reason,
        outcome=repair.outcome,
        time=to_timestamp(repair.created_at),
    )
