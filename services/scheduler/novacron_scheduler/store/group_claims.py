"""Claims made together: the same conditions and the same records as one claim alone, for as many as wait, in one statement."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from novacron.db import Connection, id_array
from novacron.ids import new_id

from ..node import Node
from ..placement import Place
from ..policy import Guideline
from ..quota import Quota, charge
from ..reservation import Decision, Demand, Reservation
from . import decisions
from .nodes import NODE_COLUMNS, NODE_WIDTH, node
from .policies import GUIDELINE_LIST, Look, guidelines_by_tenant
from .quotas import COUNT_EACH, QUOTA_LIST, quotas_by_tenant
from .reservations import AMOUNTS

_NUMBERED = list(enumerate(AMOUNTS, 1))
# All that is known before a choice in one look, at one instant. Where a wait for locks is given, it holds for the transaction.
_LOOK = f"""
SELECT set_config('lock_timeout', coalesce(%(patience)s, current_setting('lock_timeout')), true),
    ARRAY(SELECT vm_id FROM resource_allocations WHERE vm_id = ANY(%(vm_ids)s::uuid[]) AND status = 'active'),
    {GUIDELINE_LIST}, {QUOTA_LIST}
"""

# A node takes all that was chosen for it, or nothing: a VM without a row in the answer found its node filled or changed. One
# that has a place already, or whose tenant's quota does not take it, is told: its share was taken, the transaction must end.
# Rows are locked in one order, all nodes before any quota, and all before the first UPDATE: of two groups neither waits for the
# other in turn. Whoever waited here has the UPDATE's condition checked on what the other left.
_CLAIM = f"""
WITH wanted AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(wanted)s::json) AS one (
        allocation_id uuid, vm_id uuid, tenant_id uuid, node_id uuid, generation bigint, digest text, allocation_type text,
        cpu_cores bigint, memory_mib bigint, storage_gib bigint, network_bandwidth_mbps bigint, gpu_count bigint,
        gpu_type text, charge bigint[], footprint bigint[], groups text[], priority integer, vm_name text,
        decision_id uuid, requested jsonb, constraints jsonb,
        candidates jsonb, removed jsonb, algorithm text, score double precision, factors jsonb, explanation text, version text
    )
), needed AS (
    SELECT node_id, generation, {", ".join(f"sum(footprint[{n}])::bigint AS {name}" for n, name in _NUMBERED)}
    FROM wanted GROUP BY node_id, generation
), node_lock AS MATERIALIZED (
    SELECT FROM nodes WHERE id = ANY(%(node_ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE
), quota_lock AS MATERIALIZED (
    SELECT FROM tenant_quotas WHERE tenant_id = ANY(%(limited)s::uuid[]) AND (SELECT count(*) FROM node_lock) > 0
    ORDER BY tenant_id FOR NO KEY UPDATE
), claimed AS (
    UPDATE nodes SET
        {", ".join(f"allocated_{name} = allocated_{name} + needed.{name}" for name in AMOUNTS)}
    FROM needed
    WHERE (SELECT count(*) FROM quota_lock) >= 0 AND nodes.id = ANY(%(node_ids)s::uuid[]) AND nodes.id = needed.node_id
        AND nodes.generation = needed.generation AND nodes.lease_until > now()
        AND {" AND ".join(f"allocated_{name} + needed.{name} <= allocatable_{name}" for name in AMOUNTS)}
    RETURNING nodes.*
), allocation AS (
    INSERT INTO resource_allocations (
        id, vm_id, tenant_id, node_id, decision_id, request_digest, allocation_type,
        cpu_cores, memory_mb, storage_gb, network_bandwidth_mbps, gpu_count, gpu_type, quota_charge, footprint,
        groups, priority, vm_name
    )
    SELECT allocation_id, vm_id, tenant_id, node_id, decision_id, decode(digest, 'hex'),
        allocation_type::allocation_type_enum, wanted.cpu_cores, wanted.memory_mib, wanted.storage_gib,
        wanted.network_bandwidth_mbps, wanted.gpu_count, wanted.gpu_type, charge, footprint, groups, priority, wanted.vm_name
    FROM wanted JOIN claimed ON claimed.id = wanted.node_id
    ON CONFLICT DO NOTHING
    RETURNING vm_id, tenant_id, quota_charge AS charge, allocated_at
), decision AS (
    INSERT INTO scheduling_decisions ({decisions.COLUMNS})
    SELECT decision_id, vm_id, wanted.tenant_id, requested, constraints, candidates, removed, node_id, algorithm, score,
        factors, explanation, version
    FROM wanted JOIN allocation USING (vm_id)
), counted AS (
    {COUNT_EACH}
)
SELECT {NODE_COLUMNS}, wanted.vm_id, allocation.allocated_at,
    wanted.tenant_id IN (SELECT tenant_id FROM counted)
        OR NOT EXISTS (SELECT FROM tenant_quotas WHERE tenant_quotas.tenant_id = wanted.tenant_id)
FROM wanted JOIN claimed AS nodes ON nodes.id = wanted.node_id LEFT JOIN allocation USING (vm_id)
"""


class TakenBack(Exception):
    """The nodes took these VMs, and they hold a place already or their tenant's quota did not: the transaction must end."""

    def __init__(self, vm_ids: frozenset[UUID]) -> None:
        super().__init__()
        self.vm_ids = vm_ids


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a VM shall be, and why."""

    demand: Demand
    place: Place
    decision: Decision
    digest: bytes


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of VMs and their tenants before a choice."""

    held: frozenset[UUID]  # VMs that hold a place
    guidelines: Mapping[UUID, Sequence[Guideline]]  # by tenant, the highest first
    quotas: Mapping[UUID, Quota]


class GroupClaimStore:
    """Claims of many VMs at once."""

    async def circumstances(
        self, connection: Connection, vm_ids: Iterable[UUID], tenant_ids: Iterable[UUID]
    ) -> Circumstances:
        return await self.seen(await self.look(connection, vm_ids, tenant_ids))

    async def look(
        self, connection: Connection, vm_ids: Iterable[UUID], tenant_ids: Iterable[UUID], patience: str | None = None
    ) -> Look:
        """Ask for the circumstances; in a pipeline the answer is waited for when it is :meth:`seen`. With ``patience`` no
        statement of the transaction waits longer for a lock."""
        asked = {"vm_ids": id_array(vm_ids), "tenant_ids": id_array(tenant_ids), "patience": patience}
        return await connection.execute(_LOOK, asked)

    async def seen(self, look: Look) -> Circumstances:
        ((_, held, guidelines, quotas),) = await look.fetchall()
        return Circumstances(frozenset(held), guidelines_by_tenant(guidelines), quotas_by_tenant(quotas))

    async def claim(
        self, connection: Connection, choices: Sequence[Choice], limited: Iterable[UUID]
    ) -> dict[UUID, Reservation]:
        """Take what these VMs need, count it for their tenants and record the decisions; by VM. A VM whose node has changed
        or has no room for all that were chosen for it has no answer, and nothing of it was written.

        ``limited`` are the tenants known to have a quota. :raises TakenBack: some have a place already, or too much.
        """
        if not choices:
            return {}
        wanted = {one.demand.vm_id: one for one in choices}
        asked = {
            # Most of it is the records of the candidates; the standard library's encoder takes three times as long.
            "wanted": to_json([_wanted(one) for one in choices]).decode(),
            "node_ids": id_array({one.place.node_id for one in choices}),
            "limited": id_array(limited),
        }
        cursor = await connection.execute(_CLAIM, asked)
        rows = await cursor.fetchall()
        lost = frozenset(row[NODE_WIDTH] for row in rows if row[NODE_WIDTH + 1] is None or not row[NODE_WIDTH + 2])
        if lost:
            raise TakenBack(lost)
        nodes = {row[0]: node(row) for row in rows}
        return {
            vm_id: _reservation(wanted[vm_id], nodes[node_id], allocated_at)
            for node_id, vm_id, allocated_at in ((row[0], row[NODE_WIDTH], row[NODE_WIDTH + 1]) for row in rows)
        }


def _wanted(one: Choice) -> dict[str, Any]:
    demand = one.demand
    return {
        **demand.need._asdict(),
        **decisions.document(one.decision),
        "allocation_id": new_id(),
        "generation": one.place.generation,
        "digest": one.digest.hex(),
        "allocation_type": demand.allocation_type,
        "gpu_type": demand.gpu_type,
        "charge": charge(demand.need),
        "footprint": demand.footprint,
        "groups": demand.groups,
        "priority": demand.priority,
        "vm_name": demand.name,
    }


def _reservation(choice: Choice, where: Node, allocated_at: datetime) -> Reservation:
    demand = choice.demand
    return Reservation(
        vm_id=demand.vm_id,
        tenant_id=demand.tenant_id,
        node=where,
        resources=demand.need,
        footprint=demand.footprint,
        gpu_type=demand.gpu_type,
        allocation_type=demand.allocation_type,
        allocated_at=allocated_at,
        confirmed_at=None,
        decision_id=choice.decision.decision_id,
        request_digest=choice.digest,
    )
