"""create-vm: a node is chosen and claimed, the domain made and started, its samples awaited, and the VM runs.

    reserve    scheduler.ReserveResources, and a wait for those who give way | ReleaseReservation
    provision  agent.CreateVm                                                | agent.DeleteVm
    monitor    monitoring.CreateVmMonitoring                                 | DeleteVmMonitoring
    activate   scheduler.ConfirmReservation, and the VM is `running` in the same commit; forward only

A create that turns back leaves nothing anywhere but the VM's row, in `error` with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Connection
from novacron.saga import Context, Kind, RetryPolicy, Saga, Step, StepError

from ..vm import VmSpec, VmState
from . import participants, room
from .delete_vm import delete_if_asked


@dataclass(frozen=True, slots=True)
class CreateVmParams:
    """The request, complete. The saga's id is the VM's."""

    name: str
    tenant_id: UUID
    owner_id: UUID
    spec: VmSpec


@dataclass(frozen=True, slots=True)
class Reserved:
    """The node that the scheduler chose."""

    node_id: UUID
    node_name: str
    agent_address: str
    epoch: int = 0  # of the node, when it was chosen: should it be lost before the domain is made, none is


@dataclass(frozen=True, slots=True)
class Provisioned:
    """The domain that the agent made."""

    ip_address: str
    mac_address: str


_Context = Context[CreateVmParams]


async def reserve(context: _Context) -> Reserved:
    params = context.params
    place = await participants.of(context).scheduler.reserve(
        context.saga_id, params.tenant_id, params.spec, name=params.name, waits=True
    )
    waiting = room.Waiting(context.saga_id, params.name, params.spec.priority, params.owner_id)
    await room.make_room(context, waiting, place)
    return Reserved(place.node_id, place.node_name, place.agent_address, place.epoch)


async def release(context: _Context) -> None:
    scheduler = participants.of(context).scheduler
    if context.error is not None and context.error.step == "provision":
        await scheduler.node_failed(context.result(Reserved).node_id, context.saga_id)
    await scheduler.release(context.saga_id)


async def provision(context: _Context) -> Provisioned:
    domain = await participants.of(context).agents.create(
        context.result(Reserved), context.saga_id, context.params.name, context.params.spec
    )
    return Provisioned(domain.ip_address, domain.mac_address)


async def destroy(context: _Context) -> None:
    hands = participants.of(context)
    # Where the agent is now, in the epoch of now: whatever became of the node meanwhile, what is there has to go.
    await hands.agents.delete(await hands.scheduler.place(context.result(Reserved).node_id), context.saga_id)


async def monitor(context: _Context) -> None:
    node_id = context.result(Reserved).node_id
    await participants.of(context).monitoring.create(context.saga_id, context.params.tenant_id, node_id)


async def unmonitor(context: _Context) -> None:
    await participants.of(context).monitoring.delete(context.saga_id)


async def activate(context: _Context) -> None:
    await participants.of(context).scheduler.confirm(context.saga_id)


async def mark_running(connection: Connection, context: _Context, _: Any) -> None:
    vm = await participants.of(context).vms.transition(
        connection,
        context.saga_id,
        VmState.RUNNING,
        reason="created",
        by=context.params.owner_id,
        node_id=context.result(Reserved).node_id,
        ip_address=context.result(Provisioned).ip_address,
    )
    await delete_if_asked(connection, context, vm)  # it came too late to turn the saga round


async def mark_error(connection: Connection, context: _Context, error: StepError | None) -> None:
    vms = participants.of(context).vms
    by = context.params.owner_id
    vm = await vms.transition(
        connection, context.saga_id, VmState.ERROR, reason="create was undone", by=by, error=str(error)
    )
    if vm.delete_requested_by is not None:  # nothing is left anywhere: the row was the last of it
        await vms.transition(
            connection, context.saga_id, VmState.DELETED, reason="deleted while creating", by=vm.delete_requested_by
        )


CREATE_VM = Saga(
    name="create-vm",
    version=1,
    params=CreateVmParams,
    steps=(
        Step("reserve", Kind.COMPENSATABLE, reserve, release, output=Reserved, timeout_seconds=room.STEP_SECONDS),
        Step(
            "provision",
            Kind.COMPENSATABLE,
            provision,
            destroy,
            output=Provisioned,
            timeout_seconds=60,
            # Long enough for an agent to be restarted meanwhile.
            retry=RetryPolicy(attempts=8, most_seconds=5),
        ),
        Step("monitor", Kind.COMPENSATABLE, monitor, unmonitor),
        Step("activate", Kind.RETRIABLE, activate, local=mark_running),
    ),
    on_compensated=mark_error,
)
