"""Resizes in ``resource_allocations``: claimed, made good, or taken back."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from uuid import UUID

from novacron.db import Connection

from ..reservation import Reservation
from ..resize import Change, Standing
from ..resources import DIMENSIONS, Resources
from .quotas import CHARGE, COUNT, REFUND
from .reservations import AMOUNTS, FOOTPRINT, LEFT, Left, OverQuota, left

_BY_DIMENSION = [(number, *names) for number, names in enumerate(zip(AMOUNTS, DIMENSIONS, strict=True), 1)]
_HELD = f"ARRAY[{', '.join(AMOUNTS)}]"

_STANDING = (
    "SELECT resize_id, resized_from, resized_to FROM resource_allocations WHERE vm_id = %s AND status = 'active'"
)

# The condition is the promise, as a claim's is: the difference fits. What does not grow is not asked for, on no node. The VM's
# row is locked before the node's, as releases lock them.
_CLAIM = f"""
WITH claimed AS (
    UPDATE nodes SET
        {", ".join(f"allocated_{name} = allocated_{name} + (%(more)s::bigint[])[{n}]" for n, name, _ in _BY_DIMENSION)}
    WHERE id = %(node_id)s AND (NOT %(grows)s OR (status = 'ready' AND lease_until > now()))
        AND {
    " AND ".join(
        f"(%({dimension})s = 0 OR (allocated_{name} + (%(more)s::bigint[])[{n}] <= allocatable_{name}"
        f" AND %(new_{dimension})s <= capacity_{name}))"
        for n, name, dimension in _BY_DIMENSION
    )
}
    RETURNING {LEFT}
), held AS (
    UPDATE resource_allocations SET
        resize_id = %(resize_id)s, resized_from = {_HELD}, resized_to = %(after)s::bigint[],
        footprint_from = {FOOTPRINT}, footprint_to = %(footprint)s::bigint[],
        {", ".join(f"{name} = {name} + %({dimension})s" for _, name, dimension in _BY_DIMENSION)},
        footprint = (
            SELECT array_agg(counted + extra ORDER BY number)
            FROM unnest({FOOTPRINT}, %(more)s::bigint[]) WITH ORDINALITY AS pairs (counted, extra, number)
        ),
        quota_charge = (
            SELECT array_agg(counted + extra ORDER BY number)
            FROM unnest({CHARGE}, %(charge)s::bigint[]) WITH ORDINALITY AS pairs (counted, extra, number)
        )
    FROM claimed WHERE vm_id = %(vm_id)s AND status = 'active'
), counted AS (
    {COUNT}
)
SELECT EXISTS (SELECT FROM counted) OR NOT EXISTS (SELECT FROM tenant_quotas WHERE tenant_id = %(tenant_id)s), claimed.*
FROM claimed
"""

# The row is locked: what it holds and counts for is what is read here. What is freed is the difference, never below zero.
_SETTLE = f"""
WITH before AS (
    SELECT id, {FOOTPRINT} AS held, {CHARGE} AS charge, {{size}} AS size, coalesce({{footprint}}, {{size}}) AS footprint
    FROM resource_allocations WHERE vm_id = %s AND status = 'active' AND resize_id = %s AND {{size}} IS NOT NULL
), released AS (
    UPDATE resource_allocations SET resized_from = NULL, resized_to = NULL, resize_id = {{resize_id}},
        footprint_from = NULL, footprint_to = NULL, footprint = before.footprint,
        {", ".join(f"{name} = before.size[{number}]" for number, name, _ in _BY_DIMENSION)},
        quota_charge = ARRAY[1, before.size[1], before.size[2], before.size[3], before.size[5]]
    FROM before WHERE resource_allocations.id = before.id
    RETURNING tenant_id, node_id,
        {", ".join(f"before.held[{n}] - before.footprint[{n}] AS {name}" for n, name, _ in _BY_DIMENSION)},
        (
            SELECT array_agg(was - now ORDER BY number)
            FROM unnest(before.charge, quota_charge) WITH ORDINALITY AS pairs (was, now, number)
        ) AS charge
), refunded AS (
    {REFUND}
)
UPDATE nodes SET {", ".join(f"allocated_{name} = allocated_{name} - released.{name}" for name in AMOUNTS)}
FROM released WHERE nodes.id = released.node_id
RETURNING {LEFT}
"""
_CONFIRM = _SETTLE.format(size="resized_to", footprint="footprint_to", resize_id="resource_allocations.resize_id")
_UNDO = _SETTLE.format(size="resized_from", footprint="footprint_from", resize_id="NULL")


class ResizeStore:
    """Places that change their size. The caller has locked the VM's row."""

    async def standing(self, connection: Connection, vm_id: UUID) -> Standing:
        """The last resize of the place that the VM holds."""
        row = await (await connection.execute(_STANDING, (vm_id,))).fetchone()
        resize_id, before, after = row or (None, None, None)
        return Standing(resize_id, Resources(*before) if before else None, Resources(*after) if after else None)

    async def claim(
        self,
        connection: Connection,
        held: Reservation,
        resize_id: UUID,
        change: Change,
    ) -> Left | None:
        """Take of the VM's node what the change needs and count it for the tenant, all or nothing; how that left the node,
        or None: it does not take it.

        :raises OverQuota: the tenant may not hold that much; the transaction is lost.
        """
        values = change.extra._asdict() | {f"new_{name}": amount for name, amount in change.size._asdict().items()}
        values |= {
            "node_id": held.node.node_id,
            "vm_id": held.vm_id,
            "tenant_id": held.tenant_id,
            "resize_id": resize_id,
            "grows": any(change.extra),
            "after": list(change.size),
            "footprint": list(change.footprint),
            "more": list(change.more),
            "charge": list(change.charge),
        }
        row = await (await connection.execute(_CLAIM, values)).fetchone()
        if row is None:
            return None
        if any(change.charge) and not row[0]:
            raise OverQuota
        return left(row[1:])

    async def confirm(self, connection: Connection, vm_id: UUID, resize_id: UUID) -> Left | None:
        """The place has the new size; how that left its node, or None: this resize is not under way."""
        return await self._settle(connection, _CONFIRM, vm_id, resize_id)

    async def undo(self, connection: Connection, vm_id: UUID, resize_id: UUID) -> Left | None:
        """The place has the size of before; how that left its node, or None: this resize is not under way."""
        return await self._settle(connection, _UNDO, vm_id, resize_id)

    async def _settle(self, connection: Connection, statement: str, vm_id: UUID, resize_id: UUID) -> Left | None:
        row = await (await connection.execute(statement, (vm_id, resize_id))).fetchone()
        return None if row is None else left(row)
