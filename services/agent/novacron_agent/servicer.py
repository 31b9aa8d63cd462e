"""The gRPC edge of a host: convert, call the driver behind the barrier, convert back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any
from uuid import UUID

from novacron.api.agent.v1 import (
    AgentServiceServicer,
    CreateVmRequest,
    DeleteVmRequest,
    DeleteVmResponse,
    ExportVmRequest,
    ExportVmResponse,
    GetVmConsoleRequest,
    GetVmConsoleResponse,
    GetVmRequest,
    ImportVmRequest,
    ListVmsRequest,
    ListVmsResponse,
    RebootVmRequest,
    ResizeVmRequest,
    StartVmRequest,
    StopVmRequest,
)
from novacron.api.agent.v1 import Domain as ProtoDomain
from novacron.rpc import current

from .barrier import HostBarrier
from .clients import Peers
from .drivers.driver import Driver
from .exports import Exports
from .lease import Lease
from .messages import domain_to_proto, piece_to_proto, spec_from_proto

_CONSOLE_BYTES = 64 * 1024
# What changes a domain: each says in which epoch it was decided.
_Order = CreateVmRequest | StartVmRequest | StopVmRequest | RebootVmRequest | DeleteVmRequest


class AgentServicer(AgentServiceServicer):
    """AgentService over one driver; ``peers`` are the hosts that VMs come from. Nothing is changed without the lease."""

    def __init__(self, driver: Driver, barrier: HostBarrier, exports: Exports, peers: Peers, lease: Lease) -> None:
        self._driver = driver
        self._barrier = barrier
        self._exports = exports
        self._peers = peers
        self._lease = lease

    async def CreateVm(self, request: CreateVmRequest, context: Any) -> ProtoDomain:
        spec = spec_from_proto(request)

        async def create(_: bool) -> ProtoDomain:
            return domain_to_proto(await self._driver.create(spec))

        return await self._barrier.once(spec.vm_id, ProtoDomain, create, admit=self._may(request))

    async def GetVm(self, request: GetVmRequest, context: Any) -> ProtoDomain:
        return domain_to_proto(await self._driver.get(UUID(request.vm_id)))

    async def ListVms(self, request: ListVmsRequest, context: Any) -> ListVmsResponse:
        return ListVmsResponse(domains=[domain_to_proto(domain) for domain in await self._driver.list()])

    async def StartVm(self, request: StartVmRequest, context: Any) -> ProtoDomain:
        vm_id = UUID(request.vm_id)

        async def start(_: bool) -> ProtoDomain:
            await self._exports.withdraw(vm_id)
            return domain_to_proto(await self._driver.start(vm_id))

        return await self._barrier.once(vm_id, ProtoDomain, start, admit=self._may(request))

    async def StopVm(self, request: StopVmRequest, context: Any) -> ProtoDomain:
        vm_id = UUID(request.vm_id)

        async def stop(_: bool) -> ProtoDomain:
            stopped = domain_to_proto(await self._driver.stop(vm_id, grace_seconds=request.grace_seconds))
            if request.export_to:
                await self._exports.allow(vm_id, request.export_to)
            return stopped

        return await self._barrier.once(vm_id, ProtoDomain, stop, admit=self._may(request))

    async def RebootVm(self, request: RebootVmRequest, context: Any) -> ProtoDomain:
        vm_id = UUID(request.vm_id)

        async def reboot(again: bool) -> ProtoDomain:
            if again:  # it may have been rebooted before the agent fell: never twice, but it shall run
                return domain_to_proto(await self._driver.start(vm_id))
            return domain_to_proto(await self._driver.reboot(vm_id, grace_seconds=request.grace_seconds))

        return await self._barrier.once(vm_id, ProtoDomain, reboot, admit=self._may(request))

    async def ResizeVm(self, request: ResizeVmRequest, context: Any) -> ProtoDomain:
        spec = spec_from_proto(request.vm)

        async def resize(_: bool) -> ProtoDomain:
            return domain_to_proto(await self._driver.resize(spec))

        return await self._barrier.once(spec.vm_id, ProtoDomain, resize, admit=self._may(request.vm))

    async def DeleteVm(self, request: DeleteVmRequest, context: Any) -> DeleteVmResponse:
        vm_id = UUID(request.vm_id)

        async def delete(_: bool) -> DeleteVmResponse:
            await self._exports.withdraw(vm_id)
            return DeleteVmResponse(deleted=await self._driver.delete(vm_id))

        return await self._barrier.once(vm_id, DeleteVmResponse, delete, admit=self._may(request))

    async def ImportVm(self, request: ImportVmRequest, context: Any) -> ProtoDomain:
        spec = spec_from_proto(request.vm)

        async def bring(_: bool) -> ProtoDomain:
            known = await self._driver.base_digests(spec.base_image)
            pieces = self._peers.export(request.source_address, spec.vm_id, known)
            return domain_to_proto(await self._driver.receive(spec, pieces))

        return await self._barrier.once(spec.vm_id, ProtoDomain, bring, admit=self._may(request.vm))

    async def ExportVm(self, request: ExportVmRequest, context: Any) -> AsyncIterator[ExportVmResponse]:
        vm_id = UUID(request.vm_id)
        self._exports.require(vm_id, current().node)
        async for piece in self._driver.export(vm_id, frozenset(request.known)):
            yield piece_to_proto(piece)
        yield ExportVmResponse(complete=True)

    async def GetVmConsole(self, request: GetVmConsoleRequest, context: Any) -> GetVmConsoleResponse:
        limit = request.limit or _CONSOLE_BYTES
        data = await self._driver.console(UUID(request.vm_id), offset=request.offset, limit=limit)
        return GetVmConsoleResponse(data=data)

    def _may(self, order: _Order) -> Callable[[], None]:
        return partial(self._lease.admit, order.epoch)
