"""The table of repairs, and a VM kept still while one is under way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from psycopg import Rollback
from psycopg.rows import class_row

from novacron.db import Connection
from novacron.errors import NotFound
from novacron.ids import new_id
from novacron.tenancy import every_tenant

from .repair import Order, Repair, Standing
from .store import VmStore

_INSERT = """
INSERT INTO vm_repairs (repair_id, action, vm_id, node_id, initiated_by, reason) VALUES (%s, %s, %s, %s, %s, %s)
"""
_PAGE = """
SELECT repair_id, action, vm_id, node_id, initiated_by, reason, outcome, created_at FROM vm_repairs
WHERE %(time)s::timestamptz IS NULL OR (created_at, repair_id) < (%(time)s, %(id)s)
ORDER BY created_at DESC, repair_id DESC LIMIT %(limit)s
"""
# A create of this id writes this key too: it waits here for the repair, or the repair for it.
_TAKE_ID = """
INSERT INTO saga (saga_id, name, version, state, params, due_at, deadline)
VALUES (%s, 'repair', 1, 'compensated', '{}', now(), now())
ON CONFLICT (saga_id) DO NOTHING
"""
# Each half by the condition of an index: what is over may be millions.
_AT_WORK = """
SELECT name || ' (' || state || ')' FROM (
    SELECT saga_id, name, state, params FROM saga WHERE state IN ('running', 'compensating')
    UNION ALL
    SELECT saga_id, name, state, params FROM saga WHERE state = 'stuck'
) AS unfinished
WHERE saga_id = %(id)s OR params ->> 'vm_id' = %(id)s::text
"""


class RepairStore:
    """Repairs, and what they may rely on."""

    def __init__(self, vms: VmStore) -> None:
        self._vms = vms
        self._database = vms.database

    @asynccontextmanager
    async def held(self, vm_id: UUID) -> AsyncIterator[Standing]:
        """How the VM stands, and so it stays until the block ends: no saga begins on it and none changes it meanwhile.

        Nobody can make one of this id either. Nothing is written: all of it is rolled back, and a holder that froze loses its
        hold with its connection.
        """
        # What is mended is the platform's: a VM that a caller does not see is there all the same.
        with every_tenant():
            async with self._database.transaction() as connection:
                await connection.execute(_TAKE_ID, (vm_id,))
                try:
                    vm = await self._vms.lock(connection, vm_id, None)
                except NotFound:
                    vm = None
                # Behind the lock: a saga that begins on the VM has the row locked until its own row is there to be read.
                yield Standing(vm_id, vm, await self._at_work(connection, vm_id))
                raise Rollback

    async def begin(self, order: Order) -> UUID:
        """Keep who asked for what and why, before anything is done about it."""
        repair_id = new_id()
        values = (repair_id, str(order.action), order.vm_id, order.node_id, order.initiated_by, order.reason)
        async with self._database.connection() as connection:
            await connection.execute(_INSERT, values)
        return repair_id

    async def end(self, repair_id: UUID, outcome: str) -> None:
        """Keep what came of it; what was said of it first stays."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE vm_repairs SET outcome = %s WHERE repair_id = %s AND outcome = ''", (outcome, repair_id)
            )

    async def page(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Repair]:
        """At most ``limit`` repairs before ``after``, newest first."""
        time, repair_id = after or (None, None)
        async with (
            self._database.connection() as connection,
            connection.cursor(row_factory=class_row(Repair)) as cursor,
        ):
            return await (await cursor.execute(_PAGE, {"time": time, "id": repair_id, "limit": limit})).fetchall()

    async def _at_work(self, connection: Connection, vm_id: UUID) -> tuple[str, ...]:
        cursor = await connection.execute(_AT_WORK, {"id": vm_id})
        return tuple(row[0] for row in await cursor.fetchall())
