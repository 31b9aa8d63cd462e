"""Room that VMs give up for others, in ``resource_allocations``."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from novacron.db import Connection

from ..preemption import Holder, Preemption
from ..reservation import Demand
from ..resources import Resources
from .reservations import AMOUNTS, FOOTPRINT, LostRace

# Who has its place for good. What is claimed or resized, what moves, and who gives way to another already is left alone.
_HOLDERS = f"""
SELECT vm_id, vm_name, tenant_id, node_id, priority, {FOOTPRINT} FROM resource_allocations held
WHERE tenant_id = %(tenant_id)s AND status = 'active' AND priority < %(priority)s
    AND confirmed_at IS NOT NULL AND resized_to IS NULL AND yields_to IS NULL
    AND NOT EXISTS (
        SELECT FROM resource_allocations moving WHERE moving.vm_id = held.vm_id AND moving.status = 'migrating'
    )
    AND (%(of)s::uuid[] IS NULL OR vm_id = ANY(%(of)s))
"""
# In one order everywhere, and before their node's row, as a release takes them. Moves and resizes lock this row too before they
# claim anything: what is read after this stays so.
_LOCK = "SELECT FROM resource_allocations WHERE vm_id = ANY(%s) AND status = 'active' ORDER BY id FOR UPDATE"
# Only where the node is still what the choice saw: nobody gives way for room that is there.
_TAKE_OVER = f"""
WITH given AS (
    UPDATE resource_allocations SET yields_to = %(vm_id)s, yielded = one.yielded, footprint = one.footprint
    FROM json_to_recordset(%(shares)s::json) AS one (vm_id uuid, yielded bigint[], footprint bigint[])
    WHERE resource_allocations.vm_id = one.vm_id AND status = 'active'
    RETURNING one.yielded
), summed AS (
    SELECT {", ".join(f"sum(yielded[{n}])::bigint AS {name}" for n, name in enumerate(AMOUNTS, 1))} FROM given
)
UPDATE nodes SET {", ".join(f"allocated_{name} = allocated_{name} - summed.{name}" for name in AMOUNTS)}
FROM summed
WHERE id = %(node_id)s AND generation = %(generation)s
    AND ARRAY[{", ".join(f"allocatable_{name} - allocated_{name}" for name in AMOUNTS)}]::bigint[] = %(free)s::bigint[]
"""


class PreemptionStore:
    """Who could give way, and who does."""

    async def holders(
        self, connection: Connection, tenant_id: UUID, priority: int, of: Sequence[UUID] | None = None
    ) -> list[Holder]:
        """VMs of the tenant with a lower priority that could give way; of these alone, if named."""
        values = {"tenant_id": tenant_id, "priority": priority, "of": None if of is None else list(of)}
        rows = await (await connection.execute(_HOLDERS, values)).fetchall()
        return [_holder(*row) for row in rows]

    async def take_over(self, connection: Connection, demand: Demand, made: Preemption) -> None:
        """From now on they give way, and what the node lacks is free on it until the transaction ends, which has to claim it.

        :raises LostRace: one of them, or the node, is not what it was any more; the transaction must end.
        """
        ids = [one.vm_id for one in made.yielding]
        await connection.execute(_LOCK, (ids,))
        still = await self.holders(connection, demand.tenant_id, demand.priority, ids)
        if sorted(still, key=_by_id) != sorted(made.yielding, key=_by_id):
            raise LostRace
        values = {
            "vm_id": demand.vm_id,
            "node_id": made.offer.node_id,
            "generation": made.offer.generation,
            "free": list(made.offer.free),
            "shares": _shares(demand, made),
        }
        if not (await connection.execute(_TAKE_OVER, values)).rowcount:
            raise LostRace


def _holder(vm_id: UUID, name: str, tenant_id: UUID, node_id: UUID, priority: int, footprint: Sequence[int]) -> Holder:
    return Holder(vm_id, name, tenant_id, node_id, priority, Resources(*footprint))


def _by_id(one: Holder) -> UUID:
    return one.vm_id


def _shares(demand: Demand, made: Preemption) -> str:
    taken = made.taken_over(demand)
    return json.dumps(
        [
            {
                "vm_id": str(one.vm_id),
                "yielded": taken[one.vm_id],
                "footprint": one.footprint.minus(taken[one.vm_id]),
            }
            for one in made.yielding
        ]
    )
