"""The gRPC edge of batches: convert, call, convert back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from novacron.api.errors.v1 import Reason
from novacron.api.scheduler import v1 as pb

from . import messages
from .answer import Answer
from .batch import Outcome
from .batches import Batches
from .overcommit import Overcommit


class BatchServicer(pb.BatchServiceServicer):
    """Reservations of many VMs."""

    def __init__(self, batches: Batches, overcommit: Overcommit) -> None:
        self._batches = batches
        self._overcommit = overcommit

    async def ReserveResourcesBatch(
        self, request: pb.ReserveResourcesBatchRequest, context: Any
    ) -> pb.ReserveResourcesBatchResponse:
        demands = [messages.demand(one, self._overcommit) for one in request.requests]
        return await self._batches.reserve(demands, _RESERVED, whole=request.mode != pb.BATCH_MODE_BEST_EFFORT)

    async def ReleaseReservationsBatch(
        self, request: pb.ReleaseReservationsBatchRequest, context: Any
    ) -> pb.ReleaseReservationsBatchResponse:
        return await self._batches.release([UUID(one) for one in request.vm_ids], _RELEASED)


def _answered(outcomes: Sequence[Outcome]) -> pb.ReserveResourcesBatchResponse:
    return pb.ReserveResourcesBatchResponse(answers=map(_answer, outcomes))


def _answer(outcome: Outcome) -> pb.BatchAnswer:
    answer = pb.BatchAnswer(vm_id=str(outcome.vm_id))
    if outcome.reservation is not None:
        held = outcome.reservation
        # Many hosts with their labels would not fit into a message; where its agent is, whoever makes the VM has to know.
        answer.reservation.CopyFrom(messages.reservation(held, with_host=False))
        answer.reservation.node.agent_address = held.node.description.agent_address
    if outcome.error is not None:
        answer.refusal.reason = cast(Reason, Reason.Value(f"REASON_{outcome.error.reason}"))
        answer.refusal.message = outcome.error.message
        answer.refusal.metadata.update(outcome.error.metadata)
    return answer


_RESERVED: Answer[Sequence[Outcome], pb.ReserveResourcesBatchResponse] = Answer(
    pb.ReserveResourcesBatchResponse, _answered
)
_RELEASED: Answer[frozenset[UUID], pb.ReleaseReservationsBatchResponse] = Answer(
    pb.ReleaseReservationsBatchResponse,
    lambda released: pb.ReleaseReservationsBatchResponse(released_vm_ids=sorted(map(str, released))),
)
