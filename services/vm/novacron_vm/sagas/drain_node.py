"""drain-node: a node takes no new VMs, and those on it are moved to others, each by a saga of its own.

    cordon     scheduler.DrainNode: no claim lands there any more    | undone where the node was open before
    evict      at most `budget` move-vm sagas at a time, one for each VM; it waits for them
    finish     the drain is over: drained, or failed with the VMs that are left and why

`evict` is one long attempt and not many short ones. What it did stands in the tables after every look: the moves that it began
are rows written with the sagas that they began, so an attempt that another worker begins anew goes on where the last one
was, and none is used up by waiting: only a worker's death or hours without end count. While it waits the worker's heartbeat
renews the lease, as for any step. It reads by itself whether the saga shall turn round, begins nothing more then, and gives
up once the moves under way have ended; what was moved stays moved, so it has nothing to undo.

VMs that cannot be moved do not turn the drain back: the node stays closed and the others are moved. An operator reads which are
left, mends the cause, and drains again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron import logs
from novacron.db import Connection
from novacron.errors import FailedPrecondition, NovacronError
from novacron.ids import derived_id
from novacron.saga import Context, Kind, RetryPolicy, Saga, Step, StepError, enqueue

from ..drain import Drain, DrainState, outlook
from ..vm import VmState
from . import participants
from .move_vm import MOVE_VM, params_of

log = logs.logger(__name__)
# How often the moves are looked at. They are minutes long.
_LOOK_SECONDS = 0.5
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class DrainNodeParams:
    """Which node, and how it was. The saga's id is the drain's; the rest stands in its row."""

    node_id: UUID
    node_name: str
    was_open: bool
    requested_by: UUID


_Context = Context[DrainNodeParams]


def move_saga_id(drain_id: UUID, vm_id: UUID) -> UUID:
    """One try for each VM in a drain: a repeat is the same saga."""
    return derived_id("drain-node", drain_id, vm_id)


async def cordon(context: _Context) -> None:
    await participants.of(context).scheduler.close_node(context.params.node_id)


async def mark_closed(connection: Connection, context: _Context, _: Any) -> None:
    await participants.of(context).drains.closed(connection, context.saga_id)


async def uncordon(context: _Context) -> None:
    if context.params.was_open:
        await participants.of(context).scheduler.open_node(context.params.node_id)


async def evict(context: _Context) -> None:
    while True:
        try:
            over, cancelled = await look_once(context)
        except NovacronError as error:
            if not error.retryable:
                raise
            log.warning("drain not looked after", drain=str(context.saga_id), reason=error.reason)
            over = cancelled = False
        if over and cancelled:
            raise FailedPrecondition(f"the drain of {context.params.node_name} was cancelled")
        if over:
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def look_once(context: _Context) -> tuple[bool, bool]:
    """Begin the moves that are due and write how far it is: ``(nothing more to wait for, it shall turn round)``."""
    drains = participants.of(context).drains
    async with drains.database.transaction() as connection:
        drain, cancelled = await drains.lock(connection, context.saga_id)
        now = outlook(await drains.look(connection, drain, cancelled=cancelled))
        for vm_id in now.start:
            await _begin_move(connection, context, drain, vm_id)
        await drains.note(connection, drain.id, now.progress, cancelled=cancelled)
    return now.over, cancelled


async def _begin_move(connection: Connection, context: _Context, drain: Drain, vm_id: UUID) -> None:
    hands, saga_id = participants.of(context), move_saga_id(drain.id, vm_id)
    vm = await hands.vms.lock(connection, vm_id, None)
    moves = vm.state in (VmState.RUNNING, VmState.STOPPED) and vm.displaced_at is None
    if vm.saga_id is not None or not moves or vm.node_id != drain.node_id:
        return  # since the look something else began with it: the next look says what
    params = params_of(vm, drain.requested_by, drain.grace_seconds)
    await enqueue(connection, MOVE_VM, saga_id, params, tenant_id=vm.tenant_id)
    await hands.vms.begin_move(connection, vm, saga_id, drain.requested_by)
    await hands.drains.began(connection, drain.id, vm_id, saga_id)


async def mark_over(connection: Connection, context: _Context, _: Any) -> None:
    drains = participants.of(context).drains
    drain, _cancelled = await drains.lock(connection, context.saga_id)
    error = drain.progress.told(drain.node_name)
    await drains.finish(connection, drain.id, DrainState.FAILED if error else DrainState.DRAINED, error)


async def mark_turned(connection: Connection, context: _Context, error: StepError | None) -> None:
    drains = participants.of(context).drains
    drain, cancelled = await drains.lock(connection, context.saga_id)
    state = DrainState.CANCELLED if cancelled else DrainState.FAILED
    await drains.finish(connection, drain.id, state, "" if cancelled else str(error))


async def mark_stuck(connection: Connection, context: _Context, error: StepError | None) -> None:
    drains = participants.of(context).drains
    why = f"{error}; an operator sees it with `novacron saga show {context.saga_id}`"
    await drains.finish(connection, context.saga_id, DrainState.FAILED, why)


DRAIN_NODE = Saga(
    name="drain-node",
    version=1,
    params=DrainNodeParams,
    steps=(
        Step(
            "cordon",
            Kind.COMPENSATABLE,
            cordon,
            uncordon,
            local=mark_closed,
            # Long enough for a scheduler to be restarted meanwhile.
            retry=RetryPolicy(attempts=8, most_seconds=5),
        ),
        Step(
            "evict",
            Kind.COMPENSATABLE,
            evict,
            # No compensation: a VM is as well off where it was moved to.
            timeout_seconds=12 * _HOUR,
            retry=RetryPolicy(attempts=50, most_seconds=5),
        ),
        Step("finish", Kind.RETRIABLE, local=mark_over),
    ),
    deadline_seconds=24 * _HOUR,
    on_compensated=mark_turned,
    on_stuck=mark_stuck,
)
