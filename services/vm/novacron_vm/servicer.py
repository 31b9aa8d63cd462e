"""The gRPC edge of VMs: convert, call, convert back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

from novacron.api.vm.v1 import (
    CreateVmRequest,
    DeleteVmRequest,
    GetVmConsoleRequest,
    GetVmConsoleResponse,
    GetVmRequest,
    ListVmsRequest,
    ListVmsResponse,
    MoveVmRequest,
    RebootVmRequest,
    ResizeVmRequest,
    StartVmRequest,
    StopVmRequest,
    VmEvent,
    VmServiceServicer,
    WatchVmRequest,
)
from novacron.api.vm.v1 import Vm as ProtoVm
from novacron.errors import FailedPrecondition, InvalidArgument, NotFound
from novacron.ids import new_id
from novacron.paging import PageTokens, page_size
from novacron.rpc import current, validation

from . import messages, templates
from .agents import Agents
from .clients import SchedulerClient
from .store import VmStore
from .template_store import TemplateStore
from .vm import NewVm, Resize, VmState, merged
from .vms import Vms

_GRACE_SECONDS = 10
_CONSOLE_BYTES = 64 * 1024
# How often a watcher looks for transitions that another process made.
_WATCH_SECONDS = 0.2


class VmServicer(VmServiceServicer):
    """VmService."""

    def __init__(
        self,
        vms: Vms,
        store: VmStore,
        template_store: TemplateStore,
        scheduler: SchedulerClient,
        agents: Agents,
        tokens: PageTokens,
    ) -> None:
        self._vms = vms
        self._store = store
        self._templates = template_store
        self._scheduler = scheduler
        self._agents = agents
        self._tokens = tokens

    async def CreateVm(self, request: CreateVmRequest, context: Any) -> ProtoVm:
        vm = await self._vms.create(await self._new_vm(request), wait=not request.return_immediately)
        return messages.vm_to_proto(vm)

    async def GetVm(self, request: GetVmRequest, context: Any) -> ProtoVm:
        return messages.vm_to_proto(await self._store.get(UUID(request.vm_id), current().tenant_filter))

    async def ListVms(self, request: ListVmsRequest, context: Any) -> ListVmsResponse:
        tenant, size = current().tenant_filter, page_size(request.page_size)
        wanted = messages.wanted(request.filter)
        bound = (tenant, request.filter, request.show_deleted)
        position = self._tokens.open(request.page_token, *bound)
        after = (datetime.fromisoformat(position[0]), UUID(position[1])) if position else None
        vms = await self._store.page(tenant, wanted, after=after, limit=size + 1, deleted=request.show_deleted)
        answer = ListVmsResponse(vms=[messages.vm_to_proto(vm) for vm in vms[:size]])
        if len(vms) > size:
            answer.next_page_token = self._tokens.seal((vms[size - 1].created_at, vms[size - 1].id), *bound)
        return answer

    async def WatchVm(self, request: WatchVmRequest, context: Any) -> AsyncIterator[VmEvent]:
        vm_id, tenant = UUID(request.vm_id), current().tenant_filter
        position = self._tokens.open(request.resume_token, "watch", vm_id, field="resume_token")
        seen = int(position[0]) if position else 0
        vm = await self._store.get(vm_id, tenant)
        while True:
            for transition in await self._store.transitions(vm_id, seen):
                seen = transition.sequence
                vm = await self._store.get(vm_id, tenant)
                yield messages.event_to_proto(transition, vm, self._tokens.seal((seen,), "watch", vm_id))
                if transition.to_state is VmState.DELETED:
                    return
            if vm.state is VmState.DELETED:  # the token was of its last event
                return
            await asyncio.sleep(_WATCH_SECONDS)

    async def StartVm(self, request: StartVmRequest, context: Any) -> ProtoVm:
        caller = current()
        vm = await self._vms.start(
            UUID(request.vm_id), caller.tenant_filter, caller.user.user_id, wait=not request.return_immediately
        )
        return messages.vm_to_proto(vm)

    async def StopVm(self, request: StopVmRequest, context: Any) -> ProtoVm:
        caller = current()
        vm = await self._vms.stop(
            UUID(request.vm_id),
            caller.tenant_filter,
            caller.user.user_id,
            grace_seconds=_grace(request),
            wait=not request.return_immediately,
        )
        return messages.vm_to_proto(vm)

    async def RebootVm(self, request: RebootVmRequest, context: Any) -> ProtoVm:
        caller = current()
        vm = await self._vms.reboot(
            UUID(request.vm_id),
            caller.tenant_filter,
            caller.user.user_id,
            grace_seconds=_grace(request),
            request_id=UUID(request.request_id) if request.request_id else None,
            wait=not request.return_immediately,
        )
        return messages.vm_to_proto(vm)

    async def MoveVm(self, request: MoveVmRequest, context: Any) -> ProtoVm:
        caller = current()
        vm = await self._vms.move(
            UUID(request.vm_id),
            caller.tenant_filter,
            caller.user.user_id,
            node_id=(await self._scheduler.place(request.node)).node_id if request.node else None,
            grace_seconds=_grace(request),
            request_id=UUID(request.request_id) if request.request_id else None,
            wait=not request.return_immediately,
        )
        return messages.vm_to_proto(vm)

    async def ResizeVm(self, request: ResizeVmRequest, context: Any) -> ProtoVm:
        caller, vm_id = current(), UUID(request.vm_id)
        vm = await self._vms.resize(
            vm_id,
            caller.tenant_filter,
            caller.user.user_id,
            await self._resize_asked(request, vm_id),
            request_id=UUID(request.request_id) if request.request_id else None,
            wait=not request.return_immediately,
        )
        return messages.vm_to_proto(vm)

    async def DeleteVm(self, request: DeleteVmRequest, context: Any) -> ProtoVm:
        caller = current()
        vm = await self._vms.delete(
            UUID(request.vm_id), caller.tenant_filter, caller.user.user_id, wait=not request.return_immediately
        )
        return messages.vm_to_proto(vm)

    async def GetVmConsole(self, request: GetVmConsoleRequest, context: Any) -> GetVmConsoleResponse:
        vm = await self._store.get(UUID(request.vm_id), current().tenant_filter)
        if vm.node_id is None:
            raise FailedPrecondition(f"VM {vm.name} is {vm.state} and on no node: it has no console")
        place = await self._scheduler.place(vm.node_id)
        limit = request.limit or _CONSOLE_BYTES
        data = await self._agents.console(place, vm.id, request.offset, limit)
        return GetVmConsoleResponse(data=data, next_offset=request.offset + len(data))

    async def _resize_asked(self, request: ResizeVmRequest, vm_id: UUID) -> Resize:
        how = Resize(request.cpu_cores, request.memory_mib, request.restart, _grace(request))
        if not request.recommendation_id:
            if not request.cpu_cores and not request.memory_mib:
                raise InvalidArgument.at("cpu_cores", "set it, memory_mib or recommendation_id: nothing is asked for")
            return how
        if request.cpu_cores or request.memory_mib:
            raise InvalidArgument.at(
                "recommendation_id", "it says the size: set neither cpu_cores nor memory_mib beside it"
            )
        await self._store.get(vm_id, current().tenant_filter)  # whose VM is not found learns nothing of recommendations
        recommendation_id = UUID(request.recommendation_id)
        advice = await self._scheduler.advice(recommendation_id)
        if advice.vm_id != vm_id:
            raise NotFound.named("recommendation", recommendation_id)
        cpu_cores, memory_mib = advice.advised
        return Resize(cpu_cores, memory_mib, how.restart, how.grace_seconds, recommendation_id, advice.advised_for)

    async def _new_vm(self, request: CreateVmRequest) -> NewVm:
        user = current().user
        template_id, template = None, None
        if request.template:
            template_id, template = await templates.spec_of(self._templates, request.template, user.tenant_id)
        spec = merged(template, messages.asked_spec(request.spec))
        # The request's spec may be partial, so its rules are checked on the whole.
        validation.check(messages.spec_to_proto(spec), prefix="spec")
        return NewVm(
            id=UUID(request.vm_id) if request.vm_id else new_id(),
            name=request.name,
            display_name=request.display_name,
            description=request.description,
            spec=spec,
            tags=dict(request.tags),
            template_id=template_id,
            owner_id=user.user_id,
            tenant_id=user.tenant_id,
        )


def _grace(request: StopVmRequest | RebootVmRequest | ResizeVmRequest | MoveVmRequest) -> int:
    return request.grace_seconds if request.HasField("grace_seconds") else _GRACE_SECONDS
