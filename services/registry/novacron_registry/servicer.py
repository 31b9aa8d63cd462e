"""The gRPC edge of the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

from novacron.api.registry.v1 import (
    DeregisterInstanceRequest,
    DeregisterInstanceResponse,
    GetServiceRequest,
    ListServicesRequest,
    ListServicesResponse,
    RegisterInstanceRequest,
    RegisterInstanceResponse,
    RegistryServiceServicer,
    Service,
    ServiceEvent,
    WatchServicesRequest,
)
from novacron.errors import NotFound, PermissionDenied
from novacron.paging import PageTokens, page_size
from novacron.rpc import current

from . import messages
from .services import Services
from .store import Store
from .watch import Watch


class RegistryServicer(RegistryServiceServicer):
    """Serves ``RegistryService``."""

    def __init__(self, services: Services, store: Store, watch: Watch, tokens: PageTokens) -> None:
        self._services = services
        self._store = store
        self._watch = watch
        self._tokens = tokens

    async def RegisterInstance(self, request: RegisterInstanceRequest, context: Any) -> RegisterInstanceResponse:
        _only_itself(request.service_name, request.instance)
        service_id = await self._services.register(messages.new_instance(request))
        response = RegisterInstanceResponse(service_id=str(service_id))
        response.lease.FromTimedelta(timedelta(seconds=self._services.lease_seconds))
        return response

    async def DeregisterInstance(self, request: DeregisterInstanceRequest, context: Any) -> DeregisterInstanceResponse:
        _only_itself(request.service_name, request.instance)
        await self._services.deregister(request.service_name, request.instance)
        return DeregisterInstanceResponse()

    async def ListServices(self, request: ListServicesRequest, context: Any) -> ListServicesResponse:
        position = self._tokens.open(request.page_token, "services", self._store.environment)
        after = (position[0], position[1]) if position is not None else None
        size = page_size(request.page_size)
        found = await self._store.page(after, size + 1)
        response = ListServicesResponse(services=[messages.service(one) for one in found[:size]])
        if len(found) > size:
            last = found[size - 1]
            position = [last.service_name, last.service_version]
            response.next_page_token = self._tokens.seal(position, "services", self._store.environment)
        return response

    async def GetService(self, request: GetServiceRequest, context: Any) -> Service:
        found = await self._store.named(request.service_name)
        if found is None:
            raise NotFound.named("service", request.service_name)
        return messages.service(found)

    async def WatchServices(self, request: WatchServicesRequest, context: Any) -> AsyncIterator[ServiceEvent]:
        async with aclosing(self._watch.changes()) as changes:
            async for change in changes:
                yield messages.event(change)


def _only_itself(service_name: str, instance: str) -> None:
    """:raises PermissionDenied: a process may speak for its own service only, an agent only for its own node."""
    caller = current()
    if caller.service != service_name:
        raise PermissionDenied(
            f"the certificate of {caller.service} registers {caller.service}, not {service_name}",
            metadata={"service": caller.service},
        )
    if caller.node and caller.node != instance:
        raise PermissionDenied(
            f"the agent of node {caller.node} registers as instance {caller.node}, not {instance}",
            metadata={"node": caller.node},
        )
