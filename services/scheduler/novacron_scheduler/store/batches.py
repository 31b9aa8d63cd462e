"""Many reservations given back at once."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from novacron.db import Connection

from .quotas import CHARGE, REFUND
from .reservations import AMOUNTS, FOOTPRINT, LEFT, Left, left

_NUMBERED = list(enumerate(AMOUNTS, 1))

# Rows of one kind in one order, VMs before nodes before quotas, as claims take them: of two batches neither waits for the
# other in turn. What VMs that stay gave up for one that goes is theirs again, as in a release of that one alone.
_LOCK_HELD = """
SELECT node_id FROM resource_allocations
WHERE (vm_id = ANY(%(vm_ids)s) OR yields_to = ANY(%(vm_ids)s)) AND status <> 'deallocated' ORDER BY id FOR UPDATE
"""
_LOCK_NODES = "SELECT FROM nodes WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_RELEASE = f"""
WITH released AS (
    UPDATE resource_allocations SET status = 'deallocated', deallocated_at = now()
    WHERE vm_id = ANY(%(vm_ids)s) AND status <> 'deallocated'
    RETURNING vm_id, tenant_id, node_id, {FOOTPRINT} AS footprint, {CHARGE} AS charge
), restored AS (
    UPDATE resource_allocations whole SET yields_to = NULL, yielded = NULL,
        footprint = ARRAY[{", ".join(f"whole.footprint[{n}] + yielding.yielded[{n}]" for n, _ in _NUMBERED)}]
    FROM resource_allocations yielding
    WHERE whole.id = yielding.id AND yielding.status = 'active' AND NOT yielding.vm_id = ANY(%(vm_ids)s)
        AND yielding.yields_to IN (SELECT vm_id FROM released)
    RETURNING whole.node_id, yielding.yielded
), refunded AS (
    {REFUND}
), given_back AS (
    UPDATE nodes SET {", ".join(f"allocated_{name} = allocated_{name} - left_by.{name}" for name in AMOUNTS)}
    FROM (
        SELECT node_id, {", ".join(f"sum(sign * footprint[{n}])::bigint AS {name}" for n, name in _NUMBERED)}
        FROM (SELECT node_id, 1, footprint FROM released UNION ALL SELECT node_id, -1, yielded FROM restored)
            changed (node_id, sign, footprint)
        GROUP BY node_id
    ) left_by
    WHERE nodes.id = left_by.node_id
    RETURNING {LEFT}
)
SELECT vm_id, given_back.* FROM released JOIN given_back ON given_back.id = released.node_id
"""


class BatchStore:
    """Reservations of many VMs."""

    async def release(self, connection: Connection, vm_ids: Sequence[UUID]) -> tuple[frozenset[UUID], list[Left]]:
        """Those of the VMs that held something, which is free now; and how that left their nodes."""
        which = {"vm_ids": list(vm_ids)}
        cursor = await connection.execute(_LOCK_HELD, which)
        node_ids = list({node_id for (node_id,) in await cursor.fetchall()})
        await connection.execute(_LOCK_NODES, (node_ids,))
        cursor = await connection.execute(_RELEASE, which)
        rows = await cursor.fetchall()
        return frozenset(row[0] for row in rows), list({row[1]: left(row[1:]) for row in rows}.values())
