"""What is old of the scheduler's history, removed by small batches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from novacron.db import Connection, Database

# Ends with the session, and so with the process: nobody waits for who has gone.
_MINE = "SELECT pg_try_advisory_lock(hashtext('novacron.history_retention'))"
_OVER = "SELECT pg_advisory_unlock(hashtext('novacron.history_retention'))"

# Each batch goes on where the last one ended: what stays is not looked at again and again. Of a VM that holds a place the
# newest decision stays, which says why it is there or why it could not go elsewhere, and the one behind what it holds, which
# says what it asked for: a move has to keep to that.
_DECISIONS = """
WITH old AS (
    SELECT id, vm_id, decision_time FROM scheduling_decisions
    WHERE decision_time < now() - %(age)s AND (decision_time, id) > (%(time)s, %(id)s)
    ORDER BY decision_time, id LIMIT %(most)s
), gone AS (
    DELETE FROM scheduling_decisions USING old
    WHERE scheduling_decisions.id = old.id AND NOT EXISTS (
        SELECT FROM resource_allocations held
        WHERE held.vm_id = old.vm_id AND held.status <> 'deallocated' AND (held.decision_id = old.id OR NOT EXISTS (
            SELECT FROM scheduling_decisions newer
            WHERE newer.vm_id = old.vm_id AND (newer.decision_time, newer.id) > (old.decision_time, old.id)
        ))
    )
    RETURNING scheduling_decisions.id
)
SELECT (SELECT count(*) FROM gone), decision_time, id FROM old ORDER BY decision_time DESC, id DESC LIMIT 1
"""
_RECOMMENDATIONS = """
DELETE FROM scaling_recommendations WHERE id IN (
    SELECT id FROM scaling_recommendations WHERE created_at < now() - %(age)s ORDER BY created_at, id LIMIT %(most)s
)
"""
# The newest of a node stays: whoever has read nothing for long still learns how it stands.
_EVENTS = """
DELETE FROM node_events WHERE sequence IN (
    SELECT sequence FROM node_events old WHERE created_at < now() - %(age)s AND EXISTS (
        SELECT FROM node_events newer WHERE newer.node_id = old.node_id AND newer.sequence > old.sequence
    ) ORDER BY sequence LIMIT %(most)s
)
"""
_FIRST = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


class HistoryStore:
    """Decisions, recommendations and events beyond their time."""

    def __init__(self, database: Database, batch: int = 1000) -> None:
        self._database = database
        self._batch = batch

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Connection | None]:
        """A connection on which each statement is its own transaction, for one process at a time; None: another is at it."""
        async with self._database.connection() as connection:
            row = await (await connection.execute(_MINE)).fetchone()
            if row is None or not row[0]:
                yield None
                return
            try:
                yield connection
            finally:
                await connection.execute(_OVER)

    async def forget_decisions(self, connection: Connection, age: timedelta) -> int:
        """Remove those that are older, but for what VMs that hold a place still need; returns how many."""
        gone, position = 0, _FIRST
        while True:
            values = {"age": age, "time": position[0], "id": position[1], "most": self._batch}
            row = await (await connection.execute(_DECISIONS, values)).fetchone()
            if row is None:
                return gone
            gone, position = gone + row[0], (row[1], row[2])

    async def forget_recommendations(self, connection: Connection, age: timedelta) -> int:
        """Remove those that are older; returns how many."""
        return await self._emptied(connection, _RECOMMENDATIONS, age)

    async def forget_events(self, connection: Connection, age: timedelta) -> int:
        """Remove those that are older, but for the newest of each node; returns how many."""
        return await self._emptied(connection, _EVENTS, age)

    async def _emptied(self, connection: Connection, statement: str, age: timedelta) -> int:
        gone = 0
        while batch := (await connection.execute(statement, {"age": age, "most": self._batch})).rowcount:
            gone += batch
        return gone
