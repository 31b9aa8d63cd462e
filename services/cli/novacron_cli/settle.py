"""Waiting until nothing works on a VM any more.

The wait outlives a restart of the services: an answer that does not come is asked for again, because the saga goes on
without this command and without the process that began it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from novacron.api.saga.v1 import (
    SAGA_STATE_COMPENSATED,
    SAGA_STATE_STUCK,
    SAGA_STATE_SUCCEEDED,
    GetSagaRequest,
)
from novacron.api.vm.v1 import VM_STATE_CREATING, VM_STATE_DELETED, GetVmRequest, Vm, VmState, WatchVmRequest
from novacron.errors import (
    Cancelled,
    DeadlineExceeded,
    NoCapacity,
    NotFound,
    NovacronError,
    Overloaded,
    PermissionDenied,
    QuotaExceeded,
    SagaFailed,
    SagaStuck,
    Unavailable,
    Unimplemented,
)
from novacron_cli.connection import Connection
from novacron_cli.progress import Progress
from novacron_cli.words import word

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
_OVER = (SAGA_STATE_SUCCEEDED, SAGA_STATE_COMPENSATED, SAGA_STATE_STUCK)
# An operation may end without a transition: the VM itself is looked at so often.
_LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Settled:
    """The VM once the operation was over, and its saga where the user may read it."""

    vm: Vm
    saga: Any = None

    @property
    def succeeded(self) -> bool:
        """False where the saga turned back or is stuck. Of a saga that the user may not read only the VM tells.

        A VM that is gone is gone, even where the saga that made it had to turn back for that.
        """
        return self.saga is None or self.saga.state == SAGA_STATE_SUCCEEDED or self.vm.state == VM_STATE_DELETED

    def failure(self) -> NovacronError:
        """What to raise when the operation did not do what it should: a lack of room as such, all else as the saga's."""
        saga, vm = self.saga, self.vm
        if saga is None or saga.state == SAGA_STATE_SUCCEEDED:
            why = vm.error or "something else was done to it meanwhile"
            return SagaFailed(f"{vm.name} is in the state {word(VmState, vm.state)}: {why}")
        why = saga.error or vm.error or "no reason is known"
        metadata = {"saga_id": saga.saga_id}
        if saga.state == SAGA_STATE_STUCK:
            return SagaStuck(f"{saga.name} of {vm.name} is stuck: {why}", metadata=metadata)
        reasons = {attempt.reason for attempt in saga.attempts if attempt.outcome == "refused"}
        kind = next((one for one in (NoCapacity, QuotaExceeded) if one.reason in reasons), SagaFailed)
        message = f"{saga.name} of {vm.name} failed: {why}\n  every step was undone: nothing is left behind"
        return kind(message, metadata=metadata)


async def settle(connection: Connection, vm: Vm, progress: Progress, *, free: bool = False) -> Settled:
    """Follow the operation under way on ``vm`` until it is over, and give what became of the VM.

    ``free``: go on until nothing works on the VM, as a delete does, which waits its turn behind another operation.

    :raises Unavailable: nothing could be learnt for a minute.
    """
    settled = Settled(vm)
    while saga_id := settled.vm.saga_id or (vm.vm_id if settled.vm.state == VM_STATE_CREATING else ""):
        settled = await _one(connection, settled.vm, saga_id, progress)
        if not free or settled.vm.saga_id == saga_id:
            break
    return settled


async def _one(connection: Connection, vm: Vm, saga_id: str, progress: Progress) -> Settled:
    saga = None
    try:
        saga = await _follow_saga(connection, saga_id, progress)
    except (PermissionDenied, NotFound, Unimplemented):
        await _follow_events(connection, vm, saga_id, progress)
    ends = time.monotonic() + _LOOK_SECONDS
    vm = await look(connection, vm, progress)
    while _busy(vm, saga_id) and time.monotonic() < ends:  # the VM's row may follow the saga's by a moment
        await asyncio.sleep(0.1)
        vm = await look(connection, vm, progress)
    return Settled(vm, saga)


async def look(connection: Connection, vm: Vm, progress: Progress) -> Vm:
    """The VM as it is now; one that is gone is a deleted one."""
    try:
        return await patiently(lambda: connection.vms.GetVm(GetVmRequest(vm_id=vm.vm_id)), progress)
    except NotFound:
        gone = Vm()
        gone.CopyFrom(vm)
        gone.state, gone.saga_id, gone.operation = VM_STATE_DELETED, "", ""
        return gone


async def patiently(call: Callable[[], Awaitable[T]], progress: Progress) -> T:
    """The answer of ``call``, asked again while nobody answers, up to a minute. Only for what may be repeated."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await call()
        except (Unavailable, DeadlineExceeded, Overloaded) as error:
            if time.monotonic() > ends:
                raise
            progress.notice(f"{error.metadata.get('target', 'the service')} does not answer; asking again")
            await asyncio.sleep(min(error.retry_after_seconds or 0.5, 2.0))


async def events(
    connection: Connection, vm_id: str, notice: Callable[[str], None], *, token: str = "", patience: float = 0.0
) -> AsyncIterator[Any]:
    """Every transition of a VM after ``token``, from its first without one, until it is deleted.

    A stream that breaks off is taken up where it was. Before the first event nobody waits longer than ``patience`` for it.
    """
    ends = time.monotonic() + patience
    while True:
        pause = 0.2
        try:
            async for event in connection.vms.WatchVm(WatchVmRequest(vm_id=vm_id, resume_token=token)):
                token = event.resume_token
                ends = time.monotonic() + PATIENCE_SECONDS
                yield event
                if event.to_state == VM_STATE_DELETED:
                    return
        except DeadlineExceeded:
            pass  # a stream has its longest time, and the next one goes on
        except (Unavailable, Cancelled) as error:
            if time.monotonic() >= ends:
                raise
            notice(f"{error.metadata.get('target', 'the service')} does not answer; asking again")
            pause = min(error.retry_after_seconds or 0.5, 2.0)
        await asyncio.sleep(pause)


async def _follow_saga(connection: Connection, saga_id: str, progress: Progress) -> Any:
    log = connection.sagas("vm")
    pause = 0.05
    while True:
        saga = await patiently(lambda: log.GetSaga(GetSagaRequest(saga_id=saga_id)), progress)
        progress.saga(saga)
        if saga.state in _OVER:
            return saga
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.5)


async def _follow_events(connection: Connection, vm: Vm, saga_id: str, progress: Progress) -> None:
    token = ""
    while True:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                async for event in events(
                    connection, vm.vm_id, progress.notice, token=token, patience=PATIENCE_SECONDS
                ):
                    token = event.resume_token
                    progress.transition(event)
                    if not _busy(event.vm, saga_id):
                        return
        except TimeoutError:
            pass
        except NotFound:
            return
        if not _busy(await look(connection, vm, progress), saga_id):
            return


def _busy(vm: Vm, saga_id: str) -> bool:
    return vm.saga_id == saga_id or (vm.state == VM_STATE_CREATING and vm.vm_id == saga_id)
