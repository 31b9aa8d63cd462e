"""What VMs count for on their nodes, to be counted anew."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Connection

from ..reservation import AllocationType
from ..resources import Resources
from .reservations import AMOUNTS, FOOTPRINT, LEFT, Left, left

_COLUMNS = f"id, node_id, allocation_type::text, ARRAY[{', '.join(AMOUNTS)}], {FOOTPRINT}"
# What is amid a resize or gives way to another counts by an agreement of its own, which ends soon.
_SETTLED = "status <> 'deallocated' AND resized_to IS NULL AND yields_to IS NULL"
_PAGE = f"SELECT {_COLUMNS} FROM resource_allocations WHERE {_SETTLED} AND id > %s ORDER BY id LIMIT 1000"
_LOCK = f"SELECT {_COLUMNS} FROM resource_allocations WHERE id = ANY(%s) AND {_SETTLED} ORDER BY id FOR UPDATE"
# The VMs' rows are locked before their node's, as releases lock them.
_PUT = f"""
WITH wanted AS (
    SELECT id, ARRAY[cpu_cores, memory_mb, storage_gb, network_bandwidth_mbps, gpu_count] AS footprint
    FROM unnest(%(ids)s::uuid[], %(cpu_cores)s::bigint[], %(memory_mb)s::bigint[], %(storage_gb)s::bigint[],
        %(network_bandwidth_mbps)s::bigint[], %(gpu_count)s::bigint[])
        AS one (id, cpu_cores, memory_mb, storage_gb, network_bandwidth_mbps, gpu_count)
), before AS (
    SELECT id, {FOOTPRINT} AS footprint FROM resource_allocations WHERE id = ANY(%(ids)s)
), counted AS (
    UPDATE resource_allocations SET footprint = wanted.footprint FROM wanted WHERE resource_allocations.id = wanted.id
), more AS (
    SELECT {
    ", ".join(
        f"sum(wanted.footprint[{n}] - before.footprint[{n}])::bigint AS {name}" for n, name in enumerate(AMOUNTS, 1)
    )
}
    FROM wanted JOIN before USING (id)
)
UPDATE nodes SET {", ".join(f"allocated_{name} = allocated_{name} + more.{name}" for name in AMOUNTS)}
FROM more WHERE nodes.id = %(node_id)s
RETURNING {LEFT}
"""


@dataclass(frozen=True, slots=True)
class Held:
    """An allocation, and what it counts for."""

    allocation_id: UUID
    node_id: UUID
    allocation_type: AllocationType
    resources: Resources
    footprint: Resources


class FootprintStore:
    """What each allocation counts for."""

    async def settled(self, connection: Connection) -> AsyncIterator[Held]:
        """All that are not amid something, a thousand at a time."""
        after = UUID(int=0)
        while rows := await (await connection.execute(_PAGE, (after,))).fetchall():
            for row in rows:
                yield _held(row)
            after = rows[-1][0]

    async def lock(self, connection: Connection, allocations: Sequence[UUID]) -> list[Held]:
        """Those of them that are not amid something; they stay as they are until the transaction ends."""
        return [_held(row) for row in await (await connection.execute(_LOCK, (list(allocations),))).fetchall()]

    async def put(self, connection: Connection, node_id: UUID, footprints: Mapping[UUID, Sequence[int]]) -> Left | None:
        """These count for that from now on; how it left their node. The caller has locked them. None: there are none."""
        if not footprints:
            return None
        columns = zip(*footprints.values(), strict=True)
        values = {name: list(column) for name, column in zip(AMOUNTS, columns, strict=True)}
        cursor = await connection.execute(_PUT, values | {"ids": list(footprints), "node_id": node_id})
        row = await cursor.fetchone()
        return None if row is None else left(row)


def _held(row: tuple[Any, ...]) -> Held:
    allocation_id, node_id, kind, amounts, footprint = row
    return Held(allocation_id, node_id, AllocationType(kind), Resources(*amounts), Resources(*footprint))
