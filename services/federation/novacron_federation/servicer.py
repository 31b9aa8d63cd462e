"""The gRPC edge of federation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from novacron.api.federation.v1 import (
    CheckProviderHealthRequest,
    CloudProvider,
    CreateCloudProviderRequest,
    DeleteCloudProviderRequest,
    DeleteCloudProviderResponse,
    GetCloudProviderRequest,
    ListCloudProvidersRequest,
    ListCloudProvidersResponse,
    ProviderServiceServicer,
)
from novacron.paging import PageTokens, page_size

from . import messages
from .providers import Providers
from .store import Store


class ProviderServicer(ProviderServiceServicer):
    """Serves ``ProviderService``."""

    def __init__(self, providers: Providers, store: Store, tokens: PageTokens) -> None:
        self._providers = providers
        self._store = store
        self._tokens = tokens

    async def CreateCloudProvider(self, request: CreateCloudProviderRequest, context: Any) -> CloudProvider:
        made = await self._providers.create(messages.new_provider(request), messages.credentials(request))
        return messages.provider(made)

    async def GetCloudProvider(self, request: GetCloudProviderRequest, context: Any) -> CloudProvider:
        return messages.provider(await self._providers.get(request.provider))

    async def ListCloudProviders(self, request: ListCloudProvidersRequest, context: Any) -> ListCloudProvidersResponse:
        position = self._tokens.open(request.page_token, "providers")
        after = None if position is None else (datetime.fromisoformat(position[0]), UUID(position[1]))
        size = page_size(request.page_size)
        found = await self._store.page(after, size + 1)
        response = ListCloudProvidersResponse(providers=[messages.provider(one) for one in found[:size]])
        if len(found) > size:
            last = found[size - 1]
            response.next_page_token = self._tokens.seal([last.created_at, last.provider_id], "providers")
        return response

    async def DeleteCloudProvider(
        self, request: DeleteCloudProviderRequest, context: Any
    ) -> DeleteCloudProviderResponse:
        await self._providers.delete(UUID(request.provider_id))
        return DeleteCloudProviderResponse()

    async def CheckProviderHealth(self, request: CheckProviderHealthRequest, context: Any) -> CloudProvider:
        found = await self._providers.get(request.provider)
        return messages.provider(await self._providers.check(found))
