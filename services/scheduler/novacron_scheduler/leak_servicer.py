"""The gRPC edge of leaks: convert, call, convert back."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID

from novacron.api.scheduler import v1 as pb
from novacron.timestamps import to_timestamp

from .answer import Answer
from .leaks import Expired, Leaks

_RELEASED: Answer[bool, pb.ReleaseLeakResponse] = Answer(
    pb.ReleaseLeakResponse, lambda released: pb.ReleaseLeakResponse(released=released)
)


class LeakServicer(pb.LeakServiceServicer):
    """What is held for nobody."""

    def __init__(self, leaks: Leaks) -> None:
        self._leaks = leaks

    async def ReleaseLeak(self, request: pb.ReleaseLeakRequest, context: Any) -> pb.ReleaseLeakResponse:
        return await self._leaks.release(
            UUID(request.vm_id), UUID(request.node_id), UUID(request.decision_id), _RELEASED
        )

    async def ListExpiredReservations(
        self, request: pb.ListExpiredReservationsRequest, context: Any
    ) -> pb.ListExpiredReservationsResponse:
        last = request.after
        after = (last.allocated_at.ToDatetime(tzinfo=UTC), UUID(last.vm_id)) if request.HasField("after") else None
        found = await self._leaks.expired(request.page_size, after)
        return pb.ListExpiredReservationsResponse(reservations=map(_expired, found))


def _expired(one: Expired) -> pb.ExpiredReservation:
    return pb.ExpiredReservation(
        vm_id=str(one.vm_id),
        node_id=str(one.node_id),
        decision_id=str(one.decision_id),
        allocated_at=to_timestamp(one.allocated_at),
    )
