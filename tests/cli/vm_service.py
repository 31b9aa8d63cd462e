"""VMs and their sagas as the command sees them: in memory, behind a real server."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from google.protobuf.timestamp_pb2 import Timestamp

from novacron.api.saga.v1 import (
    SAGA_STATE_COMPENSATED,
    SAGA_STATE_COMPENSATING,
    SAGA_STATE_RUNNING,
    SAGA_STATE_STUCK,
    SAGA_STATE_SUCCEEDED,
    ListSagasResponse,
    Saga,
    SagaServiceServicer,
)
from novacron.api.vm.v1 import (
    VM_STATE_CREATING,
    VM_STATE_DELETED,
    VM_STATE_ERROR,
    VM_STATE_RUNNING,
    VM_STATE_STOPPED,
    GetVmConsoleResponse,
    ListVmsResponse,
    Vm,
    VmEvent,
    VmServiceServicer,
)
from novacron.errors import AlreadyExists, NoCapacity, NotFound, SagaFailed
from novacron.paging import parse_filter

NODE_ID = "0f0e1d6e-6a39-5c5b-8b0b-5c1b6f3f9a01"
T0 = 1_770_000_000


def at(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromNanoseconds(round((T0 + seconds) * 1e9))
    return stamp


class Sagas(SagaServiceServicer):
    """Each look at a saga takes it one attempt further, so that a test sees every step and waits for none."""

    def __init__(self) -> None:
        self.sagas: dict[str, Saga] = {}
        self.scripts: dict[str, list[tuple[str, str, str, str]]] = {}
        self.ends: dict[str, object] = {}
        self.refusals: list[Exception] = []
        self.anonymous = False  # sagas keep their reasons to themselves
        self.asked = asyncio.Event()
        self.answering = asyncio.Event()
        self.answering.set()

    def begin(self, saga_id, name, script, on_end) -> None:
        """``script``: (step, operation, outcome, error) of each attempt."""
        self.sagas[saga_id] = Saga(
            saga_id=saga_id,
            name=name,
            version=1,
            state=SAGA_STATE_RUNNING,
            trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
            created_at=at(0),
        )
        self.scripts[saga_id] = list(script)
        self.ends[saga_id] = on_end

    async def GetSaga(self, request, context):
        self.asked.set()
        await self.answering.wait()
        if self.refusals:
            raise self.refusals.pop()
        if request.saga_id not in self.sagas:
            raise NotFound.named("saga", request.saga_id)
        saga = self.sagas[request.saga_id]
        if self.scripts[request.saga_id]:
            self._advance(saga, *self.scripts[request.saga_id].pop(0))
        return saga

    def run_through(self, saga_id: str) -> None:
        """Take a saga to its end without anybody's looking."""
        while self.scripts[saga_id]:
            self._advance(self.sagas[saga_id], *self.scripts[saga_id].pop(0))

    def _advance(self, saga, step, operation, outcome, error, reason=""):
        number = 1 + sum(one.step == step and one.operation == operation for one in saga.attempts)
        count = len(saga.attempts)
        saga.attempts.add(
            step=step,
            operation=operation,
            attempt=number,
            outcome=outcome,
            error=error,
            reason=reason,
            epoch=1,
            started_at=at(count),
            finished_at=at(count + 0.5),
        )
        if error and not saga.error:
            saga.error, saga.state = "" if self.anonymous else f"{step}: {error}", SAGA_STATE_COMPENSATING
        if not self.scripts[saga.saga_id]:
            saga.finished_at.CopyFrom(at(count + 0.5))
            undone = saga.state == SAGA_STATE_COMPENSATING
            stuck = undone and operation == "compensation" and outcome != "ok"
            saga.state = SAGA_STATE_STUCK if stuck else SAGA_STATE_COMPENSATED if undone else SAGA_STATE_SUCCEEDED
            self.ends[saga.saga_id](saga)

    async def ListSagas(self, request, context):
        fields = {one.field: one.value for one in parse_filter(request.filter, {"state", "name"}).comparisons}
        states = {"running": SAGA_STATE_RUNNING, "succeeded": SAGA_STATE_SUCCEEDED, "stuck": SAGA_STATE_STUCK}
        found = [one for one in self.sagas.values() if one.state == states.get(fields.get("state"), one.state)]
        return ListSagasResponse(sagas=[one for one in found if one.name == fields.get("name", one.name)])


CREATE = [(step, "action", "ok", "") for step in ("reserve", "provision", "monitor", "activate")]
FULL = [("reserve", "action", "refused", "no node fits")]
BROKEN = [
    ("reserve", "action", "ok", ""),
    ("provision", "action", "unknown", "the agent did not answer"),
    ("provision", "action", "refused", "the host has no image nosuch"),
    ("provision", "compensation", "ok", ""),
    ("reserve", "compensation", "ok", ""),
]
STUCK = [*BROKEN[:3], ("provision", "compensation", "refused", "the disk is busy")]


class Vms(VmServiceServicer):
    """VMs by id. What becomes of a create is decided by the image that it asks for."""

    def __init__(self, sagas: Sagas) -> None:
        self.sagas = sagas
        self.vms: dict[str, Vm] = {}
        self.events: dict[str, list[VmEvent]] = {}
        self.requests: list[object] = []
        self.tenant_id = str(uuid4())
        self.console = b"booting\r\nnovacron-guest web-1 10.0.0.7\r\n"
        self.breaks: list[Exception] = []  # what ends a watcher's stream, or a create's call, once each
        self.silent = False

    def add(self, name: str, state: int = VM_STATE_RUNNING, **fields) -> Vm:
        vm = Vm(vm_id=str(uuid4()), name=name, state=state, tenant_id=self.tenant_id, created_at=at(0), **fields)
        vm.spec.cpu_cores, vm.spec.memory_mib, vm.spec.storage_gib = 2, 2048, 20
        if state == VM_STATE_RUNNING:
            vm.node_id, vm.ip_address = NODE_ID, "10.0.0.7"
        self.vms[vm.vm_id] = vm
        self._moved(vm, 0, state, "")
        return vm

    async def CreateVm(self, request, context):
        self.requests.append(request)
        if self.breaks:
            raise self.breaks.pop()
        known = self.vms.get(request.vm_id)
        if known is not None:
            if not request.return_immediately and known.state == VM_STATE_ERROR:
                full = "no node fits" in known.error
                raise NoCapacity("no node fits") if full else SagaFailed(f"create-vm failed: {known.error}")
            return known
        if any(vm.name == request.name and vm.state != VM_STATE_DELETED for vm in self.vms.values()):
            raise AlreadyExists(f"a VM named {request.name} exists already (running): choose another name")
        vm = self.add(request.name, VM_STATE_CREATING, saga_id=request.vm_id, operation="create-vm")
        del self.vms[vm.vm_id]
        self.events[request.vm_id] = self.events.pop(vm.vm_id)
        vm.vm_id = request.vm_id
        vm.spec.MergeFrom(request.spec)
        vm.tags.update(request.tags)
        self.vms[vm.vm_id] = vm
        scripts = {"full": FULL, "broken": BROKEN, "stuck": STUCK}
        self.sagas.begin(vm.vm_id, "create-vm", scripts.get(request.spec.base_image, CREATE), self._created)
        if self.silent:  # nobody looks at the saga, so nothing takes it on: it is over by the next look at the VM
            asyncio.get_running_loop().call_later(0.2, self.sagas.run_through, vm.vm_id)
        return vm

    def _created(self, saga: Saga) -> None:
        vm = self.vms[saga.saga_id]
        vm.saga_id = vm.operation = ""
        if saga.state == SAGA_STATE_SUCCEEDED:
            vm.node_id, vm.ip_address = NODE_ID, "10.0.0.7"
            self._moved(vm, vm.state, VM_STATE_RUNNING, "created")
        else:
            vm.error = saga.error
            self._moved(vm, vm.state, VM_STATE_ERROR, saga.error)

    def _moved(self, vm: Vm, before: int, after: int, reason: str) -> None:
        vm.state = after
        events = self.events.setdefault(vm.vm_id, [])
        token = str(len(events) + 1)
        events.append(
            VmEvent(resume_token=token, from_state=before, to_state=after, reason=reason, time=at(len(events)))
        )

    async def GetVm(self, request, context):
        if request.vm_id not in self.vms:
            raise NotFound.named("vm", request.vm_id)
        return self.vms[request.vm_id]

    async def ListVms(self, request, context):
        self.requests.append(request)
        conditions = parse_filter(request.filter, {"name", "state", "node_id"}, {"tags"}).comparisons
        found = [vm for vm in self.vms.values() if request.show_deleted or vm.state != VM_STATE_DELETED]
        for one in conditions:
            if one.field == "name":
                found = [vm for vm in found if vm.name == one.value]
            if one.field == "tags":
                found = [vm for vm in found if vm.tags.get(one.key) == one.value]
        start = int(request.page_token or 0)
        page = found[start : start + request.page_size]
        rest = start + len(page)
        return ListVmsResponse(vms=page, next_page_token=str(rest) if rest < len(found) else "")

    async def WatchVm(self, request, context):
        if request.vm_id not in self.vms:
            raise NotFound.named("vm", request.vm_id)
        seen = int(request.resume_token or 0)
        while True:
            for event in self.events[request.vm_id][seen:]:
                seen += 1
                event.vm.CopyFrom(self.vms[request.vm_id])
                yield event
                if self.breaks:
                    raise self.breaks.pop()
                if event.to_state == VM_STATE_DELETED:
                    return
            await asyncio.sleep(0.02)

    async def StopVm(self, request, context):
        return self._operate(request, "stop-vm", VM_STATE_STOPPED)

    async def StartVm(self, request, context):
        return self._operate(request, "start-vm", VM_STATE_RUNNING)

    async def RebootVm(self, request, context):
        return self._operate(request, "reboot-vm", VM_STATE_RUNNING)

    async def ResizeVm(self, request, context):
        vm = self._operate(request, "resize-vm", self.vms[request.vm_id].state)
        if request.cpu_cores and vm.saga_id:
            vm.spec.cpu_cores = request.cpu_cores
        return vm

    async def MoveVm(self, request, context):
        vm = self._operate(request, "move-vm", self.vms[request.vm_id].state)
        if vm.tags.get("fails") != "yes":
            vm.node_id = request.node
        return vm

    async def DeleteVm(self, request, context):
        return self._operate(request, "delete-vm", VM_STATE_DELETED)

    def _operate(self, request, operation: str, wanted: int) -> Vm:
        self.requests.append(request)
        if request.vm_id not in self.vms:
            raise NotFound.named("vm", request.vm_id)
        vm = self.vms[request.vm_id]
        if vm.state == wanted and operation not in ("reboot-vm", "resize-vm", "move-vm"):
            return vm
        vm.saga_id, vm.operation = str(uuid4()), operation
        works = [("power", "action", "ok", "")]
        full = [("reserve", "action", "refused", "no node takes it", "NO_CAPACITY")]
        fails = full if vm.displaced_at.seconds else [("power", "action", "refused", "the host says no")]

        def ended(saga: Saga) -> None:
            vm.saga_id = vm.operation = ""
            if saga.state == SAGA_STATE_SUCCEEDED:
                self._moved(vm, vm.state, wanted, operation)

        self.sagas.begin(vm.saga_id, operation, fails if vm.tags.get("fails") == "yes" else works, ended)
        return vm

    async def GetVmConsole(self, request, context):
        data = self.console[request.offset : request.offset + 16]
        return GetVmConsoleResponse(data=data, next_offset=request.offset + len(data))
