"""The gRPC edge of dry runs: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.scheduler import v1 as pb
from novacron.rpc import current

from . import messages
from .overcommit import Overcommit
from .placement import Closest
from .placements import Explained, Placements
from .remedy import Remedy
from .resources import Resources


class PlacementServicer(pb.PlacementServiceServicer):
    """Where VMs would go."""

    def __init__(self, placements: Placements, overcommit: Overcommit) -> None:
        self._placements = placements
        self._overcommit = overcommit

    async def ExplainPlacement(self, request: pb.ExplainPlacementRequest, context: Any) -> pb.PlacementExplanation:
        caller = current()
        tenant_id = UUID(request.tenant_id) if request.tenant_id else caller.user.tenant_id
        demand = messages.hypothetical(request, tenant_id, self._overcommit)
        return _message(await self._placements.explain(demand, caller.tenant_filter))


def _message(made: Explained) -> pb.PlacementExplanation:
    return pb.PlacementExplanation(
        node_id=str(made.selected.node_id) if made.selected else "",
        node_name=made.selected.name if made.selected else "",
        explanation=made.words,
        node_count=made.ranking.looked_at,
        removed_by_filter=made.ranking.removed_by_filter,
        candidates=[messages.candidate(one.scored) for one in made.ranking.candidates],
        closest=map(_shortfall, made.ranking.closest),
        remedies=map(_remedy, made.remedies),
        exceeded_quotas=[one.dimension for one in made.excesses],
        yielding=[pb.Yielding(vm_id=str(one.vm_id), name=one.name, priority=one.priority) for one in made.yielding],
    )


def _shortfall(closest: Closest) -> pb.Shortfall:
    # A node that holds more than it has, since its host shrank, has nothing free.
    free = Resources(*(max(amount, 0) for amount in closest.free))
    return pb.Shortfall(
        node_id=str(closest.offer.node_id),
        name=closest.offer.name,
        lacking=messages.resources(closest.lacking),
        free=messages.resources(free),
    )


def _remedy(remedy: Remedy) -> pb.Remedy:
    return pb.Remedy(
        filters=remedy.filters, node_name=remedy.node, less=messages.resources(remedy.less), words=remedy.words
    )
