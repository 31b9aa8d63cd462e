"""``scaling_recommendations``."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from novacron.db import Connection

from ..resources import Resources
from ..scaling.kept import Kept
from ..scaling.recommendation import Recommendation

_COLUMNS = """
id, vm_id, tenant_id, current_resources, recommended_resources, prediction_confidence, prediction_horizon, cost_impact,
recommendation_reason, ml_model_version, created_at, feedback_score, applied_at
"""
_KEEP = f"""
INSERT INTO scaling_recommendations (id, vm_id, tenant_id, current_resources, recommended_resources, prediction_confidence,
    prediction_horizon, cost_impact, performance_impact, recommendation_reason, ml_model_version)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING RETURNING {_COLUMNS}
"""
_GET = f"SELECT {_COLUMNS} FROM scaling_recommendations WHERE id = %s"
_RATE = f"""
UPDATE scaling_recommendations SET feedback_score = %(score)s
WHERE id = %(id)s AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s) RETURNING {_COLUMNS}
"""
_APPLIED = f"""
UPDATE scaling_recommendations SET applied_at = coalesce(applied_at, now()) WHERE id = %s RETURNING {_COLUMNS}
"""
_PAGE = f"""
SELECT {_COLUMNS} FROM scaling_recommendations
WHERE (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s) AND (%(vm)s::uuid IS NULL OR vm_id = %(vm)s)
    AND (%(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(id)s))
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""


class ScalingStore:
    """What VMs were advised."""

    async def keep(
        self, connection: Connection, recommendation_id: UUID, vm_id: UUID, tenant_id: UUID, made: Recommendation
    ) -> Kept | None:
        """None: there is one with this id."""
        impact = {
            one.dimension: {"above_now": one.violations_now, "above_then": one.violations_then, "model": one.model}
            for one in made.advice
        }
        values = (
            recommendation_id,
            vm_id,
            tenant_id,
            Jsonb(made.current._asdict()),
            Jsonb(made.recommended._asdict()),
            made.confidence,
            timedelta(seconds=made.horizon_seconds),
            made.cost_impact,
            Jsonb(impact),
            made.reason,
            made.model_version,
        )
        row = await (await connection.execute(_KEEP, values)).fetchone()
        return None if row is None else _kept(row)

    async def get(self, connection: Connection, recommendation_id: UUID) -> Kept | None:
        row = await (await connection.execute(_GET, (recommendation_id,))).fetchone()
        return None if row is None else _kept(row)

    async def rate(
        self, connection: Connection, recommendation_id: UUID, score: int, tenant: UUID | None
    ) -> Kept | None:
        """None: the tenant has no such one."""
        values = {"id": recommendation_id, "score": score, "tenant": tenant}
        row = await (await connection.execute(_RATE, values)).fetchone()
        return None if row is None else _kept(row)

    async def applied(self, connection: Connection, recommendation_id: UUID) -> Kept | None:
        """The VM was given that size now, or had been; None: there is no such one."""
        row = await (await connection.execute(_APPLIED, (recommendation_id,))).fetchone()
        return None if row is None else _kept(row)

    async def page(
        self,
        connection: Connection,
        tenant: UUID | None,
        vm_id: UUID | None,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Kept]:
        """The newest first, from the first one past ``after``."""
        at, last = after or (None, None)
        values = {"tenant": tenant, "vm": vm_id, "at": at, "id": last, "limit": limit}
        return [_kept(row) for row in await (await connection.execute(_PAGE, values)).fetchall()]


def _kept(row: tuple[Any, ...]) -> Kept:
    recommendation_id, vm_id, tenant_id, current, recommended, *rest = row
    return Kept(recommendation_id, vm_id, tenant_id, Resources(**current), Resources(**recommended), *rest)
