"""Between the protos of roles and what they mean here."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from novacron.api.auth.v1 import CreateRoleRequest, GrantRoleRequest, ListRoleGrantsRequest, UpdateRoleRequest
from novacron.api.auth.v1 import Role as RoleMessage
from novacron.api.auth.v1 import RoleGrant as RoleGrantMessage
from novacron.errors import InvalidArgument
from novacron.ids import new_id
from novacron.timestamps import to_timestamp

from .role import NewRole, Role, RoleChanges, RoleGrant

_CHANGEABLE = ("description", "permissions", "mfa_required")


def new_role(request: CreateRoleRequest, tenant_id: UUID) -> NewRole:
    return NewRole(
        role_id=UUID(request.role_id) if request.role_id else new_id(),
        tenant_id=tenant_id,
        name=request.name,
        description=request.description,
        permissions=frozenset(request.permissions),
        mfa_required=request.mfa_required,
    )


def asked_tenant(request: CreateRoleRequest) -> UUID | None:
    return UUID(request.tenant_id) if request.tenant_id else None


def changes(request: UpdateRoleRequest) -> RoleChanges:
    """:raises InvalidArgument: the mask names what cannot be changed."""
    masked = list(request.update_mask.paths)
    if unknown := sorted(set(masked) - set(_CHANGEABLE)):
        raise InvalidArgument.at("update_mask", f"names {', '.join(unknown)}; it may name {', '.join(_CHANGEABLE)}")
    named = set(masked) or {name for name in _CHANGEABLE if getattr(request, name)}
    return RoleChanges(
        description=request.description if "description" in named else None,
        permissions=frozenset(request.permissions) if "permissions" in named else None,
        mfa_required=request.mfa_required if "mfa_required" in named else None,
    )


def ends_at(request: GrantRoleRequest) -> datetime | None:
    try:
        return request.expires_at.ToDatetime(UTC) if request.HasField("expires_at") else None
    except (ValueError, OverflowError):
        raise InvalidArgument.at("expires_at", "is no time between the years 1 and 9999") from None


def asked_grants(request: ListRoleGrantsRequest) -> tuple[UUID | None, UUID | None]:
    return (
        UUID(request.user_id) if request.user_id else None,
        UUID(request.role_id) if request.role_id else None,
    )


def role(held: Role) -> RoleMessage:
    return RoleMessage(
        role_id=str(held.role_id),
        name=held.name,
        description=held.description,
        permissions=sorted(held.permissions),
        tenant_id=str(held.tenant_id or ""),
        mfa_required=held.mfa_required,
        created_at=to_timestamp(held.created_at),
        updated_at=to_timestamp(held.updated_at),
        etag=held.etag,
    )


def role_grant(given: RoleGrant) -> RoleGrantMessage:
    return RoleGrantMessage(
        user_id=str(given.user_id),
        role_id=str(given.role_id),
        role=given.role,
        granted_by=str(given.granted_by or ""),
        granted_at=to_timestamp(given.granted_at),
        expires_at=to_timestamp(given.expires_at),
    )
