"""The tables ``vm_monitoring`` and ``vm_metrics``: SQL in, dataclasses out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from novacron.db import Connection, Database

from .quantile import QuantileQuestion
from .question import ORIGIN, Aggregate, Question
from .sample import METRICS, Sample
from .target import NewTarget, Target

# The update changes nothing: it makes the row that stands come back, and stay until this transaction ends.
_INSERT_TARGET = """
INSERT INTO vm_monitoring (vm_id, tenant_id, node_id, sample_interval) VALUES (%s, %s, %s, %s)
ON CONFLICT (vm_id) DO UPDATE SET vm_id = vm_monitoring.vm_id
RETURNING vm_id, tenant_id, node_id, sample_interval, created_at
"""
_GET_TARGET = """
SELECT vm_id, tenant_id, node_id, sample_interval, created_at FROM vm_monitoring
WHERE vm_id = %(vm)s AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s)
"""
_PAGE_OF_TARGETS = """
SELECT vm_id, tenant_id, node_id, sample_interval, created_at FROM vm_monitoring
WHERE (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s) AND (%(after)s::uuid IS NULL OR vm_id > %(after)s)
ORDER BY vm_id LIMIT %(limit)s
"""

_COLUMNS = sql.SQL(", ").join(map(sql.Identifier, Sample._fields))
_STAGING = sql.SQL("""
CREATE TEMPORARY TABLE IF NOT EXISTS vm_metrics_staging ON COMMIT DELETE ROWS AS
SELECT {columns} FROM vm_metrics WITH NO DATA
""").format(columns=_COLUMNS)
_COPY = sql.SQL("COPY vm_metrics_staging ({columns}) FROM STDIN (FORMAT BINARY)").format(columns=_COLUMNS)
_COPY_TYPES = ["timestamptz", "uuid", "float8", *["int8"] * (len(Sample._fields) - 3)]
# In one order for all, so that two streams with the same samples wait for each other and never both.
_KEEP = sql.SQL("""
WITH monitored AS MATERIALIZED (
    SELECT vm_metrics_staging.*, node_id, tenant_id FROM vm_metrics_staging JOIN vm_monitoring USING (vm_id)
    WHERE node_id = %s
), kept AS (
    INSERT INTO vm_metrics ({columns}, node_id, tenant_id)
    SELECT {columns}, node_id, tenant_id FROM monitored ORDER BY vm_id, time
    ON CONFLICT (vm_id, time) DO NOTHING
)
SELECT count(*) FROM monitored
""").format(columns=_COLUMNS)

_RECENT = timedelta(hours=1)
_LATEST = sql.SQL("""
SELECT {columns} FROM vm_metrics
WHERE vm_id = %(vm)s AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s) AND time >= %(since)s
ORDER BY time DESC LIMIT 1
""").format(columns=_COLUMNS)
# Samples outlive their monitoring, so they too say that the VM is, or was, this tenant's.
_KNOWN = """
SELECT EXISTS (
    SELECT FROM vm_monitoring WHERE vm_id = %(vm)s AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s)
) OR EXISTS (
    SELECT FROM vm_metrics WHERE vm_id = %(vm)s AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s)
)
"""
_ANSWER = sql.SQL("""
SELECT date_bin(%(step)s, time, %(origin)s) AS time, ({aggregate})::double precision AS value FROM vm_metrics
WHERE vm_id = %(vm)s AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s)
    AND vm_metrics.time >= %(start)s AND vm_metrics.time < %(end)s AND {metric} IS NOT NULL
GROUP BY 1 ORDER BY 1
""")
_QUANTILES = sql.SQL("""
SELECT vm_id, percentile_cont(%(quantile)s) WITHIN GROUP (ORDER BY {metric}::double precision) AS value FROM vm_metrics
WHERE vm_id = ANY(%(vms)s) AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s)
    AND time >= %(start)s AND time < %(end)s AND {metric} IS NOT NULL
GROUP BY vm_id ORDER BY vm_id
""")
_AGGREGATES = {
    Aggregate.AVG: sql.SQL("avg({metric})"),
    Aggregate.MIN: sql.SQL("min({metric})"),
    Aggregate.MAX: sql.SQL("max({metric})"),
    Aggregate.SUM: sql.SQL("sum({metric})"),
    Aggregate.COUNT: sql.SQL("count({metric})"),
    Aggregate.LAST: sql.SQL("(array_agg({metric} ORDER BY vm_metrics.time DESC))[1]"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """One step of an answer, by its start."""

    time: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Quantile:
    """One VM's value."""

    vm_id: UUID
    value: float


class Store:
    """Reads take ``tenant``, the only one whose rows are seen; None: all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert_target(self, connection: Connection, target: NewTarget) -> Target:
        """The target that stands after this, which may be an earlier and another one."""
        async with connection.cursor(row_factory=class_row(Target)) as cursor:
            values = (target.vm_id, target.tenant_id, target.node_id, target.sample_interval)
            row = await (await cursor.execute(_INSERT_TARGET, values)).fetchone()
        assert row is not None, "an upsert returns its row"
        return row

    async def delete_target(self, connection: Connection, vm_id: UUID) -> bool:
        """Whether there was one."""
        cursor = await connection.execute("DELETE FROM vm_monitoring WHERE vm_id = %s", (vm_id,))
        return cursor.rowcount == 1

    async def target(self, vm_id: UUID, tenant: UUID | None) -> Target | None:
        async with (
            self._database.connection() as connection,
            connection.cursor(row_factory=class_row(Target)) as cursor,
        ):
            return await (await cursor.execute(_GET_TARGET, {"vm": vm_id, "tenant": tenant})).fetchone()

    async def targets(self, tenant: UUID | None, after: UUID | None, limit: int) -> list[Target]:
        """Targets whose VMs' ids come after this one, by those ids."""
        values = {"tenant": tenant, "after": after, "limit": limit}
        async with (
            self._database.connection() as connection,
            connection.cursor(row_factory=class_row(Target)) as cursor,
        ):
            return await (await cursor.execute(_PAGE_OF_TARGETS, values)).fetchall()

    async def write_samples(self, connection: Connection, node_id: UUID, samples: Sequence[Sample]) -> int:
        """Keep the samples of VMs that are monitored on this node, in the caller's transaction; returns how many those are.

        Of two samples of one VM at one time the one that stands stays.
        """
        await connection.execute(_STAGING)
        async with connection.cursor() as cursor:
            async with cursor.copy(_COPY) as copy:
                copy.set_types(_COPY_TYPES)
                for sample in samples:
                    await copy.write_row(sample)
            row = await (await cursor.execute(_KEEP, (node_id,))).fetchone()
        assert row is not None, "a count has one row"
        return int(row[0])

    async def latest(self, vm_id: UUID, tenant: UUID | None) -> Sample | None:
        """The newest sample of a VM."""
        # A VM that runs has it in today's partition or yesterday's; planning over all the others costs more than reading.
        for since in (datetime.now(UTC) - _RECENT, datetime.min.replace(tzinfo=UTC)):
            values = {"vm": vm_id, "tenant": tenant, "since": since}
            async with (
                self._database.connection() as connection,
                connection.cursor(row_factory=class_row(Sample)) as cursor,
            ):
                if (row := await (await cursor.execute(_LATEST, values)).fetchone()) is not None:
                    return row
        return None

    async def known(self, vm_id: UUID, tenant: UUID | None) -> bool:
        """Whether the VM is monitored, or has samples left from when it was."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(_KNOWN, {"vm": vm_id, "tenant": tenant})).fetchone()
        return row is not None and bool(row[0])

    async def answer(self, question: Question, tenant: UUID | None) -> list[Point]:
        """One point for each step with a sample, by time."""
        metric = sql.Identifier(question.metric)
        assert question.metric in METRICS, "a question names a metric that there is"
        statement = _ANSWER.format(aggregate=_AGGREGATES[question.aggregate].format(metric=metric), metric=metric)
        values = {
            "vm": question.vm_id,
            "tenant": tenant,
            "start": question.start,
            "end": question.end,
            "step": question.step,
            "origin": ORIGIN,
        }
        async with self._database.connection() as connection, connection.cursor(row_factory=class_row(Point)) as cursor:
            return await (await cursor.execute(statement, values)).fetchall()

    async def quantiles(self, question: QuantileQuestion, tenant: UUID | None) -> list[Quantile]:
        """One for each VM with a value, by its id: all of them in one statement."""
        assert question.metric in METRICS, "a question names a metric that there is"
        statement = _QUANTILES.format(metric=sql.Identifier(question.metric))
        values = {
            "vms": list(question.vm_ids),
            "tenant": tenant,
            "start": question.start,
            "end": question.end,
            "quantile": question.quantile,
        }
        async with (
            self._database.connection() as connection,
            connection.cursor(row_factory=class_row(Quantile)) as cursor,
        ):
            return await (await cursor.execute(statement, values)).fetchall()
