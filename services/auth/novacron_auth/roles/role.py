"""What a role is, who has it since when, and what may become of it. No I/O."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from novacron.errors import Conflict, FailedPrecondition, FieldViolation, InvalidArgument

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Role:
    """Permissions under a name. ``tenant_id`` None: the platform's own, which every tenant has and nobody changes."""

    role_id: UUID
    name: str
    description: str
    permissions: frozenset[str]
    tenant_id: UUID | None
    mfa_required: bool
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def etag(self) -> str:
        return str(self.version)

    @property
    def administers(self) -> bool:
        """Whether it is the role that runs the platform."""
        return self.tenant_id is None and self.name == ADMIN

    def require_changeable(self, etag: str = "") -> None:
        """:raises FailedPrecondition: it is the platform's. :raises Conflict: ``etag`` is of an older version."""
        if self.tenant_id is None:
            raise FailedPrecondition(
                f"{self.name} is one of the platform's own roles, which nobody changes: create a role of the tenant"
            )
        if etag and etag != self.etag:
            raise Conflict(f"role {self.role_id} has changed: read it again and repeat")


@dataclass(frozen=True, slots=True)
class NewRole:
    """A tenant's role to be."""

    role_id: UUID
    tenant_id: UUID
    name: str
    description: str
    permissions: frozenset[str]
    mfa_required: bool

    def same_as(self, role: Role) -> bool:
        """Whether ``role`` is what this was made into."""
        mine = (self.role_id, self.tenant_id, self.name, self.description, self.permissions, self.mfa_required)
        theirs = (role.role_id, role.tenant_id, role.name, role.description, role.permissions, role.mfa_required)
        return mine == theirs


@dataclass(frozen=True, slots=True)
class RoleChanges:
    """What to change of a role; None: leave it."""

    description: str | None = None
    permissions: frozenset[str] | None = None
    mfa_required: bool | None = None

    def on(self, role: Role) -> Role:
        return replace(
            role,
            description=role.description if self.description is None else self.description,
            permissions=role.permissions if self.permissions is None else self.permissions,
            mfa_required=role.mfa_required if self.mfa_required is None else self.mfa_required,
        )


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role that a user was given. ``granted_by`` None: by the platform; ``expires_at`` None: for good."""

    user_id: UUID
    role_id: UUID
    role: str
    granted_by: UUID | None
    granted_at: datetime
    expires_at: datetime | None


def require_existing(permissions: Collection[str], existing: Collection[str]) -> None:
    """:raises InvalidArgument: nothing ever asks for one of them, so that it would grant nothing: a misspelling."""
    bad = [one for one in sorted(permissions) if not any(_fits(one, asked) for asked in existing)]
    if bad:
        said = f"nothing asks for {', '.join(bad)}: `novacron role permissions` lists what there is"
        raise InvalidArgument(f"permissions: {said}", violations=[FieldViolation("permissions", said)])


def _fits(permission: str, asked: str) -> bool:
    return all(mine in ("*", theirs) for mine, theirs in zip(permission.split(":"), asked.split(":"), strict=True))
