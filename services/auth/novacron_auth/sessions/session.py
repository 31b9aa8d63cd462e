"""What a session is. No I/O."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ..users.account import Account
from .origin import Address, Location
from .risk import EventType


class AuthenticationMethod(enum.StrEnum):
    """How a session began, as it is stored."""

    PASSWORD = "password"  # noqa: S105 - the seed's name for it
    MFA = "mfa"
    OAUTH = "oauth"
    SAML = "saml"


class SessionStatus(enum.StrEnum):
    """Whether a session may be used: it follows from its times and is never stored."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a client sends with every request."""

    text: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UserSession:
    """A session as its user and administrators see it: the seed's UserSession."""

    session_id: UUID
    user_id: UUID
    tenant_id: UUID
    created_at: datetime
    last_accessed_at: datetime
    expires_at: datetime
    authentication_method: AuthenticationMethod
    authentication_timestamp: datetime
    ip_address: Address | None
    user_agent: str | None
    device_fingerprint: str | None
    geo_location: Location | None
    scopes: tuple[str, ...]
    risk_score: float
    status: SessionStatus
    revoked_at: datetime | None
    revoked_reason: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """What the statement that began a session told of it."""

    as_seen: UserSession
    # It grants nothing until its user has shown a second factor, or has one at all.
    lacks_second_factor: bool
    surplus: int  # older sessions of the user that ended for it


@dataclass(frozen=True, slots=True)
class Session:
    """One login and what follows from it, until it expires or is revoked."""

    session_id: UUID
    account: Account
    expires_at: datetime
    begun: Begun | None = None  # where it has just begun


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login or a refresh gives out."""

    session: Session
    access: AccessToken
    refresh: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """Something about a user's logins that somebody should know of."""

    security_event_id: UUID
    user_id: UUID
    session_id: UUID | None
    event_type: EventType
    risk: float
    description: str
    ip_address: Address | None
    created_at: datetime
