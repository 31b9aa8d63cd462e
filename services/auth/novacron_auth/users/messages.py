"""Between the protos of users and what they mean here."""

from __future__ import annotations

from uuid import UUID

from novacron.api.auth.v1 import (
    USER_ROLE_ADMIN,
    USER_ROLE_OPERATOR,
    USER_ROLE_UNSPECIFIED,
    USER_ROLE_USER,
    USER_ROLE_VIEWER,
    CreateUserRequest,
    UpdateUserRequest,
    UserRole,
)
from novacron.api.auth.v1 import User as Message
from novacron.errors import InvalidArgument
from novacron.ids import new_id
from novacron.timestamps import to_timestamp

from .account import Role
from .user import NewUser, User, UserChanges

_ROLES = {
    Role.ADMIN: USER_ROLE_ADMIN,
    Role.OPERATOR: USER_ROLE_OPERATOR,
    Role.USER: USER_ROLE_USER,
    Role.VIEWER: USER_ROLE_VIEWER,
}
_OF_MESSAGES = {message: role for role, message in _ROLES.items()}
_CHANGEABLE = ("username", "email", "role")


def role(held: Role) -> UserRole:
    return _ROLES[held]


def user(held: User) -> Message:
    return Message(
        user_id=str(held.user_id),
        username=held.username,
        email=held.email,
        role=_ROLES[held.role],
        tenant_id=str(held.tenant_id),
        last_login=to_timestamp(held.last_login),
        mfa_enabled=held.mfa_enabled,
        failed_login_attempts=held.failed_login_attempts,
        locked_until=to_timestamp(held.locked_until),
        disabled_at=to_timestamp(held.disabled_at),
        password_changed_at=to_timestamp(held.password_changed_at),
        created_at=to_timestamp(held.created_at),
        updated_at=to_timestamp(held.updated_at),
        etag=held.etag,
    )


def new_user(request: CreateUserRequest, tenant_id: UUID) -> NewUser:
    return NewUser(
        UUID(request.user_id) if request.user_id else new_id(),
        tenant_id,
        request.username,
        request.email,
        _OF_MESSAGES.get(request.role, Role.USER),
    )


def changes(request: UpdateUserRequest) -> UserChanges:
    """:raises InvalidArgument: the mask names what cannot be changed, or a role that is none."""
    masked = set(request.update_mask.paths) or {name for name in _CHANGEABLE if getattr(request, name)}
    if unknown := sorted(masked.difference(_CHANGEABLE)):
        raise InvalidArgument.at(
            "update_mask", f"names {', '.join(unknown)}; what can change: {', '.join(_CHANGEABLE)}"
        )
    if "role" in masked and request.role == USER_ROLE_UNSPECIFIED:
        raise InvalidArgument.at("role", "is none: give one, or leave it out of the mask")
    return UserChanges(
        request.username if "username" in masked else None,
        request.email if "email" in masked else None,
        _OF_MESSAGES[request.role] if "role" in masked else None,
    )


def optional_id(text: str) -> UUID | None:
    """An id that may be left out."""
    return UUID(text) if text else None
