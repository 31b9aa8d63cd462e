"""The gRPC edge of node events: convert, call, convert back."""

from __future__ import annotations

from typing import Any

from novacron.api.scheduler import v1 as pb
from novacron.timestamps import to_timestamp

from .losses import Losses
from .node_event import NodeEvent


class NodeEventServicer(pb.NodeEventServiceServicer):
    """What became of nodes."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses

    async def ListNodeEvents(self, request: pb.ListNodeEventsRequest, context: Any) -> pb.ListNodeEventsResponse:
        found = await self._losses.events(request.after_sequence, request.page_size)
        return pb.ListNodeEventsResponse(events=map(_message, found))


def _message(event: NodeEvent) -> pb.NodeEvent:
    return pb.NodeEvent(
        sequence=event.sequence,
        node_id=str(event.node_id),
        node_name=event.node_name,
        kind=f"NODE_EVENT_KIND_{event.kind.name}",
        epoch=event.epoch,
        time=to_timestamp(event.created_at),
    )
