"""resize-vm: a VM gets other vCPUs and other memory, on its node and on its disk.

    claim      scheduler.ResizeReservation, the larger of both sizes | UndoResize: what it held before
    stop       agent.StopVm, if it runs                              | agent.StartVm
    redefine   agent.ResizeVm to the new size                        | agent.ResizeVm to the old one
    start      agent.StartVm, if it ran                              | agent.StopVm
    confirm    scheduler.ConfirmResize: what it held beyond is given back; forward only from here
    note       scheduler.MarkScalingRecommendationApplied, if one was; and the VM's spec says the new size, in the same commit

The start at the new size is before the point of no return: a VM that does not start at it gets its old size back, and
runs. Until the confirm it holds the larger of both sizes, so there is room for it whichever way this ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Connection
from novacron.saga import Context, Kind, RetryPolicy, Saga, Step, StepError

from ..vm import Resize, Vm, VmSpec, VmState, told
from . import host, participants
from .delete_vm import delete_if_asked

# Long enough for an agent to be restarted meanwhile.
_PATIENT = RetryPolicy(attempts=8, most_seconds=5)


@dataclass(frozen=True, slots=True)
class ResizeVmParams:
    """Which VM, as it is and as it shall be. The saga's id is the resize's, by which the scheduler knows its claim."""

    vm_id: UUID
    tenant_id: UUID
    name: str
    node_id: UUID
    before: VmSpec
    after: VmSpec
    runs: bool
    initiated_by: UUID
    grace_seconds: int
    recommendation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Restarted:
    """The domain at its new size."""

    ip_address: str


_Context = Context[ResizeVmParams]


def params_of(vm: Vm, after: VmSpec, asked: Resize, by: UUID) -> ResizeVmParams:
    """A VM that runs or is stopped, as the saga takes it up."""
    assert vm.node_id is not None, "a VM that is nowhere has no size"
    return ResizeVmParams(
        vm_id=vm.id,
        tenant_id=vm.tenant_id,
        name=vm.name,
        node_id=vm.node_id,
        before=vm.spec,
        after=after,
        runs=vm.state is VmState.RUNNING,
        initiated_by=by,
        grace_seconds=asked.grace_seconds,
        recommendation_id=asked.recommendation_id,
    )


async def claim(context: _Context) -> None:
    await participants.of(context).scheduler.resize(context.params.vm_id, context.saga_id, context.params.after)


async def give_back(context: _Context) -> None:
    await participants.of(context).scheduler.undo_resize(context.params.vm_id, context.saga_id)


async def redefine(context: _Context) -> None:
    params = context.params
    await participants.of(context).agents.resize(await host.of(context), params.vm_id, params.name, params.after)


async def restore(context: _Context) -> None:
    params = context.params
    await participants.of(context).agents.resize(await host.of(context), params.vm_id, params.name, params.before)


async def start(context: _Context) -> Restarted:
    if not context.params.runs:
        return Restarted("")
    domain = await participants.of(context).agents.start(await host.of(context), context.params.vm_id)
    return Restarted(domain.ip_address)


async def halt(context: _Context) -> None:
    # At once: what started at a size that is taken back has nothing to say yet.
    if context.params.runs:
        await participants.of(context).agents.stop(await host.of(context), context.params.vm_id, 0)


async def confirm(context: _Context) -> None:
    await participants.of(context).scheduler.confirm_resize(context.params.vm_id, context.saga_id)


async def note(context: _Context) -> None:
    if (recommendation_id := context.params.recommendation_id) is not None:
        await participants.of(context).scheduler.mark_applied(recommendation_id)


async def mark_resized(connection: Connection, context: _Context, _: Any) -> None:
    params, vms = context.params, participants.of(context).vms
    await vms.change_spec(connection, params.vm_id, params.after)
    vm = await vms.transition(
        connection,
        params.vm_id,
        VmState.RUNNING if params.runs else VmState.STOPPED,
        reason=f"resized to {told(*params.after.size)}",
        by=params.initiated_by,
        ip_address=context.result(Restarted).ip_address,
    )
    await delete_if_asked(connection, context, vm)


async def stays(connection: Connection, context: _Context, error: StepError | None) -> None:
    vm = await participants.of(context).vms.end_operation(connection, context.params.vm_id, str(error))
    await delete_if_asked(connection, context, vm)


RESIZE_VM = Saga(
    name="resize-vm",
    version=1,
    params=ResizeVmParams,
    steps=(
        Step("claim", Kind.COMPENSATABLE, claim, give_back, retry=_PATIENT),
        Step("stop", Kind.COMPENSATABLE, host.stop, host.resume, timeout_seconds=660, retry=_PATIENT),
        Step("redefine", Kind.COMPENSATABLE, redefine, restore, timeout_seconds=30, retry=_PATIENT),
        Step("start", Kind.COMPENSATABLE, start, halt, output=Restarted, timeout_seconds=30, retry=_PATIENT),
        Step("confirm", Kind.RETRIABLE, confirm),
        Step("note", Kind.RETRIABLE, note, local=mark_resized),
    ),
    deadline_seconds=1500,
    on_compensated=stays,
)
