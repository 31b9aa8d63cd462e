"""``node_events``: every change of a node between lost and heard, written with the change itself."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from novacron.db import Connection

from ..node import NodeStatus
from ..node_event import NodeEvent, NodeEventKind
from .nodes import FAILED_AGAIN, STATUS

# Held from before an event's number is taken until it can be seen: numbers are seen in their order.
_ONE_WRITER = "SELECT pg_advisory_xact_lock(hashtext('novacron.node_events'))"

# A heartbeat that this waits for has its say: the condition is checked again on what it left.
_LOSE = f"""
WITH lost AS (
    UPDATE nodes SET lost_at = now(), epoch = epoch + 1, generation = generation + 1, updated_at = now(),
        {FAILED_AGAIN}
    WHERE lost_at IS NULL AND lease_until < now() - make_interval(secs => %s)
    RETURNING id, name, epoch
), noted AS (
    INSERT INTO node_events (node_id, kind, epoch) SELECT id, 'lost', epoch FROM lost ORDER BY name
)
SELECT name FROM lost ORDER BY name
"""
_RETURN = """
WITH back AS (
    UPDATE nodes SET lost_at = NULL, generation = generation + 1, updated_at = now() WHERE id = %s RETURNING id, epoch
)
INSERT INTO node_events (node_id, kind, epoch) SELECT id, 'returned', epoch FROM back
"""
_HELD = f"SELECT incarnation, epoch, lost_at IS NOT NULL, {STATUS} FROM nodes WHERE id = %s FOR UPDATE"
_PAGE = """
SELECT node_events.sequence, node_id, nodes.name, kind, node_events.epoch, node_events.created_at
FROM node_events JOIN nodes ON nodes.id = node_id
WHERE node_events.sequence > %s ORDER BY node_events.sequence LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Held:
    """Who has a node, and in which epoch."""

    incarnation: int
    epoch: int
    lost: bool
    status: NodeStatus


class NodeEventStore:
    """Losses and returns of nodes."""

    async def lose(self, connection: Connection, grace_seconds: float) -> list[str]:
        """Declare lost what was not heard for so long beyond its lease; returns the names."""
        await connection.execute(_ONE_WRITER)
        return [row[0] for row in await (await connection.execute(_LOSE, (grace_seconds,))).fetchall()]

    async def lock(self, connection: Connection, node_id: UUID) -> Held:
        """The node as it is until this transaction ends, which may write an event of it."""
        await connection.execute(_ONE_WRITER)
        row = await (await connection.execute(_HELD, (node_id,))).fetchone()
        assert row is not None, "nodes are never deleted"
        return Held(row[0], row[1], row[2], NodeStatus(row[3]))

    async def returned(self, connection: Connection, node_id: UUID) -> None:
        """It is lost no more; the caller has locked it."""
        await connection.execute(_RETURN, (node_id,))

    async def after(self, connection: Connection, sequence: int, limit: int) -> list[NodeEvent]:
        """Events after this one, oldest first."""
        rows = await (await connection.execute(_PAGE, (sequence, limit))).fetchall()
        return [NodeEvent(row[0], row[1], row[2], NodeEventKind(row[3]), row[4], row[5]) for row in rows]
