"""What may be done with VMs: each command is one transaction that begins a saga, and patience for its end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron import logs
from novacron.db import Connection
from novacron.errors import AlreadyExists, Conflict, NotFound, NovacronError, SagaFailed, SagaStuck, WrongState
from novacron.ids import new_id
from novacron.rpc import deadline
from novacron.saga import Begun, Coordinator, Record, Saga, SagaState, request_cancel

from .sagas import (
    CREATE_VM,
    DELETE_VM,
    MOVE_VM,
    READMIT_VM,
    REBOOT_VM,
    RESIZE_VM,
    START_VM,
    STOP_VM,
    CreateVmParams,
    DeleteVmParams,
    PowerParams,
)
from .sagas.delete_vm import delete_saga_id
from .sagas.move_vm import params_of as move_params
from .sagas.readmit_vm import params_of as readmit_params
from .sagas.resize_vm import params_of as resize_params
from .store import VmStore
from .vm import NewVm, Resize, Vm, VmState

log = logs.logger(__name__)
# Kept back of the caller's time, to answer with the VM as it stands rather than not at all: the greater of both.
_ANSWER_SECONDS = 0.1
_ANSWER_SHARE = 0.1
_WITHOUT_DEADLINE_SECONDS = 60.0
# Reasons that mean the same to the caller as they did to the step.
_PASSED_ON = ("NO_CAPACITY", "QUOTA_EXCEEDED")


class Vms:
    """The commands of the vm service."""

    def __init__(self, store: VmStore, sagas: Coordinator) -> None:
        self._store = store
        self._sagas = sagas

    async def create(self, new: NewVm, *, wait: bool) -> Vm:
        """Begin create-vm and, with ``wait``, see it through. The same request again attaches to the first.

        :raises AlreadyExists: the id is another request's, or the name another VM's.
        :raises NoCapacity: no node takes it. :raises SagaFailed: it failed and was undone; the VM's row keeps the reason.
        """
        params = CreateVmParams(new.name, new.tenant_id, new.owner_id, new.spec)
        begun: Begun | None = None
        async with self._store.database.transaction() as connection:
            vm = await self._store.insert(connection, new)
            if vm is None:
                vm = await self._same_request(connection, new)
            else:
                begun = await self._sagas.begin(connection, CREATE_VM, new.id, params, tenant_id=new.tenant_id)
        if begun is not None:
            self._sagas.launch(begun)
        if not wait:
            return vm
        return await self._after(new.id, new.id, new.tenant_id)

    async def start(self, vm_id: UUID, tenant_id: UUID | None, by: UUID, *, wait: bool) -> Vm:
        """A stopped VM runs; a running one stays as it is.

        :raises NoCapacity: it gave way to another, and there is no room for it again.
        """
        return await self._power(
            START_VM, vm_id, tenant_id, by, wants=VmState.RUNNING, from_=VmState.STOPPED, wait=wait
        )

    async def stop(self, vm_id: UUID, tenant_id: UUID | None, by: UUID, *, grace_seconds: int, wait: bool) -> Vm:
        """A running VM is off; a stopped one stays as it is."""
        return await self._power(
            STOP_VM,
            vm_id,
            tenant_id,
            by,
            wants=VmState.STOPPED,
            from_=VmState.RUNNING,
            wait=wait,
            grace_seconds=grace_seconds,
        )

    async def reboot(
        self, vm_id: UUID, tenant_id: UUID | None, by: UUID, *, grace_seconds: int, request_id: UUID | None, wait: bool
    ) -> Vm:
        """A running VM is stopped and started, once for each ``request_id``."""
        return await self._power(
            REBOOT_VM,
            vm_id,
            tenant_id,
            by,
            wants=None,
            from_=VmState.RUNNING,
            wait=wait,
            grace_seconds=grace_seconds,
            saga_id=request_id,
        )

    async def move(
        self,
        vm_id: UUID,
        tenant_id: UUID | None,
        by: UUID,
        *,
        node_id: UUID | None,
        grace_seconds: int,
        request_id: UUID | None,
        wait: bool,
    ) -> Vm:
        """The VM is on this node, or on any other one than now, once for each ``request_id``.

        :raises NoCapacity: no other node takes it. :raises SagaFailed: it was undone, and the VM is where and what it was.
        """
        if request_id is not None and await self._is_its(MOVE_VM, request_id, vm_id):
            return await self._after(vm_id, request_id, tenant_id) if wait else await self._store.get(vm_id, tenant_id)
        saga_id = request_id or new_id()
        begun: Begun | None = None
        async with self._store.database.transaction() as connection:
            vm = await self._store.lock(connection, vm_id, tenant_id)
            if vm.saga_id is not None and vm.operation == MOVE_VM.name:
                saga_id = vm.saga_id  # it is on its way: attach
            elif vm.saga_id is not None:
                raise Conflict(f"{vm.operation} is under way on VM {vm.name}: wait for it, then repeat")
            elif vm.node_id is not None and vm.node_id == node_id:
                return vm
            elif vm.state not in (VmState.RUNNING, VmState.STOPPED) or vm.node_id is None:
                raise WrongState(f"VM {vm.name} is {vm.state}; move-vm needs it running or stopped")
            else:
                vm.check_placed()
                params = move_params(vm, by, grace_seconds, node_id)
                begun = await self._sagas.begin(connection, MOVE_VM, saga_id, params, tenant_id=vm.tenant_id)
                if begun.decision is not None:
                    vm = await self._store.begin_move(connection, vm, saga_id, by)
        if begun is not None:
            self._sagas.launch(begun)
        return await self._after(vm_id, saga_id, tenant_id) if wait else vm

    async def resize(
        self,
        vm_id: UUID,
        tenant_id: UUID | None,
        by: UUID,
        asked: Resize,
        *,
        request_id: UUID | None,
        wait: bool,
    ) -> Vm:
        """The VM has the size that was asked for, once for each ``request_id``.

        :raises NoCapacity: its node has no room; says whether a move would help. :raises QuotaExceeded: the tenant may not.
        :raises FailedPrecondition: it cannot be resized as it is. :raises SagaFailed: it was undone, and the VM is what it was.
        """
        if request_id is not None and await self._is_its(RESIZE_VM, request_id, vm_id):
            return await self._after(vm_id, request_id, tenant_id) if wait else await self._store.get(vm_id, tenant_id)
        saga_id = request_id or new_id()
        begun: Begun | None = None
        async with self._store.database.transaction() as connection:
            vm = await self._store.lock(connection, vm_id, tenant_id)
            after = asked.of(vm.spec)
            if vm.saga_id is None and after == vm.spec:
                return vm
            if vm.saga_id is None:
                asked.check(vm)
                params = resize_params(vm, after, asked, by)
                begun = await self._sagas.begin(connection, RESIZE_VM, saga_id, params, tenant_id=vm.tenant_id)
                if begun.decision is not None:
                    vm = await self._store.begin_operation(connection, vm, saga_id, RESIZE_VM.name)
        if begun is not None:
            self._sagas.launch(begun)
        elif vm.saga_id is not None:
            saga_id = await self._same_resize(vm, vm.saga_id, asked)
        return await self._after(vm_id, saga_id, tenant_id) if wait else vm

    async def _same_resize(self, vm: Vm, saga_id: UUID, asked: Resize) -> UUID:
        """The resize under way, if it is to the same size. :raises Conflict: it is not, or it is something else."""
        if vm.operation == RESIZE_VM.name:
            params = RESIZE_VM.decode((await self._sagas.wait(saga_id, 0)).params)
            if params.after == asked.of(params.before):
                return saga_id
        raise Conflict(f"{vm.operation} is under way on VM {vm.name}: wait for it, then repeat")

    async def delete(self, vm_id: UUID, tenant_id: UUID | None, by: UUID, *, wait: bool) -> Vm:
        """The VM is gone everywhere, from whatever state; what works on it now is turned round or ended first."""
        begun: Begun | None = None
        async with self._store.database.transaction() as connection:
            # The saga's row before the VM's, as in a saga's own commit: the other way round the two could wait for each other.
            busy_with = await self._store.busy_with(connection, vm_id, tenant_id)
            if busy_with is not None and busy_with != delete_saga_id(vm_id):
                await request_cancel(connection, busy_with, "the VM was deleted")
            vm = await self._store.lock(connection, vm_id, tenant_id)
            if vm.state is VmState.DELETED or vm.operation == DELETE_VM.name:
                pass  # done, or being done
            elif vm.saga_id is not None:
                await self._store.request_delete(connection, vm_id, by)
            else:
                params = DeleteVmParams(vm.id, vm.tenant_id, vm.node_id, by)
                saga_id = delete_saga_id(vm_id)
                begun = await self._sagas.begin(connection, DELETE_VM, saga_id, params, tenant_id=vm.tenant_id)
                vm = await self._store.begin_operation(connection, vm, saga_id, DELETE_VM.name)
        if begun is not None:
            self._sagas.launch(begun)
        if not wait:
            return vm
        # The operation under way may be another one's; behind it comes the delete.
        while vm.saga_id is not None and vm.state is not VmState.DELETED and _left() > 0:
            record = await self._sagas.wait(vm.saga_id, _left())
            if record.name == DELETE_VM.name or record.state is SagaState.STUCK:
                _raise_unless_done(record)
            vm = await self._store.get(vm_id, tenant_id)
        return vm

    async def _power(
        self,
        saga: Saga[PowerParams],
        vm_id: UUID,
        tenant_id: UUID | None,
        by: UUID,
        *,
        wants: VmState | None,
        from_: VmState,
        wait: bool,
        grace_seconds: int = 0,
        saga_id: UUID | None = None,
    ) -> Vm:
        saga_id = saga_id or new_id()
        begun: Begun | None = None
        async with self._store.database.transaction() as connection:
            vm = await self._store.lock(connection, vm_id, tenant_id)
            readmits = saga is START_VM and vm.displaced_at is not None
            order: Saga[Any] = READMIT_VM if readmits else saga
            if vm.saga_id is not None and vm.operation == order.name:
                saga_id = vm.saga_id  # the same is under way: attach
            elif vm.saga_id is not None:
                raise Conflict(f"{vm.operation} is under way on VM {vm.name}: wait for it, then repeat")
            elif vm.state is wants:
                return vm
            elif vm.state is not from_ or vm.node_id is None:
                raise WrongState(f"VM {vm.name} is {vm.state}; {saga.name} needs it {from_}")
            else:
                ordered = PowerParams(vm.id, vm.tenant_id, vm.node_id, by, grace_seconds)
                params = readmit_params(vm, by) if readmits else ordered
                begun = await self._sagas.begin(connection, order, saga_id, params, tenant_id=vm.tenant_id)
                if begun.decision is not None:  # else this very request was here before
                    vm = await self._store.begin_operation(connection, vm, saga_id, order.name)
        if begun is not None:
            self._sagas.launch(begun)
        return await self._after(vm_id, saga_id, tenant_id) if wait else vm

    async def _is_its(self, saga: Saga[Any], saga_id: UUID, vm_id: UUID) -> bool:
        """Whether this is such a saga of this VM: what it began with is not what the VM is now."""
        try:
            record = await self._sagas.wait(saga_id, 0)
        except NotFound:
            return False
        if (record.name, record.params.get("vm_id")) == (saga.name, str(vm_id)):
            return True
        raise AlreadyExists(f"{saga_id} is taken by another request: choose a new id, or repeat the same contents")

    async def _same_request(self, connection: Connection, new: NewVm) -> Vm:
        by_id, by_name = await self._store.find(connection, new.id, new.tenant_id, new.name)
        if by_id is not None:
            if by_id.tenant_id == new.tenant_id and by_id.request_digest == new.digest:
                return by_id
            raise AlreadyExists(
                f"the id {new.id} is taken by another request: choose a new id, or repeat the same contents",
                metadata={"resource_type": "vm", "resource": str(new.id)},
            )
        if by_name is None:
            raise Conflict(f"a VM named {new.name} was deleted at this moment: repeat the request")
        raise AlreadyExists(
            f"a VM named {new.name} exists already ({by_name.state}): choose another name, or delete it first",
            metadata={"resource_type": "vm", "resource": new.name},
        )

    async def _after(self, vm_id: UUID, saga_id: UUID, tenant_id: UUID | None) -> Vm:
        record = await self._sagas.wait(saga_id, _left())
        _raise_unless_done(record)
        return await self._store.get(vm_id, tenant_id)


def _left() -> float:
    left = deadline.remaining()
    return _WITHOUT_DEADLINE_SECONDS if left is None else max(left - max(_ANSWER_SECONDS, left * _ANSWER_SHARE), 0.0)


def _raise_unless_done(record: Record) -> None:
    """What a saga's end means to the caller. One that goes on is no error: the VM shows how far it is."""
    if record.state is SagaState.STUCK:
        raise SagaStuck(
            f"{record.name} can go neither forward nor back ({record.error}); an operator sees it with "
            f"`novacron saga show {record.saga_id}`",
            metadata={"saga_id": str(record.saga_id)},
        )
    if record.state is SagaState.COMPENSATED and record.error is not None:
        error = record.error
        metadata = {"saga_id": str(record.saga_id), "step": error.step, "reason": error.reason}
        if error.reason in _PASSED_ON:
            raise NovacronError.by_reason[error.reason](error.message, metadata=metadata)
        raise SagaFailed(
            f"{record.name} failed at step {error.step}: {error.message}. Nothing was left behind; "
            f"`novacron saga show {record.saga_id}` tells the whole story",
            metadata=metadata,
        )
