"""The gRPC edge of tenants: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.auth.v1 import (
    CreateTenantRequest,
    DeleteTenantRequest,
    DeleteTenantResponse,
    DisableTenantRequest,
    EnableTenantRequest,
    GetTenantRequest,
    ListTenantsRequest,
    ListTenantsResponse,
    Tenant,
    TenantServiceServicer,
    UpdateTenantRequest,
)
from novacron.ids import new_id

from ..caller import Caller
from ..users.messages import optional_id
from . import messages
from .tenants import Tenants


class TenantServicer(TenantServiceServicer):
    """Answers for ``novacron.api.auth.v1.TenantService``."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    async def CreateTenant(self, request: CreateTenantRequest, context: Any) -> Tenant:
        tenant_id = optional_id(request.tenant_id) or new_id()
        made = await self._tenants.create(Caller.of(context), tenant_id, request.name, request.display_name)
        return messages.tenant(made)

    async def GetTenant(self, request: GetTenantRequest, context: Any) -> Tenant:
        return messages.tenant(await self._tenants.get(Caller.of(context), request.tenant))

    async def ListTenants(self, request: ListTenantsRequest, context: Any) -> ListTenantsResponse:
        found, token = await self._tenants.page(
            Caller.of(context), request.page_size, request.page_token, request.filter
        )
        return ListTenantsResponse(tenants=[messages.tenant(one) for one in found], next_page_token=token)

    async def UpdateTenant(self, request: UpdateTenantRequest, context: Any) -> Tenant:
        name = messages.display_name(request)
        return messages.tenant(
            await self._tenants.rename(Caller.of(context), UUID(request.tenant_id), name, request.etag)
        )

    async def DisableTenant(self, request: DisableTenantRequest, context: Any) -> Tenant:
        return messages.tenant(await self._tenants.set_disabled(Caller.of(context), UUID(request.tenant_id), True))

    async def EnableTenant(self, request: EnableTenantRequest, context: Any) -> Tenant:
        return messages.tenant(await self._tenants.set_disabled(Caller.of(context), UUID(request.tenant_id), False))

    async def DeleteTenant(self, request: DeleteTenantRequest, context: Any) -> DeleteTenantResponse:
        await self._tenants.delete(Caller.of(context), UUID(request.tenant_id))
        return DeleteTenantResponse()
