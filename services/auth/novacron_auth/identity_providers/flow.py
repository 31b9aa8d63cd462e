"""What is kept of a login under way, sealed, until it ends. No I/O."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .saml_request import new_request_id

LIFETIME = timedelta(minutes=10)
_LONGEST_DEVICE = timedelta(minutes=30)
_DEVICE_INTERVAL = 5.0


@dataclass(frozen=True, slots=True)
class _BrowserFlow:
    """A login that comes back through a browser, to who keeps the login token."""

    login_token: str = field(repr=False)

    def is_of(self, login_token: str) -> bool:
        """Whether this is who began it: what passed through a browser is not enough."""
        return hmac.compare_digest(self.login_token.encode(), login_token.encode())


@dataclass(frozen=True, slots=True)
class CodeFlow(_BrowserFlow):
    """An authorization code is awaited."""

    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    redirect_uri: str

    @classmethod
    def new(cls, redirect_uri: str) -> CodeFlow:
        verifier = secrets.token_urlsafe(48)
        return cls(login_token=new_secret(), verifier=verifier, nonce=new_secret(), redirect_uri=redirect_uri)


@dataclass(frozen=True, slots=True)
class SamlFlow(_BrowserFlow):
    """A response to an AuthnRequest is awaited."""

    request_id: str
    acs_url: str

    @classmethod
    def new(cls, acs_url: str) -> SamlFlow:
        return cls(login_token=new_secret(), request_id=new_request_id(), acs_url=acs_url)


@dataclass(frozen=True, slots=True)
class DeviceFlow:
    """A user is awaited at the provider's page."""

    device_code: str = field(repr=False)
    interval_seconds: float


@dataclass(frozen=True, slots=True)
class Challenge:
    """Where to send the browser, and what ends the login."""

    authorization_url: str
    state: str
    login_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceChallenge:
    """What to show the user, and what to poll with."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_at: datetime
    interval_seconds: float


def new_secret() -> str:
    """256 random bits for a URL."""
    return secrets.token_urlsafe(32)


def state_hash(state: str) -> bytes:
    """What is kept of a state or a device code: who reads the database cannot end anybody's login."""
    return hashlib.sha256(state.encode()).digest()


def written(flow: CodeFlow | DeviceFlow | SamlFlow) -> bytes:
    return json.dumps(asdict(flow)).encode()


def read_code(text: bytes) -> CodeFlow:
    return CodeFlow(**json.loads(text))


def read_saml(text: bytes) -> SamlFlow:
    return SamlFlow(**json.loads(text))


def read_device(text: bytes) -> DeviceFlow:
    return DeviceFlow(**json.loads(text))


def device_times(answer: dict[str, Any]) -> tuple[float, timedelta]:
    """The interval of polls and the lifetime that a provider names, within reason."""
    interval, lifetime = answer.get("interval"), answer.get("expires_in")
    seconds = float(interval) if isinstance(interval, int | float) and 0 < interval <= 60 else _DEVICE_INTERVAL
    lasting = timedelta(seconds=lifetime) if isinstance(lifetime, int) and 0 < lifetime < 10**6 else LIFETIME
    return seconds, min(lasting, _LONGEST_DEVICE)
