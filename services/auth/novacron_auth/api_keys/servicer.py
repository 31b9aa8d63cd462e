"""The gRPC edge of API keys: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.auth.v1 import (
    ApiKey,
    ApiKeyServiceServicer,
    AuthenticateApiKeyRequest,
    AuthenticateApiKeyResponse,
    CreateApiKeyRequest,
    CreateApiKeyResponse,
    GetApiKeyRequest,
    ListApiKeysRequest,
    ListApiKeysResponse,
    RevokeApiKeyRequest,
    RotateApiKeyRequest,
)

from ..caller import Caller
from ..configuration.configurations import Configurations
from . import messages
from .api_keys import CREATE, ApiKeys
from .authentication import ApiKeyAuthentication


class ApiKeyServicer(ApiKeyServiceServicer):
    """Answers for ``novacron.api.auth.v1.ApiKeyService``."""

    def __init__(self, api_keys: ApiKeys, authentication: ApiKeyAuthentication, configurations: Configurations) -> None:
        self._api_keys = api_keys
        self._authentication = authentication
        self._configurations = configurations

    async def CreateApiKey(self, request: CreateApiKeyRequest, context: Any) -> CreateApiKeyResponse:
        caller = Caller.of(context)
        whose = caller.whose(messages.asked_user(request.user_id), CREATE)
        limits = (await self._configurations.current()).rate_limiting
        made = await self._api_keys.create(caller, messages.new_api_key(request, whose, limits), limits)
        return messages.shown(*made)

    async def GetApiKey(self, request: GetApiKeyRequest, context: Any) -> ApiKey:
        return messages.api_key(await self._api_keys.get(Caller.of(context), UUID(request.api_key_id)))

    async def ListApiKeys(self, request: ListApiKeysRequest, context: Any) -> ListApiKeysResponse:
        found, token = await self._api_keys.page(
            Caller.of(context),
            messages.asked_user(request.user_id),
            request.page_size,
            request.page_token,
            request.filter,
        )
        return ListApiKeysResponse(api_keys=[messages.api_key(one) for one in found], next_page_token=token)

    async def RotateApiKey(self, request: RotateApiKeyRequest, context: Any) -> CreateApiKeyResponse:
        caller, overlap = Caller.of(context), messages.overlap(request)
        return messages.shown(*await self._api_keys.rotate(caller, UUID(request.api_key_id), overlap))

    async def RevokeApiKey(self, request: RevokeApiKeyRequest, context: Any) -> ApiKey:
        revoked = await self._api_keys.revoke(Caller.of(context), UUID(request.api_key_id), request.reason)
        return messages.api_key(revoked)

    async def AuthenticateApiKey(self, request: AuthenticateApiKeyRequest, context: Any) -> AuthenticateApiKeyResponse:
        return messages.authenticated(*await self._authentication.match(request.key))
