"""What a step does that was given room which others have still: it has them give way, and waits until they have.

It waits within its attempt, as a drain does: what was begun stands in the tables, so that an attempt which another worker
begins anew goes on where the last one was. Only the first attempt ends with its first look: so the saga's timeline says whom
it waits for.

The place is claimed by then. So whatever goes wrong in here is told as unknown, whatever it says of itself: a refusal would
mean that the step has nothing to undo.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron import logs
from novacron.db import Connection
from novacron.errors import NovacronError, Outcome, Unavailable
from novacron.saga import Context, enqueue

from ..clients import Place
from ..preemption import PATIENCE_SECONDS, Yielder, following, told
from ..vm import Vm, VmState
from . import participants
from .preempt_vm import PREEMPT_VM, PreemptVmParams, preempt_saga_id

log = logs.logger(__name__)
# How often is looked: guests take seconds to power off.
_LOOK_SECONDS = 0.5
# For the step that waits: within its patience it is not cut off.
STEP_SECONDS = PATIENCE_SECONDS + 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """The VM that needs the room, and who asked for it."""

    vm_id: UUID
    name: str
    priority: int
    initiated_by: UUID


async def make_room(context: Context[Any], waiting: Waiting, place: Place) -> None:
    """Returns when all who give way to it there have left; at once when nobody has to.

    :raises Unavailable: they have not yet, or cannot; the step is tried again, or undone.
    """
    if not place.yielding:
        return
    with _told_as_unknown():
        while True:
            try:
                # What the reserve answered is as old as its first answer.
                yielding = await participants.of(context).scheduler.yielding(waiting.vm_id)
                if not yielding:
                    return
                no_use = await _look(context, waiting, place, yielding)
            except NovacronError as error:
                if not error.retryable:
                    raise
                log.warning("who gives way is not known now", vm=str(waiting.vm_id), reason=error.reason)
                no_use = ""
            if no_use:
                raise Unavailable(no_use)
            await asyncio.sleep(_LOOK_SECONDS)


@contextmanager
def _told_as_unknown() -> Iterator[None]:
    try:
        yield
    except NovacronError as error:
        if error.outcome is Outcome.UNKNOWN:
            raise
        raise Unavailable(error.message, metadata=error.metadata) from error


async def _look(context: Context[Any], waiting: Waiting, place: Place, yielding: Sequence[UUID]) -> str:
    """Have those give way that can now. Why the attempt ends here; empty: it goes on waiting."""
    hands = participants.of(context)
    sagas = [(vm_id, preempt_saga_id(context.saga_id, vm_id)) for vm_id in yielding]
    async with hands.vms.database.transaction() as connection:
        patience = await hands.preemptions.patience(connection, context.saga_id)
        yielders = await hands.preemptions.yielders(connection, sagas)
        now = following(patience, yielders)
        for one in now.begin:
            await _begin(connection, context, waiting, place, one)
    return now.trouble or (f"waiting for {told(yielders)} to give way" if patience.attempt == 1 else "")


async def _begin(connection: Connection, context: Context[Any], waiting: Waiting, place: Place, one: Yielder) -> None:
    vms = participants.of(context).vms
    vm = await vms.lock(connection, one.vm_id, None)
    if vm.saga_id is not None or vm.state not in (VmState.RUNNING, VmState.STOPPED) or vm.node_id != place.node_id:
        return  # since the look something else began with it, or ended: the next look says what
    params = _params(context, waiting, vm, place)
    await enqueue(connection, PREEMPT_VM, one.saga_id, params, tenant_id=vm.tenant_id)
    await vms.begin_operation(connection, vm, one.saga_id, PREEMPT_VM.name)


def _params(context: Context[Any], waiting: Waiting, vm: Vm, place: Place) -> PreemptVmParams:
    return PreemptVmParams(
        vm_id=vm.id,
        tenant_id=vm.tenant_id,
        node_id=place.node_id,
        runs=vm.state is VmState.RUNNING,
        priority=vm.spec.priority,
        waiting_saga=context.saga_id,
        waiting_vm=waiting.vm_id,
        waiting_name=waiting.name,
        waiting_priority=waiting.priority,
        initiated_by=waiting.initiated_by,
    )
