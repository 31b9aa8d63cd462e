"""preempt-vm: a VM gives way to one of higher priority of its tenant.

    stop   agent.StopVm, if it runs                                 | agent.StartVm
    leave  scheduler.ReleaseReservation, if it still gives way: the pivot; the VM is `stopped` and has no place, in one commit

Its disk and its domain stay where they are, and so does its monitoring: it is a stopped VM, but for the place that it has to be
given before it starts (readmit-vm). Whoever it gives way to may need the room no longer by then: the scheduler knows, and the
guest runs again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Connection
from novacron.errors import FailedPrecondition
from novacron.ids import derived_id
from novacron.saga import Context, Kind, RetryPolicy, Saga, Step, StepError

from ..vm import VmState
from . import host, participants
from .delete_vm import delete_if_asked

# What a guest is given to power off before the plug is pulled: somebody waits for its room.
GRACE_SECONDS = 30
# Long enough for an agent to be restarted meanwhile.
_PATIENT = RetryPolicy(attempts=8, most_seconds=5)


@dataclass(frozen=True, slots=True)
class PreemptVmParams:
    """Which VM, as it is, and which one it gives way to."""

    vm_id: UUID
    tenant_id: UUID
    node_id: UUID
    runs: bool
    priority: int
    waiting_saga: UUID
    waiting_vm: UUID
    waiting_name: str
    waiting_priority: int
    initiated_by: UUID
    grace_seconds: int = GRACE_SECONDS


_Context = Context[PreemptVmParams]


def preempt_saga_id(waiting_saga: UUID, vm_id: UUID) -> UUID:
    """A VM gives way once to whatever waits for it: a repeat is the same saga."""
    return derived_id("preempt-vm", waiting_saga, vm_id)


async def leave(context: _Context) -> None:
    params = context.params
    if not await participants.of(context).scheduler.give_way(params.vm_id, params.waiting_vm):
        raise FailedPrecondition(f"VM {params.waiting_name} needs its room no longer")


async def mark_displaced(connection: Connection, context: _Context, _: Any) -> None:
    params = context.params
    vm = await participants.of(context).vms.transition(
        connection,
        params.vm_id,
        VmState.STOPPED,
        reason=f"gave way to VM {params.waiting_name} (priority {params.waiting_priority} over {params.priority})",
        by=params.initiated_by,
        displaced=True,
    )
    await delete_if_asked(connection, context, vm)


async def stays(connection: Connection, context: _Context, error: StepError | None) -> None:
    vm = await participants.of(context).vms.end_operation(connection, context.params.vm_id, str(error))
    await delete_if_asked(connection, context, vm)


PREEMPT_VM = Saga(
    name="preempt-vm",
    version=1,
    params=PreemptVmParams,
    steps=(
        Step("stop", Kind.COMPENSATABLE, host.stop, host.resume, timeout_seconds=90, retry=_PATIENT),
        Step("leave", Kind.PIVOT, leave, local=mark_displaced, retry=RetryPolicy(attempts=40, most_seconds=15)),
    ),
    on_compensated=stays,
)
