"""delete-vm: the domain goes, then its monitoring, then its reservation; and the VM is `deleted` in the last commit.

Forward only: a VM that someone wants gone is not brought back because a host was slow. Each step accepts that there is
nothing to remove, so a VM in any state can be deleted, and twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Connection
from novacron.errors import NotFound
from novacron.ids import derived_id
from novacron.saga import Context, Kind, Saga, Step, enqueue

from ..vm import Vm, VmState
from . import participants


@dataclass(frozen=True, slots=True)
class DeleteVmParams:
    """Which VM, where it is, and who wants it gone."""

    vm_id: UUID
    tenant_id: UUID
    node_id: UUID | None
    initiated_by: UUID


_Context = Context[DeleteVmParams]


def delete_saga_id(vm_id: UUID) -> UUID:
    """A VM is deleted once: everyone who asks attaches to the same saga."""
    return derived_id("delete-vm", vm_id)


async def destroy(context: _Context) -> None:
    params, hands = context.params, participants.of(context)
    if params.node_id is None:  # it never came to a node
        return
    try:
        place = await hands.scheduler.place(params.node_id)
    except NotFound:  # the node was removed, and with it what was on it
        return
    await hands.agents.delete(place, params.vm_id)


async def unmonitor(context: _Context) -> None:
    await participants.of(context).monitoring.delete(context.params.vm_id)


async def release(context: _Context) -> None:
    await participants.of(context).scheduler.release(context.params.vm_id)


async def mark_deleted(connection: Connection, context: _Context, _: Any) -> None:
    await participants.of(context).vms.transition(
        connection, context.params.vm_id, VmState.DELETED, reason="deleted", by=context.params.initiated_by
    )


DELETE_VM = Saga(
    name="delete-vm",
    version=1,
    params=DeleteVmParams,
    steps=(
        Step("destroy", Kind.RETRIABLE, destroy, timeout_seconds=60),
        Step("unmonitor", Kind.RETRIABLE, unmonitor),
        Step("release", Kind.RETRIABLE, release, local=mark_deleted),
    ),
)


async def delete_if_asked(connection: Connection, context: Context[Any], vm: Vm) -> None:
    """In the commit that ends another operation: the delete that was asked for meanwhile begins."""
    if vm.delete_requested_by is None:
        return
    params = DeleteVmParams(vm.id, vm.tenant_id, vm.node_id, vm.delete_requested_by)
    await enqueue(connection, DELETE_VM, delete_saga_id(vm.id), params, tenant_id=vm.tenant_id)
    await participants.of(context).vms.begin_operation(connection, vm, delete_saga_id(vm.id), DELETE_VM.name)
