"""VMs that give way and the sagas by which they do, as those ask who wait for the room: SQL in, dataclasses out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from novacron.db import Connection
from novacron.saga import SagaState

from .preemption import Patience, Yielder

# The sagas that wait, each for all of its own.
_WAITING = """
SELECT count(DISTINCT params ->> 'waiting_saga') FROM saga
WHERE name = 'preempt-vm' AND state IN ('running', 'compensating') AND params ->> 'waiting_saga' <> %(waiting)s::text
"""
# By the database's clock, from the first attempt on: a worker that takes the saga over begins no new patience.
_PATIENCE = f"""
SELECT saga.cancel_requested_at IS NOT NULL, extract(epoch FROM clock_timestamp() - min(saga_step.started_at))::float8,
    count(*), ({_WAITING})
FROM saga JOIN saga_step USING (saga_id)
WHERE saga_id = %(waiting)s AND step = 'reserve' AND operation = 'action' GROUP BY saga_id
"""  # noqa: S608 - our own statement
_YIELDERS = """
SELECT asked.vm_id, asked.saga_id, coalesce(vms.name, ''), vms.saga_id IS NOT NULL OR vms.deleted_at IS NOT NULL,
    saga.state, saga.error ->> 'message'
FROM unnest(%s::uuid[], %s::uuid[]) AS asked (vm_id, saga_id)
LEFT JOIN vms ON vms.id = asked.vm_id LEFT JOIN saga ON saga.saga_id = asked.saga_id
ORDER BY asked.vm_id
"""


class PreemptionStore:
    """Reads alone; what begins a preemption is the saga log's own."""

    async def patience(self, connection: Connection, saga_id: UUID) -> Patience:
        """How it is with the saga that waits in its step `reserve`."""
        row = await (await connection.execute(_PATIENCE, {"waiting": saga_id})).fetchone()
        return Patience(*row) if row else Patience()

    async def yielders(self, connection: Connection, vm_sagas: Sequence[tuple[UUID, UUID]]) -> list[Yielder]:
        """These VMs, by their ids, each with the saga by which it gives way if that was begun."""
        values = [vm_id for vm_id, _ in vm_sagas], [saga_id for _, saga_id in vm_sagas]
        return [_yielder(row) for row in await (await connection.execute(_YIELDERS, values)).fetchall()]


def _yielder(row: Sequence[Any]) -> Yielder:
    vm_id, saga_id, name, busy, state, error = row
    return Yielder(vm_id, saga_id, name, bool(busy), SagaState(state) if state else None, error or "")
