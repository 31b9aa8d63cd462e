"""What a rebalance looks at: every place that a VM holds, and what its VM may ask of another one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Connection

from ..overcommit import Overcommit
from ..policy import Guideline
from ..reservation import AllocationType, Demand
from ..resources import Resources
from .policies import GUIDELINES_OF, guideline

# A VM that a saga holds, that is on its way or that is being resized stays where it is, and so does one of which nobody knows
# any more what it asked for.
_HELD = """
SELECT held.vm_id, held.tenant_id, held.node_id, held.cpu_cores, held.memory_mb, held.storage_gb, held.network_bandwidth_mbps,
    held.gpu_count, held.gpu_type, held.allocation_type::text, held.groups, decision.constraints,
    decision.id IS NOT NULL AND held.confirmed_at IS NOT NULL AND held.resized_to IS NULL AND NOT EXISTS (
        SELECT FROM resource_allocations moving WHERE moving.vm_id = held.vm_id AND moving.status = 'migrating'
    )
FROM resource_allocations held LEFT JOIN scheduling_decisions decision ON decision.id = held.decision_id
WHERE held.status = 'active' ORDER BY held.vm_id
"""
_CAPACITIES = """
SELECT id, capacity_cpu_cores, capacity_memory_mb, capacity_storage_gb, capacity_network_bandwidth_mbps, capacity_gpu_count
FROM nodes
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """A VM with its place, as it may be asked for elsewhere."""

    demand: Demand
    node_id: UUID
    movable: bool


class RebalanceStore:
    """One look at all that is held."""

    async def held(self, connection: Connection, overcommit: Overcommit) -> list[Holding]:
        """Every VM with its present place."""
        return [_holding(row, overcommit) for row in await (await connection.execute(_HELD)).fetchall()]

    async def capacities(self, connection: Connection) -> dict[UUID, Resources]:
        """What each node has."""
        return {row[0]: Resources(*row[1:]) for row in await (await connection.execute(_CAPACITIES)).fetchall()}

    async def guidelines(self, connection: Connection, tenants: Iterable[UUID]) -> dict[UUID, list[Guideline]]:
        """The placement policies of each tenant that has any, the highest first."""
        found: defaultdict[UUID, list[Guideline]] = defaultdict(list)
        for tenant_id, *texts in await (await connection.execute(GUIDELINES_OF, (list(tenants),))).fetchall():
            found[tenant_id].append(guideline(*texts))
        return found


def _holding(row: tuple[Any, ...], overcommit: Overcommit) -> Holding:
    vm_id, tenant_id, node_id, *amounts, gpu_type, kind, groups, conditions, movable = row
    asked = conditions or {}
    demand = Demand(
        vm_id=vm_id,
        tenant_id=tenant_id,
        need=Resources(*amounts),
        gpu_type=gpu_type,
        allocation_type=AllocationType(kind),
        weights=overcommit.weights(AllocationType(kind)),
        hypervisor_type=asked.get("hypervisor_type", ""),
        region=asked.get("region", ""),
        availability_zone=asked.get("availability_zone", ""),
        node_labels=asked.get("node_labels", {}),
        tolerations=tuple((key, value) for key, value in asked.get("tolerations", ())),
        # Not the node: it was sent to that one once, and does not have to stay there for ever.
        groups=tuple(groups),
    )
    return Holding(demand, node_id, movable)
