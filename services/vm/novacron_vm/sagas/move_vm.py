"""move-vm: a VM goes to another node of ours with its disk, switched off on the way.

    claim      scheduler.ReserveResources, a second place   | ReleaseReservation of that place
    stop       source agent.StopVm                          | source agent.StartVm
    bring      target agent.ImportVm, pulled from the source| source agent.StartVm, then target agent.DeleteVm
    switch     the VM's row names the new node: the pivot, in the saga's own commit
    start      target agent.StartVm                         forward only from here
    clear      source agent.DeleteVm
    settle     scheduler.ConfirmReservation: the old place is given back
    unmonitor  monitoring.DeleteVmMonitoring, of the old node
    monitor    monitoring.CreateVmMonitoring, of the new one; and the VM is what it was, in the same commit

Before the switch the source is whole and nothing of the target was ever started; so a move that turns back leaves the VM as
it was. The guest runs again before anything is cleared away: a source that died meanwhile keeps nobody waiting, and its disk
is there until the copy has booted. A VM that was stopped stays so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Connection
from novacron.errors import NotFound
from novacron.rpc import deadline
from novacron.saga import Context, Kind, RetryPolicy, Saga, Step, StepError

from ..clients import Place
from ..vm import Vm, VmSpec, VmState
from . import host, participants
from .delete_vm import delete_if_asked

# Long enough for an agent to be restarted meanwhile.
_PATIENT = RetryPolicy(attempts=8, most_seconds=5)
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class MoveVmParams:
    """Which VM, as it is, and where to. The saga's id is the move's, and the key of the place that it claims."""

    vm_id: UUID
    tenant_id: UUID
    name: str
    spec: VmSpec
    source: UUID
    runs: bool
    initiated_by: UUID
    grace_seconds: int
    node: str = ""  # the only one that it may go to, by id; empty: any


@dataclass(frozen=True, slots=True)
class Claimed:
    """The node that the scheduler chose."""

    node_id: UUID
    node_name: str
    agent_address: str
    epoch: int = 0  # of the node, when it was chosen: should it be lost before the copy is there, none comes


@dataclass(frozen=True, slots=True)
class Started:
    """The domain at its new place."""

    ip_address: str


_Context = Context[MoveVmParams]


def params_of(vm: Vm, by: UUID, grace_seconds: int, node_id: UUID | None = None) -> MoveVmParams:
    """A VM that runs or is stopped, as the saga takes it up."""
    assert vm.node_id is not None, "a VM that is nowhere has nothing to move"
    return MoveVmParams(
        vm_id=vm.id,
        tenant_id=vm.tenant_id,
        name=vm.name,
        spec=vm.spec,
        source=vm.node_id,
        runs=vm.state is VmState.RUNNING,
        initiated_by=by,
        grace_seconds=grace_seconds,
        node=str(node_id) if node_id else "",
    )


async def claim(context: _Context) -> Claimed:
    params = context.params
    place = await participants.of(context).scheduler.reserve(
        params.vm_id, params.tenant_id, params.spec, name=params.name, move_id=context.saga_id, node=params.node
    )
    return Claimed(place.node_id, place.node_name, place.agent_address, place.epoch)


async def give_back(context: _Context) -> None:
    await participants.of(context).scheduler.release(context.params.vm_id, move_id=context.saga_id)


async def stop(context: _Context) -> None:
    params, hands = context.params, participants.of(context)
    source = await hands.scheduler.place(params.source)
    with deadline.within(params.grace_seconds + host.BEYOND_GRACE_SECONDS):
        # A VM that is off already is told as well: only the node that is named here may fetch it.
        target = context.result(Claimed).node_name
        await hands.agents.stop(source, params.vm_id, params.grace_seconds, export_to=target)


async def resume(context: _Context) -> None:
    params, hands = context.params, participants.of(context)
    if params.runs:
        await hands.agents.start(await hands.scheduler.place(params.source), params.vm_id)


async def bring(context: _Context) -> None:
    params, hands = context.params, participants.of(context)
    source = await hands.scheduler.place(params.source)
    await hands.agents.bring(context.result(Claimed), source, params.vm_id, params.name, params.spec)


async def send_back(context: _Context) -> None:
    # The guest first: it shall not wait until the target, which may be what failed, can be cleared.
    await resume(context)
    await participants.of(context).agents.delete(await _target(context), context.params.vm_id)


async def _target(context: _Context) -> Place:
    """Where the target's agent is now, in the epoch of now: from here on it is to do this whatever became of it meanwhile."""
    return await participants.of(context).scheduler.place(context.result(Claimed).node_id)


async def switch(connection: Connection, context: _Context, _: Any) -> None:
    await participants.of(context).vms.change_node(connection, context.params.vm_id, context.result(Claimed).node_id)


async def start(context: _Context) -> Started:
    params = context.params
    if not params.runs:
        return Started("")
    domain = await participants.of(context).agents.start(await _target(context), params.vm_id)
    return Started(domain.ip_address)


async def clear(context: _Context) -> None:
    params, hands = context.params, participants.of(context)
    try:
        source = await hands.scheduler.place(params.source)
    except NotFound:  # the node was removed, and with it what was on it
        return
    await hands.agents.delete(source, params.vm_id)


async def settle(context: _Context) -> None:
    await participants.of(context).scheduler.arrive(context.params.vm_id, context.saga_id)


async def unmonitor(context: _Context) -> None:
    await participants.of(context).monitoring.delete(context.params.vm_id)


async def monitor(context: _Context) -> None:
    params = context.params
    node_id = context.result(Claimed).node_id
    await participants.of(context).monitoring.create(params.vm_id, params.tenant_id, node_id)


async def mark_moved(connection: Connection, context: _Context, _: Any) -> None:
    params = context.params
    vm = await participants.of(context).vms.transition(
        connection,
        params.vm_id,
        _as_before(params),
        reason=f"moved to {context.result(Claimed).node_name}",
        by=params.initiated_by,
        ip_address=context.result(Started).ip_address,
    )
    await delete_if_asked(connection, context, vm)


async def mark_back(connection: Connection, context: _Context, error: StepError | None) -> None:
    params = context.params
    vm = await participants.of(context).vms.transition(
        connection,
        params.vm_id,
        _as_before(params),
        reason="move was undone",
        by=params.initiated_by,
        error=str(error),
    )
    await delete_if_asked(connection, context, vm)


def _as_before(params: MoveVmParams) -> VmState:
    return VmState.RUNNING if params.runs else VmState.STOPPED


MOVE_VM = Saga(
    name="move-vm",
    version=1,
    params=MoveVmParams,
    steps=(
        Step("claim", Kind.COMPENSATABLE, claim, give_back, output=Claimed, retry=_PATIENT),
        Step("stop", Kind.COMPENSATABLE, stop, resume, timeout_seconds=660, retry=_PATIENT),
        Step("bring", Kind.COMPENSATABLE, bring, send_back, timeout_seconds=_HOUR, retry=_PATIENT),
        Step("switch", Kind.PIVOT, local=switch),
        Step("start", Kind.RETRIABLE, start, output=Started, timeout_seconds=30),
        Step("clear", Kind.RETRIABLE, clear, timeout_seconds=60),
        Step("settle", Kind.RETRIABLE, settle),
        Step("unmonitor", Kind.RETRIABLE, unmonitor),
        Step("monitor", Kind.RETRIABLE, monitor, local=mark_moved),
    ),
    # Two copies of a large disk, one of which broke off.
    deadline_seconds=2 * _HOUR + 660,
    on_compensated=mark_back,
)
