"""The gRPC edge of leaks: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.scheduler import v1 as pb

from .answer import Answer
from .leaks import Leaks

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
