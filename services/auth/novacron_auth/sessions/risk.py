"""How much a login looks like somebody else's: a few findings, each with its weight. No I/O.

What a client says of itself (device, location) can raise the risk and never lower it below what is known from elsewhere.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..users.account import Credentials
from .origin import Location

# Nearer than this, two positions of one place differ by how they were measured.
_SAME_PLACE_KM = 100.0
_MOST_FAILURES = 0.4


class EventType(enum.StrEnum):
    """The kinds of security events, as they are stored."""

    NEW_DEVICE = "new_device"
    NEW_NETWORK = "new_network"
    FAILED_LOGINS = "failed_logins"
    IMPOSSIBLE_TRAVEL = "impossible_travel"
    REFRESH_TOKEN_REUSE = "refresh_token_reuse"  # noqa: S105 - says what happened
    ACCOUNT_LOCKED = "account_locked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    PASSWORD_RESET = "password_reset"  # noqa: S105
    MFA_ENABLED = "mfa_enabled"
    MFA_DISABLED = "mfa_disabled"
    RECOVERY_CODE_USED = "recovery_code_used"
    SECURITY_KEY_COPIED = "security_key_copied"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something noticed, and what it adds: 0 nothing, 1 all."""

    event_type: EventType
    risk: float
    description: str


COPIED_KEY = Finding(
    EventType.SECURITY_KEY_COPIED, 0.5, "a security key's counter went back: there is a copy of it; refused"
)


@dataclass(frozen=True, slots=True)
class LastSeen:
    """Where a user last said to be, and when."""

    location: Location
    at: datetime


def assess(
    credentials: Credentials,
    *,
    location: Location | None = None,
    last: LastSeen | None = None,
    now: datetime | None = None,
    fastest_kmh: float = 1000.0,
) -> list[Finding]:
    """What is odd about a login with the right password. A first login has nothing to be compared with."""
    found = []
    if credentials.has_history:
        if not credentials.known_device:
            found.append(Finding(EventType.NEW_DEVICE, 0.2, "a device that was not seen before"))
        if not credentials.known_network:
            found.append(Finding(EventType.NEW_NETWORK, 0.2, "a network that was not seen before"))
    if failures := credentials.failed_login_attempts:
        risk = min(_MOST_FAILURES, 0.08 * failures)
        found.append(Finding(EventType.FAILED_LOGINS, risk, f"{failures} wrong passwords came before"))
    if location is not None and last is not None and now is not None:
        distance = last.location.kilometres_to(location)
        hours = max((now - last.at) / timedelta(hours=1), 1e-6)
        if distance > _SAME_PLACE_KM and distance / hours > fastest_kmh:
            said = f"{distance:.0f} km from the login {_ago(now - last.at)} before"
            found.append(Finding(EventType.IMPOSSIBLE_TRAVEL, 0.5, said))
    return found


def score(findings: Iterable[Finding]) -> float:
    """All findings together: each takes its part of what is left, so that the sum never passes 1."""
    left = 1.0
    for one in findings:
        left *= 1 - one.risk
    return round(1 - left, 4)


def _ago(time: timedelta) -> str:
    minutes = time / timedelta(minutes=1)
    return f"{minutes / 60:.1f} h" if minutes >= 90 else f"{minutes:.0f} min"
