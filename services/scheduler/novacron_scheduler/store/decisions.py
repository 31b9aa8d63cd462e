"""``scheduling_decisions``."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic_core import to_json

from novacron import __version__
from novacron.db import Connection

from ..reservation import Decision, Scored
from ..resources import Resources

COLUMNS = """
id, vm_id, tenant_id, requested_resources, constraints, candidate_nodes, removed_by_filter, selected_node_id,
decision_algorithm, decision_score, decision_factors, explanation, scheduler_version
"""
VALUES = """
%(decision_id)s::uuid, %(vm_id)s::uuid, %(tenant_id)s::uuid, %(requested)s::jsonb, %(constraints)s::jsonb,
%(candidates)s::jsonb, %(removed)s::jsonb, %(node_id)s::uuid, %(algorithm)s::text, %(score)s::double precision,
%(factors)s::jsonb, %(explanation)s::text, %(version)s::text
"""
_RECORD = f"INSERT INTO scheduling_decisions ({COLUMNS}) VALUES ({VALUES})"
_NEWEST = """
SELECT id, vm_id, tenant_id, requested_resources, constraints, candidate_nodes, removed_by_filter, selected_node_id,
    decision_algorithm, explanation, decision_time
FROM scheduling_decisions WHERE vm_id = %s ORDER BY decision_time DESC, id DESC LIMIT 1
"""


class DecisionStore:
    """Why VMs are where they are."""

    async def record(self, connection: Connection, decision: Decision) -> None:
        """Keep a decision that claims nothing: a refusal. One that claims is kept by the claim's own statement."""
        await connection.execute(_RECORD, values(decision))

    async def newest(self, connection: Connection, vm_id: UUID) -> Decision | None:
        row = await (await connection.execute(_NEWEST, (vm_id,))).fetchone()
        return None if row is None else _decision(row)


_DOCUMENTS = ("requested", "constraints", "candidates", "removed", "factors")


def values(decision: Decision) -> dict[str, Any]:
    """The parameters of :data:`VALUES`."""
    said = document(decision)
    return said | {name: Jsonb(said[name], dumps=to_json) for name in _DOCUMENTS}


def document(decision: Decision) -> dict[str, Any]:
    """The same in what :func:`to_json` can carry."""
    selected = decision.selected
    candidates = [
        {"node_id": one.node_id, "name": one.name, "score": one.score, "factors": one.factors}
        for one in decision.candidates
    ]
    return {
        "decision_id": decision.decision_id,
        "vm_id": decision.vm_id,
        "tenant_id": decision.tenant_id,
        "requested": decision.requested_resources._asdict() | {"gpu_type": decision.gpu_type},
        "constraints": decision.constraints,
        "candidates": candidates,
        "removed": decision.removed_by_filter,
        "node_id": selected.node_id if selected else None,
        "algorithm": decision.decision_algorithm,
        "score": selected.score if selected else None,
        "factors": selected.factors if selected else {},
        "explanation": decision.explanation,
        "version": __version__,
    }


def _decision(row: tuple[Any, ...]) -> Decision:
    requested = dict(row[3])
    gpu_type = requested.pop("gpu_type")
    candidates = tuple(Scored(UUID(one["node_id"]), one["name"], one["score"], one["factors"]) for one in row[5])
    return Decision(
        decision_id=row[0],
        vm_id=row[1],
        tenant_id=row[2],
        requested_resources=Resources(**requested),
        gpu_type=gpu_type,
        constraints=row[4],
        candidates=candidates,
        removed_by_filter=row[6],
        selected=next((one for one in candidates if one.node_id == row[7]), None),
        decision_algorithm=row[8],
        explanation=row[9],
        decision_time=row[10],
    )
