"""What an account is, and what an attempt to log in with a password may come to. No I/O."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ..sessions.origin import Location, Origin

# The audit chain of attempts that named no tenant that exists.
NO_TENANT = UUID(int=0)
DEFAULT_TENANT = "default"


class Role(enum.StrEnum):
    """The one role that every user has; ``user_roles`` adds to it."""

    ADMIN = "admin"
    OPERATOR = "operator"
    USER = "user"
    VIEWER = "viewer"


class Refusal(enum.StrEnum):
    """Why a login failed: for the audit log, never for the caller."""

    UNKNOWN_TENANT = "unknown tenant"
    UNKNOWN_USER = "unknown user"
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - says what happened
    LOCKED = "locked"
    DISABLED = "disabled"
    SECOND_FACTOR = "second factor"
    COPIED_KEY = "copied security key"


def folded(name: str) -> str:
    """A name as it is compared: equal for every case and every way to write the same letters (UAX #31, NFKC_Casefold).

    No stored name contains U+FFFD, and none can contain NUL: a name with a NUL folds to one that nobody has.
    """
    once = unicodedata.normalize("NFKC", name.replace("\0", "\ufffd")).casefold()
    return unicodedata.normalize("NFKC", once)


@dataclass(frozen=True, slots=True)
class Account:
    """A user as others see it."""

    user_id: UUID
    tenant_id: UUID
    username: str
    email: str
    role: Role
    last_login: datetime | None

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Account:
        """From ``id, tenant_id, username, email, role, last_login``."""
        user_id, tenant_id, username, email, role, last_login = row
        return cls(user_id, tenant_id, username, email, Role(role), last_login)


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody shows as a second factor; empty: nothing of that kind."""

    one_time_code: str = field(default="", repr=False)
    assertion: str = field(default="", repr=False)  # a security key's, as the browser spells it


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody wants in."""

    username: str
    password: str = field(repr=False)
    tenant: str
    origin: Origin
    device: str = ""
    location: Location | None = None
    shown: Shown = field(default_factory=Shown)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a name in a tenant came to, found or not: what is absent is None, so that one path serves both."""

    tenant_id: UUID | None = None
    user_id: UUID | None = None
    password_hash: str | None = field(default=None, repr=False)
    password_changed_at: datetime | None = None
    disabled: bool = False
    failed_login_attempts: int = 0
    has_history: bool = False
    known_device: bool = False
    known_network: bool = False
    address_locked_until: datetime | None = None  # nothing is tried from there until then

    def refusal(self, *, matched: bool) -> Refusal:
        """Why this attempt is refused. A password that matched is refused for the state of its account only."""
        if self.tenant_id is None:
            return Refusal.UNKNOWN_TENANT
        if self.user_id is None:
            return Refusal.UNKNOWN_USER
        if self.disabled:
            return Refusal.DISABLED
        return Refusal.LOCKED if matched else Refusal.WRONG_PASSWORD


@dataclass(frozen=True, slots=True)
class Lockout:
    """How many wrong passwords in a row lock an account, and for how long."""

    attempts: int
    pause: timedelta


@dataclass(frozen=True, slots=True)
class Failures:
    """An account's count after one more wrong password, and whether it is locked now."""

    count: int = 0
    locked: bool = False
