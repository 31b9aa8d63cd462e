"""A vm service that drains nodes: each look finds it one step further in a script."""

from __future__ import annotations

from novacron.api.vm.v1 import (
    NODE_DRAIN_STATE_CANCELLED,
    NODE_DRAIN_STATE_CANCELLING,
    NODE_DRAIN_STATE_DRAINED,
    NODE_DRAIN_STATE_RUNNING,
    DrainServiceServicer,
    LeftBehind,
    NodeDrain,
)
from novacron.errors import NotFound

VMS = 2


class Drains(DrainServiceServicer):
    """``left_behind`` are VMs that cannot be moved, ``ends`` the state that its drains come to."""

    def __init__(self) -> None:
        self.requests = []
        self.drain: NodeDrain | None = None
        self.left_behind: list[LeftBehind] = []
        self.ends = NODE_DRAIN_STATE_DRAINED

    async def DrainNode(self, request, context):
        self.requests.append(request)
        if self.drain is None or self.drain.finished_at.seconds:
            self.drain = NodeDrain(drain_id=request.request_id, node_name=request.node, left=VMS, budget=2)
            self.drain.state = NODE_DRAIN_STATE_RUNNING
            self.drain.created_at.GetCurrentTime()
        return self.drain

    async def GetNodeDrain(self, request, context):
        if self.drain is None:
            raise NotFound.named("drain", request.drain)
        told = NodeDrain()
        told.CopyFrom(self.drain)
        self._goes_on()
        return told

    async def CancelNodeDrain(self, request, context):
        await self.GetNodeDrain(request, context)
        self.drain.state, self.ends = NODE_DRAIN_STATE_CANCELLING, NODE_DRAIN_STATE_CANCELLED
        return self.drain

    def _goes_on(self) -> None:
        if self.drain.moved + len(self.left_behind) < VMS and self.ends != NODE_DRAIN_STATE_CANCELLED:
            self.drain.moved += 1
            self.drain.left -= 1
        elif not self.drain.finished_at.seconds:
            self.drain.left_behind.extend(self.left_behind)
            self.drain.state = self.ends
            self.drain.finished_at.GetCurrentTime()
