"""What a second factor is. No I/O."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


class MfaType(enum.StrEnum):
    """What kind, as it is stored."""

    TOTP = "totp"
    WEBAUTHN = "webauthn"


@dataclass(frozen=True, slots=True)
class MfaCredential:
    """A second factor as its user sees it. ``confirmed_at`` None: begun, and without any effect."""

    mfa_credential_id: UUID
    type: MfaType
    name: str
    confirmed_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class App:
    """An authenticator app with its sealed secret, and the database's time step at this moment."""

    mfa_credential_id: UUID
    secret_sealed: str = field(repr=False)
    step: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app has to be told, once."""

    mfa_credential_id: UUID
    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Factors:
    """All about a user's second factors."""

    credentials: tuple[MfaCredential, ...]
    recovery_codes_left: int
    required: bool
