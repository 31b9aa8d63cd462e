"""The gRPC edge of drains: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.vm.v1 import (
    CancelNodeDrainRequest,
    DrainNodeRequest,
    DrainServiceServicer,
    GetNodeDrainRequest,
    LeftBehind,
    NodeDrain,
)
from novacron.rpc import current
from novacron.timestamps import to_timestamp

from .drain import Drain
from .drains import Drains

_BUDGET = 2
_GRACE_SECONDS = 10
_UNNAMED = "VMs are left that cannot be moved: who may drain nodes is told which"


class DrainServicer(DrainServiceServicer):
    """DrainService."""

    def __init__(self, drains: Drains) -> None:
        self._drains = drains

    async def DrainNode(self, request: DrainNodeRequest, context: Any) -> NodeDrain:
        drain = await self._drains.begin(
            request.node,
            current().user.user_id,
            budget=request.budget or _BUDGET,
            grace_seconds=request.grace_seconds if request.HasField("grace_seconds") else _GRACE_SECONDS,
            request_id=UUID(request.request_id) if request.request_id else None,
        )
        return drain_to_proto(drain)

    async def GetNodeDrain(self, request: GetNodeDrainRequest, context: Any) -> NodeDrain:
        return drain_to_proto(await self._drains.get(request.drain))

    async def CancelNodeDrain(self, request: CancelNodeDrainRequest, context: Any) -> NodeDrain:
        return drain_to_proto(await self._drains.cancel(request.drain))


def drain_to_proto(drain: Drain) -> NodeDrain:
    """To whoever may not drain nodes it says how many VMs are left and why, and not which: they are other tenants'."""
    progress, whose = drain.progress, current().may("node:drain")
    return NodeDrain(
        drain_id=str(drain.id),
        node_id=str(drain.node_id),
        node_name=drain.node_name,
        state=f"NODE_DRAIN_STATE_{drain.state.name}",
        budget=drain.budget,
        moved=progress.moved,
        under_way=progress.under_way,
        left=progress.left,
        left_behind=[
            LeftBehind(vm_id=str(one.vm_id), name=one.name, reason=one.reason, message=one.message)
            if whose
            else LeftBehind(reason=one.reason)
            for one in progress.left_behind
        ],
        error=drain.error if whose or not progress.left_behind else _UNNAMED,
        requested_by=str(drain.requested_by),
        created_at=to_timestamp(drain.created_at),
        finished_at=to_timestamp(drain.finished_at),
    )
