"""What a session is. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ..users.account import Account


@dataclass(frozen=True, slots=True)
class Session:
    """One login and what follows from it, until it expires or is revoked."""

    session_id: UUID
    account: Account
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a client sends with every request."""

    text: str = field(repr=False)
    expires_at: datetime
