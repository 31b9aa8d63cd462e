"""The gRPC edge of rebalancing: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.scheduler import v1 as pb

from .rebalance.policy import Kind, Policy
from .rebalance.proposal import Move
from .rebalances import Proposed, Rebalances

_KINDS = {pb.REBALANCE_KIND_HOTSPOT: Kind.HOTSPOT, pb.REBALANCE_KIND_CONSOLIDATION: Kind.CONSOLIDATION}


class RebalanceServicer(pb.RebalanceServiceServicer):
    """Where VMs should rather be."""

    def __init__(self, rebalances: Rebalances) -> None:
        self._rebalances = rebalances

    async def ProposeRebalance(self, request: pb.ProposeRebalanceRequest, context: Any) -> pb.RebalanceProposal:
        return _message(await self._rebalances.propose(_policy(request)))


def _policy(request: pb.ProposeRebalanceRequest) -> Policy:
    usual = Policy(_KINDS[request.kind])
    return Policy(
        usual.kind,
        most_moves=request.max_moves or usual.most_moves,
        hot_share=request.hot_share or usual.hot_share,
        full_share=request.full_share or usual.full_share,
        time_limit_seconds=request.time_limit.ToTimedelta().total_seconds() or usual.time_limit_seconds,
    )


def _message(made: Proposed) -> pb.RebalanceProposal:
    proposal = made.proposal
    return pb.RebalanceProposal(
        moves=[_move(one, made.names) for one in proposal.moves],
        gain=proposal.gain,
        solver=proposal.solver,
        explanation=proposal.explanation,
        unmeasured_vms=made.unmeasured,
    )


def _move(move: Move, names: dict[UUID, str]) -> pb.RebalanceMove:
    return pb.RebalanceMove(
        vm_id=str(move.vm_id),
        source_node_id=str(move.source_node_id),
        source_node_name=names[move.source_node_id],
        target_node_id=str(move.target_node_id),
        target_node_name=names[move.target_node_id],
        gain=move.gain,
        reason=move.reason,
    )
