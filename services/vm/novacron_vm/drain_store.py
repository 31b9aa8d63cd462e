"""The tables of drains: SQL in, dataclasses out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any
from uuid import UUID

from novacron.db import Connection, Database
from novacron.errors import NotFound
from novacron.saga import SagaState

from .drain import Drain, DrainState, Guest, LeftBehind, Look, NewDrain, Progress, Trouble
from .vm import VmState

_COLUMNS = """id, node_id, node_name, requested_by, budget, grace_seconds, was_open, state, moved, under_way, vms_left,
    left_behind, error, closed_at, created_at, finished_at"""

_INSERT = f"""
INSERT INTO node_drains (id, node_id, node_name, requested_by, budget, grace_seconds, was_open)
VALUES (%(id)s, %(node_id)s, %(node_name)s, %(requested_by)s, %(budget)s, %(grace_seconds)s, %(was_open)s)
ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608 - our own column list

# What is on the node, and what this drain moved away from it.
_GUESTS = """
SELECT vms.id, vms.name, vms.state::text, vms.node_id = %(node_id)s AND vms.state <> 'deleted', busy.state, vms.operation,
    move.state, move.error, vms.displaced_at IS NOT NULL
FROM vms
LEFT JOIN node_drain_moves moves ON moves.drain_id = %(id)s AND moves.vm_id = vms.id
LEFT JOIN saga move ON move.saga_id = moves.saga_id
LEFT JOIN saga busy ON busy.saga_id = vms.saga_id
WHERE vms.node_id = %(node_id)s AND vms.deleted_at IS NULL
   OR vms.id IN (SELECT vm_id FROM node_drain_moves WHERE drain_id = %(id)s)
ORDER BY vms.id
"""

# Creates and moves that may have claimed a place on the node before it was closed, and whose VMs are not there yet.
_ARRIVING = """
SELECT count(*) FROM saga JOIN vms ON vms.id = coalesce((saga.params ->> 'vm_id')::uuid, saga.saga_id)
WHERE saga.state IN ('running', 'compensating') AND saga.name IN ('create-vm', 'move-vm')
    AND saga.created_at <= %(closed_at)s AND vms.node_id IS DISTINCT FROM %(node_id)s
    AND NOT EXISTS (
        SELECT FROM saga_step
        WHERE saga_step.saga_id = saga.saga_id AND step IN ('reserve', 'claim') AND operation = 'action' AND outcome = 'ok'
            AND output ->> 'node_id' <> %(node_id)s::text
    )
"""

_NOTE = """
UPDATE node_drains SET moved = %(moved)s, under_way = %(under_way)s, vms_left = %(left)s, left_behind = %(left_behind)s,
    state = CASE WHEN %(cancelled)s AND state = 'running' THEN 'cancelling' ELSE state END, updated_at = now()
WHERE id = %(id)s AND (moved, under_way, vms_left, left_behind, state = 'running' AND %(cancelled)s)
    IS DISTINCT FROM (%(moved)s, %(under_way)s, %(left)s, %(left_behind)s::jsonb, false)
"""


class DrainStore:
    """Drains and the moves that they began."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def insert(self, connection: Connection, new: NewDrain) -> Drain | None:
        """A drain that runs; None when its id is taken or the node is being drained."""
        row = await (await connection.execute(_INSERT, asdict(new))).fetchone()
        return None if row is None else _drain(row)

    async def under_way(self, connection: Connection) -> int:
        """How many nodes are being drained."""
        row = await (await connection.execute("SELECT count(*) FROM node_drains WHERE finished_at IS NULL")).fetchone()
        assert row is not None
        return int(row[0])

    async def with_id_or_of_node(self, connection: Connection, drain_id: UUID, node_id: UUID) -> Drain | None:
        """The drain with this id, or else the one under way on the node."""
        return await self._first(
            connection,
            "id = %s OR (node_id = %s AND finished_at IS NULL) ORDER BY id = %s DESC",
            (drain_id, node_id, drain_id),
        )

    async def find(self, connection: Connection, drain: str) -> Drain:
        """By its id, or the newest of a node by the node's id or name. :raises NotFound: there is none."""
        key = None
        with suppress(ValueError):
            key = UUID(drain)
        found = await self._first(
            connection,
            "id = %s OR node_id = %s OR node_name = %s ORDER BY coalesce(id = %s, false) DESC, created_at DESC",
            (key, key, drain, key),
        )
        if found is None:
            raise NotFound.named("drain", drain)
        return found

    async def lock(self, connection: Connection, drain_id: UUID) -> tuple[Drain, bool]:
        """The drain, which nobody else carries on before this transaction ends; and whether its saga shall turn round."""
        drain = await self._first(connection, "id = %s FOR UPDATE", (drain_id,))
        asked = "SELECT cancel_requested_at IS NOT NULL FROM saga WHERE saga_id = %s"
        row = await (await connection.execute(asked, (drain_id,))).fetchone()
        if drain is None:
            raise NotFound.named("drain", drain_id)
        return drain, drain.state is DrainState.CANCELLING or bool(row and row[0])

    async def look(self, connection: Connection, drain: Drain, *, cancelled: bool) -> Look:
        """The node's VMs as they are now."""
        values = {"id": drain.id, "node_id": drain.node_id, "closed_at": drain.closed_at}
        # First who may yet arrive: whoever does so between the two looks is seen by the second.
        row = await (await connection.execute(_ARRIVING, values)).fetchone()
        assert row is not None
        guests = [_guest(one) for one in await (await connection.execute(_GUESTS, values)).fetchall()]
        return Look(drain.budget, cancelled, guests, row[0])

    async def began(self, connection: Connection, drain_id: UUID, vm_id: UUID, saga_id: UUID) -> None:
        await connection.execute(
            "INSERT INTO node_drain_moves (drain_id, vm_id, saga_id) VALUES (%s, %s, %s)", (drain_id, vm_id, saga_id)
        )

    async def note(self, connection: Connection, drain_id: UUID, progress: Progress, *, cancelled: bool) -> None:
        """Write how far it is, where that is news."""
        values = {
            "id": drain_id,
            "moved": progress.moved,
            "under_way": progress.under_way,
            "left": progress.left,
            "left_behind": json.dumps([asdict(one) for one in progress.left_behind], default=str),
            "cancelled": cancelled,
        }
        await connection.execute(_NOTE, values)

    async def closed(self, connection: Connection, drain_id: UUID) -> None:
        """Nothing that is placed from now on lands on the node."""
        await connection.execute("UPDATE node_drains SET closed_at = now() WHERE id = %s", (drain_id,))

    async def cancel(self, connection: Connection, drain_id: UUID) -> None:
        await connection.execute(
            "UPDATE node_drains SET state = 'cancelling', updated_at = now() WHERE id = %s AND state = 'running'",
            (drain_id,),
        )

    async def finish(self, connection: Connection, drain_id: UUID, state: DrainState, error: str) -> None:
        await connection.execute(
            """UPDATE node_drains SET state = %s, error = %s, under_way = 0, finished_at = now(), updated_at = now()
               WHERE id = %s""",
            (str(state), error, drain_id),
        )

    async def _first(self, connection: Connection, condition: str, values: Sequence[Any]) -> Drain | None:
        query = f"SELECT {_COLUMNS} FROM node_drains WHERE {condition}"  # noqa: S608 - conditions of this file
        row = await (await connection.execute(query, values)).fetchone()
        return None if row is None else _drain(row)


def _drain(row: Sequence[Any]) -> Drain:
    state, moved, under_way, left, left_behind, error, closed_at, created_at, finished_at = row[7:]
    behind = tuple(LeftBehind(UUID(one["vm_id"]), one["name"], one["reason"], one["message"]) for one in left_behind)
    progress = Progress(moved, under_way, left, behind)
    return Drain(
        id=row[0],
        node_id=row[1],
        node_name=row[2],
        requested_by=row[3],
        budget=row[4],
        grace_seconds=row[5],
        was_open=row[6],
        state=DrainState(state),
        progress=progress,
        error=error,
        closed_at=closed_at,
        created_at=created_at,
        finished_at=finished_at,
    )


def _guest(row: Sequence[Any]) -> Guest:
    vm_id, name, state, on_node, busy, operation, move, error, displaced = row
    return Guest(
        vm_id=vm_id,
        name=name,
        state=VmState(state),
        on_node=bool(on_node),
        displaced=displaced,
        busy=SagaState(busy) if busy else None,
        operation=operation or "",
        move=SagaState(move) if move else None,
        trouble=Trouble(error["reason"], error["message"]) if error else None,
    )
