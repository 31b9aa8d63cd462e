"""``lost_nodes``, and the VMs on them: nobody knows what these are, until their node is heard again."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Database

from .loss import NodeEvent, newest
from .vm import KNOWN

# Who changes a VM's state where no user did.
NOBODY = UUID(int=0)
# Rows that somebody else changes at this moment are left for the next turn, which sees what came of it.
_AT_ONCE = 500

_LOSE = """
WITH lost AS (
    SELECT vms.id, vms.state, lost_nodes.node_name FROM vms JOIN lost_nodes ON lost_nodes.node_id = vms.node_id
    WHERE vms.deleted_at IS NULL AND vms.saga_id IS NULL AND vms.state = ANY (%(known)s::vm_state_enum[])
    LIMIT %(most)s FOR UPDATE OF vms SKIP LOCKED
), changed AS (
    UPDATE vms SET state = 'unknown', version = version + 1, updated_at = now(),
        error = 'nothing is heard of its node ' || lost.node_name || ': whether it runs is not known'
    FROM lost WHERE vms.id = lost.id
)
INSERT INTO vm_state_transitions (vm_id, from_state, to_state, reason, initiated_by)
SELECT id, state, 'unknown', 'its node ' || node_name || ' is lost', %(by)s FROM lost
"""
# What it was is told by its history: an operation that could have changed it since does not begin on it.
_RESTORE = """
WITH back AS (
    SELECT vms.id, (
        SELECT from_state FROM vm_state_transitions noted
        WHERE noted.vm_id = vms.id AND noted.to_state = 'unknown' ORDER BY noted.sequence DESC LIMIT 1
    ) AS was
    FROM vms
    WHERE vms.deleted_at IS NULL AND vms.saga_id IS NULL AND vms.state = 'unknown'
        AND NOT EXISTS (SELECT FROM lost_nodes WHERE lost_nodes.node_id = vms.node_id)
    LIMIT %(most)s FOR UPDATE OF vms SKIP LOCKED
), changed AS (
    UPDATE vms SET state = back.was, error = '', version = version + 1, updated_at = now() FROM back WHERE vms.id = back.id
)
INSERT INTO vm_state_transitions (vm_id, from_state, to_state, reason, initiated_by)
SELECT id, 'unknown', was, 'its node is heard again', %(by)s FROM back
"""


class LossStore:
    """Which nodes are lost, as far as events were read."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def read_to(self) -> int:
        """The last event that was dealt with."""
        async with self.database.connection() as connection:
            row = await (await connection.execute("SELECT sequence FROM node_event_cursor")).fetchone()
        assert row is not None
        return int(row[0])

    async def note(self, after: int, events: list[NodeEvent]) -> bool:
        """Deal with the events after this one, once; false: another process has."""
        async with self.database.transaction() as connection:
            moved = await connection.execute(
                "UPDATE node_event_cursor SET sequence = %s WHERE sequence = %s", (events[-1].sequence, after)
            )
            if not moved.rowcount:
                return False
            for one in newest(events):
                if one.lost:
                    await connection.execute(
                        """INSERT INTO lost_nodes (node_id, node_name) VALUES (%s, %s)
                           ON CONFLICT (node_id) DO UPDATE SET node_name = excluded.node_name""",
                        (one.node_id, one.node_name),
                    )
                else:
                    await connection.execute("DELETE FROM lost_nodes WHERE node_id = %s", (one.node_id,))
        return True

    async def settle(self) -> int:
        """Put VMs on lost nodes out of the known, and those on all others back to what they were; returns how many."""
        values = {"known": [str(state) for state in KNOWN], "most": _AT_ONCE, "by": NOBODY}
        changed = 0
        async with self.database.connection() as connection:
            for statement in (_LOSE, _RESTORE):
                changed += (await connection.execute(statement, values)).rowcount
        return changed
