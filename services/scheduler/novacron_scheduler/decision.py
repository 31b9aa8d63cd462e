"""What is recorded of a choice."""

from __future__ import annotations

from novacron.ids import new_id

from .placement import ALGORITHM, Candidate, Ranking
from .reservation import Decision, Demand


def decide(demand: Demand, ranking: Ranking, candidate: Candidate | None, words: str) -> Decision:
    """The decision for this candidate, or for nobody, with its reasons."""
    return Decision(
        decision_id=new_id(),
        vm_id=demand.vm_id,
        tenant_id=demand.tenant_id,
        requested_resources=demand.need,
        gpu_type=demand.gpu_type,
        constraints=demand.constraints(),
        candidates=tuple(one.scored for one in ranking.candidates),
        removed_by_filter=ranking.removed_by_filter,
        selected=candidate.scored if candidate else None,
        decision_algorithm=ALGORITHM,
        explanation=words,
    )
