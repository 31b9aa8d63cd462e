"""The gRPC edge of resizes: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.scheduler import v1 as pb

from . import messages
from .answer import Answer
from .resizes import Resizes

_UNDONE: Answer[bool, pb.UndoResizeResponse] = Answer(
    pb.UndoResizeResponse, lambda undone: pb.UndoResizeResponse(undone=undone)
)


class ResizeServicer(pb.ResizeServiceServicer):
    """VMs that change their size where they are."""

    def __init__(self, resizes: Resizes) -> None:
        self._resizes = resizes

    async def ResizeReservation(self, request: pb.ResizeReservationRequest, context: Any) -> pb.Reservation:
        ids = UUID(request.vm_id), UUID(request.resize_id)
        size, gpu_type = messages.amounts(request.resources), request.resources.gpu_type
        return await self._resizes.claim(*ids, size, gpu_type, messages.RESERVED)

    async def ConfirmResize(self, request: pb.ConfirmResizeRequest, context: Any) -> pb.Reservation:
        return await self._resizes.confirm(UUID(request.vm_id), UUID(request.resize_id), messages.RESERVED)

    async def UndoResize(self, request: pb.UndoResizeRequest, context: Any) -> pb.UndoResizeResponse:
        return await self._resizes.undo(UUID(request.vm_id), UUID(request.resize_id), _UNDONE)
