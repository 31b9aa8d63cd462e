"""readmit-vm: a VM that gave way to another is given a place on its node again, and runs.

    reserve  scheduler.ReserveResources on its node, and a wait for those who give way | ReleaseReservation
    start    agent.StartVm                                                            | agent.StopVm
    settle   scheduler.ConfirmReservation; the VM runs and has its place, in the same commit; forward only

What a start of any other stopped VM is: where the node has no room, the VM stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Connection
from novacron.saga import Context, Kind, RetryPolicy, Saga, Step, StepError

from ..vm import Vm, VmSpec, VmState
from . import host, participants, room
from .delete_vm import delete_if_asked

# Long enough for an agent to be restarted meanwhile.
_PATIENT = RetryPolicy(attempts=8, most_seconds=5)


@dataclass(frozen=True, slots=True)
class ReadmitVmParams:
    """Which VM, as it is, and who wants it to run."""

    vm_id: UUID
    tenant_id: UUID
    name: str
    spec: VmSpec
    node_id: UUID
    initiated_by: UUID


@dataclass(frozen=True, slots=True)
class Started:
    """The domain, which runs again."""

    ip_address: str


_Context = Context[ReadmitVmParams]


def params_of(vm: Vm, by: UUID) -> ReadmitVmParams:
    """A VM that gave way, as the saga takes it up."""
    assert vm.node_id is not None, "a VM that is nowhere has no disk to start from"
    return ReadmitVmParams(vm.id, vm.tenant_id, vm.name, vm.spec, vm.node_id, by)


async def reserve(context: _Context) -> None:
    params, scheduler = context.params, participants.of(context).scheduler
    node = (await host.of(context)).node_name
    made = await scheduler.reserve(params.vm_id, params.tenant_id, params.spec, name=params.name, node=node, waits=True)
    waiting = room.Waiting(params.vm_id, params.name, params.spec.priority, params.initiated_by)
    await room.make_room(context, waiting, made)


async def release(context: _Context) -> None:
    await participants.of(context).scheduler.release(context.params.vm_id)


async def start(context: _Context) -> Started:
    domain = await participants.of(context).agents.start(await host.of(context), context.params.vm_id)
    return Started(domain.ip_address)


async def halt(context: _Context) -> None:
    # At once: what started on a place that is given back has nothing to say yet.
    await participants.of(context).agents.stop(await host.of(context), context.params.vm_id, 0)


async def settle(context: _Context) -> None:
    await participants.of(context).scheduler.confirm(context.params.vm_id)


async def mark_running(connection: Connection, context: _Context, _: Any) -> None:
    vm = await participants.of(context).vms.transition(
        connection,
        context.params.vm_id,
        VmState.RUNNING,
        reason="started, on a place of its own again",
        by=context.params.initiated_by,
        ip_address=context.result(Started).ip_address,
        displaced=False,
    )
    await delete_if_asked(connection, context, vm)


async def stays(connection: Connection, context: _Context, error: StepError | None) -> None:
    vm = await participants.of(context).vms.end_operation(connection, context.params.vm_id, str(error))
    await delete_if_asked(connection, context, vm)


READMIT_VM = Saga(
    name="readmit-vm",
    version=1,
    params=ReadmitVmParams,
    steps=(
        Step("reserve", Kind.COMPENSATABLE, reserve, release, timeout_seconds=room.STEP_SECONDS, retry=_PATIENT),
        Step("start", Kind.COMPENSATABLE, start, halt, output=Started, timeout_seconds=30, retry=_PATIENT),
        Step("settle", Kind.RETRIABLE, settle, local=mark_running),
    ),
    on_compensated=stays,
)
