"""What repairs ask of other services beyond what sagas do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from novacron.api.monitoring.v1 import DeleteVmMonitoringRequest, MetricsServiceStub
from novacron.api.scheduler.v1 import (
    ExpiredReservation,
    LeakServiceStub,
    ListExpiredReservationsRequest,
    ReleaseLeakRequest,
)
from novacron.rpc import Channel
from novacron.timestamps import to_timestamp

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Expired:
    """A reservation that nobody has confirmed for long."""

    vm_id: UUID
    node_id: UUID
    decision_id: UUID
    allocated_at: datetime


class LeakClient:
    """Gives back what was leaked, and says whether there was anything."""

    def __init__(self, scheduler: Channel, monitoring: Channel) -> None:
        self._leaks = LeakServiceStub(scheduler)
        self._metrics = MetricsServiceStub(monitoring)

    async def release(self, vm_id: UUID, node_id: UUID, decision_id: UUID) -> bool:
        """This reservation, and none made since."""
        request = ReleaseLeakRequest(vm_id=str(vm_id), node_id=str(node_id), decision_id=str(decision_id))
        answer = await self._leaks.ReleaseLeak(request)
        return bool(answer.released)

    async def expired(self, after: Expired | None) -> list[Expired]:
        """Reservations that have been unconfirmed for too long, the oldest behind ``after``; none: there are no more."""
        request = ListExpiredReservationsRequest(page_size=_PAGE, after=_expired_to_proto(after) if after else None)
        answer = await self._leaks.ListExpiredReservations(request)
        return [
            Expired(UUID(one.vm_id), UUID(one.node_id), UUID(one.decision_id), one.allocated_at.ToDatetime(tzinfo=UTC))
            for one in answer.reservations
        ]

    async def unmonitor(self, vm_id: UUID) -> bool:
        answer = await self._metrics.DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=str(vm_id)))
        return bool(answer.deleted)


def _expired_to_proto(one: Expired) -> ExpiredReservation:
    return ExpiredReservation(vm_id=str(one.vm_id), allocated_at=to_timestamp(one.allocated_at))
