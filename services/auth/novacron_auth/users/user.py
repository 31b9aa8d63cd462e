"""What a user is to who administers it, and which names it may have. No I/O."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from novacron.errors import FieldViolation, InvalidArgument

from .account import Role, folded

_LONGEST = 255


@dataclass(frozen=True, slots=True)
class User:
    """A user as it is stored, without anything secret."""

    user_id: UUID
    tenant_id: UUID
    username: str
    email: str
    role: Role
    last_login: datetime | None
    mfa_enabled: bool
    failed_login_attempts: int
    locked_until: datetime | None
    disabled_at: datetime | None
    password_changed_at: datetime
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def etag(self) -> str:
        return str(self.version)


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be."""

    user_id: UUID
    tenant_id: UUID
    username: str
    email: str
    role: Role

    def same_as(self, user: User) -> bool:
        """Whether ``user`` is what this was made into."""
        return (self.user_id, self.tenant_id, self.username, self.email, self.role) == (
            user.user_id,
            user.tenant_id,
            user.username,
            user.email,
            user.role,
        )


@dataclass(frozen=True, slots=True)
class UserChanges:
    """What to change of a user; None: leave it."""

    username: str | None = None
    email: str | None = None
    role: Role | None = None


def require_names(username: str | None = None, email: str | None = None) -> None:
    """:raises InvalidArgument: with a violation for each name that cannot be one."""
    violations = []
    if username is not None and (found := _name_problem(username)):
        violations.append(FieldViolation("username", found))
    if email is not None and (found := _email_problem(email)):
        violations.append(FieldViolation("email", found))
    if violations:
        said = "; ".join(f"{one.field}: {one.description}" for one in violations)
        raise InvalidArgument(said, violations=violations)


def _name_problem(name: str) -> str | None:
    if not 1 <= len(name) <= _LONGEST or len(folded(name)) > _LONGEST:
        return f"has 1 to {_LONGEST} characters"
    if name != name.strip():
        return "begins or ends with a space"
    if any(unicodedata.category(character).startswith("C") for character in name):
        return "holds a character that cannot be seen"
    return None


def _email_problem(email: str) -> str | None:
    if found := _name_problem(email):
        return found
    local, at, domain = email.rpartition("@")
    if not (local and at and domain) or any(character.isspace() for character in email):
        return "is not an address, such as alice@example.org"
    return None
