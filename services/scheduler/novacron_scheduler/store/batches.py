"""Many reservations given back at once."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from novacron.db import Connection

from .quotas import CHARGE, REFUND
from .reservations import AMOUNTS, FOOTPRINT

# Rows of one kind in one order, VMs before nodes before quotas, as claims take them: of two batches neither waits for the
# other in turn.
_LOCK_HELD = (
    "SELECT node_id FROM resource_allocations WHERE vm_id = ANY(%s) AND status <> 'deallocated' ORDER BY id FOR UPDATE"
)
_LOCK_NODES = "SELECT FROM nodes WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_RELEASE = f"""
WITH released AS (
    UPDATE resource_allocations SET status = 'deallocated', deallocated_at = now()
    WHERE vm_id = ANY(%s) AND status <> 'deallocated'
    RETURNING vm_id, tenant_id, node_id, {FOOTPRINT} AS footprint, {CHARGE} AS charge
), refunded AS (
    {REFUND}
), given_back AS (
    UPDATE nodes SET {", ".join(f"allocated_{name} = allocated_{name} - left_by.{name}" for name in AMOUNTS)}
    FROM (
        SELECT node_id, {", ".join(f"sum(footprint[{n}])::bigint AS {name}" for n, name in enumerate(AMOUNTS, 1))}
        FROM released GROUP BY node_id
    ) left_by
    WHERE nodes.id = left_by.node_id
)
SELECT DISTINCT vm_id FROM released
"""


class BatchStore:
    """Reservations of many VMs."""

    async def release(self, connection: Connection, vm_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Those of the VMs that held something; it is free now."""
        cursor = await connection.execute(_LOCK_HELD, (list(vm_ids),))
        node_ids = list({node_id for (node_id,) in await cursor.fetchall()})
        await connection.execute(_LOCK_NODES, (node_ids,))
        cursor = await connection.execute(_RELEASE, (list(vm_ids),))
        return frozenset(vm_id for (vm_id,) in await cursor.fetchall())
