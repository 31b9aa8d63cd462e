"""The gRPC edge of breaker configurations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from novacron.api.registry import v1
from novacron.paging import PageTokens, page_size
from novacron.rpc import current

from . import breaker_messages as messages
from .breaker_store import BreakerStore
from .breakers import Breakers, BreakerWatch

Configuration = v1.CircuitBreakerConfiguration


class CircuitBreakerServicer(v1.CircuitBreakerServiceServicer):
    """Serves ``CircuitBreakerService``."""

    def __init__(self, breakers: Breakers, store: BreakerStore, watch: BreakerWatch, tokens: PageTokens) -> None:
        self._breakers = breakers
        self._store = store
        self._watch = watch
        self._tokens = tokens

    async def CreateCircuitBreakerConfiguration(
        self, request: v1.CreateCircuitBreakerConfigurationRequest, context: Any
    ) -> Configuration:
        return messages.breaker(await self._breakers.create(messages.new_breaker(request.configuration)))

    async def GetCircuitBreakerConfiguration(
        self, request: v1.GetCircuitBreakerConfigurationRequest, context: Any
    ) -> Configuration:
        return messages.breaker(await self._breakers.get(UUID(request.circuit_breaker_id)))

    async def ListCircuitBreakerConfigurations(
        self, request: v1.ListCircuitBreakerConfigurationsRequest, context: Any
    ) -> v1.ListCircuitBreakerConfigurationsResponse:
        of = ("circuit-breakers", self._store.environment, request.service_name)
        after = self._tokens.open(request.page_token, *of)
        size = page_size(request.page_size)
        found = await self._store.page(request.service_name, after, size + 1)
        response = v1.ListCircuitBreakerConfigurationsResponse(
            configurations=[messages.breaker(one) for one in found[:size]]
        )
        if len(found) > size:
            response.next_page_token = self._tokens.seal(list(found[size - 1].key), *of)
        return response

    async def UpdateCircuitBreakerConfiguration(
        self, request: v1.UpdateCircuitBreakerConfigurationRequest, context: Any
    ) -> Configuration:
        wanted = messages.new_breaker(request.configuration)
        return messages.breaker(await self._breakers.update(wanted, request.configuration.revision))

    async def DeleteCircuitBreakerConfiguration(
        self, request: v1.DeleteCircuitBreakerConfigurationRequest, context: Any
    ) -> v1.DeleteCircuitBreakerConfigurationResponse:
        await self._breakers.delete(UUID(request.circuit_breaker_id))
        return v1.DeleteCircuitBreakerConfigurationResponse()

    async def WatchCircuitBreakerConfigurations(
        self, request: v1.WatchCircuitBreakerConfigurationsRequest, context: Any
    ) -> AsyncIterator[v1.CircuitBreakerConfigurations]:
        async with aclosing(self._watch.of(current().service)) as states:
            async for state in states:
                yield v1.CircuitBreakerConfigurations(configurations=[messages.breaker(one) for one in state])
