"""start-vm, stop-vm, reboot-vm: one order to the agent, which decides; the new state is in the same commit.

The order is the pivot: refused, nothing has changed and the VM keeps its state with the reason; unknown, it is given again
under the same key, which the agent carries out once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Connection
from novacron.rpc import deadline
from novacron.saga import Context, Kind, RetryPolicy, Saga, Step, StepError

from ..vm import VmState
from . import host, participants
from .delete_vm import delete_if_asked

_PATIENT = RetryPolicy(attempts=12, most_seconds=10)


@dataclass(frozen=True, slots=True)
class PowerParams:
    """Which VM, where it is, who ordered it, and how long the guest may take."""

    vm_id: UUID
    tenant_id: UUID
    node_id: UUID
    initiated_by: UUID
    grace_seconds: int = 0


_Context = Context[PowerParams]


async def start(context: _Context) -> None:
    await participants.of(context).agents.start(await host.of(context), context.params.vm_id)


async def stop(context: _Context) -> None:
    params = context.params
    with deadline.within(params.grace_seconds + host.BEYOND_GRACE_SECONDS):
        await participants.of(context).agents.stop(await host.of(context), params.vm_id, params.grace_seconds)


async def reboot(context: _Context) -> None:
    params = context.params
    with deadline.within(params.grace_seconds + host.BEYOND_GRACE_SECONDS):
        await participants.of(context).agents.reboot(await host.of(context), params.vm_id, params.grace_seconds)


def becomes(state: VmState, reason: str) -> Callable[[Connection, _Context, Any], Awaitable[None]]:
    async def effect(connection: Connection, context: _Context, _: Any) -> None:
        params = context.params
        vms = participants.of(context).vms
        vm = await vms.transition(connection, params.vm_id, state, reason=reason, by=params.initiated_by)
        await delete_if_asked(connection, context, vm)

    return effect


async def stays(connection: Connection, context: _Context, error: StepError | None) -> None:
    vm = await participants.of(context).vms.end_operation(connection, context.params.vm_id, str(error))
    await delete_if_asked(connection, context, vm)


START_VM = Saga(
    name="start-vm",
    version=1,
    params=PowerParams,
    steps=(
        Step("start", Kind.PIVOT, start, local=becomes(VmState.RUNNING, "started"), timeout_seconds=30, retry=_PATIENT),
    ),
    on_compensated=stays,
)
STOP_VM = Saga(
    name="stop-vm",
    version=1,
    params=PowerParams,
    steps=(
        Step("stop", Kind.PIVOT, stop, local=becomes(VmState.STOPPED, "stopped"), timeout_seconds=660, retry=_PATIENT),
    ),
    on_compensated=stays,
)
REBOOT_VM = Saga(
    name="reboot-vm",
    version=1,
    params=PowerParams,
    steps=(
        Step(
            "reboot",
            Kind.PIVOT,
            reboot,
            local=becomes(VmState.RUNNING, "rebooted"),
            timeout_seconds=660,
            retry=_PATIENT,
        ),
    ),
    on_compensated=stays,
)
