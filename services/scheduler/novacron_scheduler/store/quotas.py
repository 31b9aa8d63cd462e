"""``tenant_quotas``, and how claims and releases count in it."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from novacron.db import Connection

from ..quota import Limits, Quota, Usage

# Names of the seed's columns, in the order of the dimensions and of quota_charge.
_NAMES = ("vms", "cpu_cores", "memory_mb", "storage_gb", "gpu_count")
# What an allocation counts for.
CHARGE = "coalesce(quota_charge, ARRAY[1, cpu_cores, memory_mb, storage_gb, gpu_count])"


def _sum(charge: str) -> str:
    return ", ".join(f"coalesce(sum({charge}[{number}]), 0)::bigint AS {name}" for number, name in enumerate(_NAMES, 1))


# To stand behind a CTE `claimed` that is empty when the node did not take the claim: only a claim counts. Always the node's row
# before the quota's, as releases take them. Whoever waits here for another's claim has its condition checked again on what that
# claim left. Nothing of a dimension may be taken even where the limit is below what is used.
COUNT = f"""
UPDATE tenant_quotas SET {
    ", ".join(f"used_{name} = used_{name} + (%(charge)s::bigint[])[{n}]" for n, name in enumerate(_NAMES, 1))
}
WHERE tenant_id = %(tenant_id)s AND EXISTS (SELECT FROM claimed)
    AND {
    " AND ".join(
        f"((%(charge)s::bigint[])[{n}] = 0 OR limit_{name} IS NULL"
        f" OR used_{name} + (%(charge)s::bigint[])[{n}] <= limit_{name})"
        for n, name in enumerate(_NAMES, 1)
    )
}
RETURNING tenant_id
"""
# The same of many claims, behind a CTE `allocation` with tenant_id and charge: a tenant's all count, or none does.
COUNT_EACH = f"""
UPDATE tenant_quotas SET {", ".join(f"used_{name} = used_{name} + taken.{name}" for name in _NAMES)}
FROM (SELECT tenant_id, {_sum("charge")} FROM allocation GROUP BY tenant_id) taken
WHERE tenant_quotas.tenant_id = taken.tenant_id
    AND {
    " AND ".join(
        f"(taken.{name} = 0 OR limit_{name} IS NULL OR used_{name} + taken.{name} <= limit_{name})" for name in _NAMES
    )
}
RETURNING tenant_quotas.tenant_id
"""
# To stand behind a CTE `released` with columns tenant_id and charge: what was given back counts no more.
REFUND = f"""
UPDATE tenant_quotas SET {", ".join(f"used_{name} = used_{name} - freed.{name}" for name in _NAMES)}
FROM (SELECT tenant_id, {_sum("charge")} FROM released GROUP BY tenant_id) freed
WHERE tenant_quotas.tenant_id = freed.tenant_id
"""

_COLUMNS = ", ".join([*(f"limit_{name}" for name in _NAMES), *(f"used_{name}" for name in _NAMES)])
_GET = f"SELECT tenant_id, {_COLUMNS} FROM tenant_quotas WHERE tenant_id = %s"
# To stand in a look at other things besides; :func:`quotas_by_tenant` reads it.
QUOTA_LIST = f"""ARRAY(
    SELECT json_build_array(tenant_id, {_COLUMNS}) FROM tenant_quotas WHERE tenant_id = ANY(%(tenant_ids)s::uuid[])
)"""
_COUNTED = f"""
SELECT {_sum("charge")} FROM (
    SELECT {CHARGE} AS charge FROM resource_allocations WHERE tenant_id = %s AND status <> 'deallocated'
) held
"""
# Every claim and release writes into this table, and takes its lock on it before it looks: whoever waited for this lock sees
# the quota that was made meanwhile, and whoever did not has committed and is counted.
_STILL = "LOCK TABLE resource_allocations IN SHARE ROW EXCLUSIVE MODE"
_PUT = f"""
INSERT INTO tenant_quotas (tenant_id, {_COLUMNS}) VALUES (%s, {", ".join(["%s"] * 10)})
ON CONFLICT (tenant_id) DO UPDATE SET updated_at = now(),
    {", ".join(f"limit_{name} = excluded.limit_{name}" for name in _NAMES)}
"""
_DELETE = "DELETE FROM tenant_quotas WHERE tenant_id = %s"
_PAGE = f"""
SELECT tenant_id, {_COLUMNS} FROM tenant_quotas
WHERE (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s) AND (%(after)s::uuid IS NULL OR tenant_id > %(after)s)
ORDER BY tenant_id LIMIT %(limit)s
"""


class QuotaStore:
    """What tenants may hold."""

    async def get(self, connection: Connection, tenant_id: UUID, *, lock: bool = False) -> Quota | None:
        """None: the tenant has no limits. With ``lock`` it stays so until the transaction ends."""
        row = await (await connection.execute(_GET + (" FOR UPDATE" if lock else ""), (tenant_id,))).fetchone()
        return None if row is None else _quota(row)

    async def counted(self, connection: Connection, tenant_id: UUID) -> Usage:
        """What the tenant's VMs hold at this instant."""
        row = await (await connection.execute(_COUNTED, (tenant_id,))).fetchone()
        return Usage(*row) if row else Usage()

    async def keep_allocations_still(self, connection: Connection) -> None:
        """Until the transaction ends nothing is claimed and nothing given back."""
        await connection.execute(_STILL)

    async def put(self, connection: Connection, quota: Quota) -> None:
        """Keep the limits; the use is kept with the first of them only, and a tenant without any has no row."""
        if quota.limits == Limits():
            await connection.execute(_DELETE, (quota.tenant_id,))
        else:
            await connection.execute(_PUT, (quota.tenant_id, *quota.limits, *quota.used))

    async def page(self, connection: Connection, tenant_id: UUID | None, after: UUID | None, limit: int) -> list[Quota]:
        """Quotas by tenant, from the first one past ``after``."""
        values = {"tenant": tenant_id, "after": after, "limit": limit}
        return [_quota(row) for row in await (await connection.execute(_PAGE, values)).fetchall()]


def quotas_by_tenant(rows: Iterable[Sequence[Any]]) -> dict[UUID, Quota]:
    """What :data:`QUOTA_LIST` says."""
    return {one.tenant_id: one for one in (_quota((UUID(row[0]), *row[1:])) for row in rows)}


def _quota(row: tuple[Any, ...]) -> Quota:
    return Quota(row[0], Limits(*row[1:6]), Usage(*row[6:11]))
