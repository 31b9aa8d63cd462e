"""The partitions of ``vm_metrics`` in the database: found, made, dropped.

Any number of replicas may do this at once: what changes partitions holds one advisory lock, and looks again once it has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from psycopg import sql

from novacron.db import Connection

from .partition import Partition

# One key for all that change partitions; migrations hold another.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('vm_metrics partitions', 0))"

# Asked of the catalog's rows and not through to_regclass: that answers from a backend's cache, which waiting for an advisory
# lock does not refresh, so that what a twin has just made would still be missing.
_CHILDREN = """
SELECT child.relname::text FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = 'vm_metrics'::regclass
"""
_MISSING = f"SELECT now(), array(SELECT unnest(%s::text[]) EXCEPT {_CHILDREN})"
_PRESENT = f"SELECT now(), array({_CHILDREN})"
# Attaching a table that stands already takes a lock beside which rows come and go; PARTITION OF would stop them all.
_CREATE = sql.SQL("CREATE TABLE {name} (LIKE vm_metrics INCLUDING ALL)")
# It is read through its parent, whose policy counts; by its own name nobody sees anything of it.
_CLOSE = sql.SQL("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
_ATTACH = sql.SQL("ALTER TABLE vm_metrics ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})")
_DROP = sql.SQL("DROP TABLE IF EXISTS {name}")


class Partitions:
    """SQL in, :class:`Partition` out. Every method takes a connection that is in no transaction."""

    async def missing(self, connection: Connection, wanted: Iterable[Partition]) -> tuple[datetime, list[Partition]]:
        """The database's time, and which of these there are not."""
        names = [one.name for one in wanted]
        return await self._named(connection, _MISSING, (names,))

    async def present(self, connection: Connection) -> tuple[datetime, list[Partition]]:
        """The database's time, and every partition there is."""
        return await self._named(connection, _PRESENT, ())

    async def make(self, connection: Connection, wanted: Iterable[Partition]) -> list[Partition]:
        """Make those of these that are missing; returns them. Writers of other days go on meanwhile."""
        async with connection.transaction():
            await connection.execute(LOCK)
            _, missing = await self.missing(connection, wanted)
            for one in sorted(missing):
                name = sql.Identifier(one.name)
                await connection.execute(_CREATE.format(name=name))
                await connection.execute(_CLOSE.format(name=name))
                bounds = {"start": sql.Literal(one.start), "end": sql.Literal(one.end)}
                await connection.execute(_ATTACH.format(name=name, **bounds))
        return missing

    async def drop(self, connection: Connection, partition: Partition) -> None:
        """Drop one with all its samples.

        :raises Conflict: a long query reads samples; waiting longer for it would stop everyone behind. Nothing was dropped.
        """
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '1s'")
            await connection.execute(LOCK)
            await connection.execute(_DROP.format(name=sql.Identifier(partition.name)))

    async def _named(
        self, connection: Connection, query: str, values: tuple[object, ...]
    ) -> tuple[datetime, list[Partition]]:
        row = await (await connection.execute(query.encode(), values)).fetchone()
        assert row is not None, "this query has one row"
        found = (Partition.named(name) for name in row[1])
        return row[0].astimezone(UTC), [one for one in found if one is not None]
