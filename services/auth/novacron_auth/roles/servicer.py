"""The gRPC edge of roles: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.auth.v1 import (
    CreateRoleRequest,
    DeleteRoleRequest,
    DeleteRoleResponse,
    GetRoleRequest,
    GrantRoleRequest,
    ListPermissionsRequest,
    ListPermissionsResponse,
    ListRoleGrantsRequest,
    ListRoleGrantsResponse,
    ListRolesRequest,
    ListRolesResponse,
    RevokeRoleRequest,
    RevokeRoleResponse,
    Role,
    RoleGrant,
    RoleServiceServicer,
    UpdateRoleRequest,
)
from novacron.paging import PageTokens

from ..caller import Caller
from . import catalog, messages
from .role_grants import RoleGrants
from .roles import Roles


class RoleServicer(RoleServiceServicer):
    """Answers for ``novacron.api.auth.v1.RoleService``."""

    def __init__(self, roles: Roles, grants: RoleGrants, page_tokens: PageTokens) -> None:
        self._roles = roles
        self._grants = grants
        self._page_tokens = page_tokens

    async def CreateRole(self, request: CreateRoleRequest, context: Any) -> Role:
        caller = Caller.of(context)
        new = messages.new_role(request, caller.tenant(messages.asked_tenant(request)))
        return messages.role(await self._roles.create(caller, new))

    async def GetRole(self, request: GetRoleRequest, context: Any) -> Role:
        return messages.role(await self._roles.get(Caller.of(context), request.role))

    async def ListRoles(self, request: ListRolesRequest, context: Any) -> ListRolesResponse:
        found, token = await self._roles.page(
            Caller.of(context), request.page_size, request.page_token, request.filter, self._page_tokens
        )
        return ListRolesResponse(roles=[messages.role(one) for one in found], next_page_token=token)

    async def UpdateRole(self, request: UpdateRoleRequest, context: Any) -> Role:
        changes = messages.changes(request)
        return messages.role(await self._roles.update(Caller.of(context), UUID(request.role_id), changes, request.etag))

    async def DeleteRole(self, request: DeleteRoleRequest, context: Any) -> DeleteRoleResponse:
        await self._roles.delete(Caller.of(context), UUID(request.role_id))
        return DeleteRoleResponse()

    async def GrantRole(self, request: GrantRoleRequest, context: Any) -> RoleGrant:
        user_id, role_id = UUID(request.user_id), UUID(request.role_id)
        given = await self._grants.grant(Caller.of(context), user_id, role_id, messages.ends_at(request))
        return messages.role_grant(given)

    async def RevokeRole(self, request: RevokeRoleRequest, context: Any) -> RevokeRoleResponse:
        await self._grants.revoke(Caller.of(context), UUID(request.user_id), UUID(request.role_id))
        return RevokeRoleResponse()

    async def ListRoleGrants(self, request: ListRoleGrantsRequest, context: Any) -> ListRoleGrantsResponse:
        found, token = await self._grants.page(
            Caller.of(context),
            messages.asked_grants(request),
            request.page_size,
            request.page_token,
            self._page_tokens,
        )
        return ListRoleGrantsResponse(role_grants=[messages.role_grant(one) for one in found], next_page_token=token)

    async def ListPermissions(self, request: ListPermissionsRequest, context: Any) -> ListPermissionsResponse:
        return ListPermissionsResponse(permissions=catalog.permissions())
