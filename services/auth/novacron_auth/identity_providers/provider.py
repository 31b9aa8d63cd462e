"""What an identity provider is, and which addresses are taken for one. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from novacron.errors import FieldViolation, InvalidArgument

from ..users.account import Role

DEFAULT_SCOPES = ("openid", "email", "profile")
# RFC 6749, 3.3.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """A provider as it is stored. It never changes: who it means by a subject would change with it."""

    identity_provider_id: UUID
    tenant_id: UUID
    name: str
    issuer: str
    client_id: str
    client_secret_sealed: str | None = field(repr=False)
    scopes: tuple[str, ...]
    create_users: bool
    default_role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewIdentityProvider:
    """A provider to be. An empty ``client_secret``: a public client."""

    identity_provider_id: UUID
    tenant_id: UUID
    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    create_users: bool
    default_role: Role

    def require_valid(self) -> None:
        """:raises InvalidArgument: with a violation for each field that makes no sense."""
        violations = []
        if not is_https(self.issuer) or urlsplit(self.issuer).query:
            violations.append(FieldViolation("issuer", "is an https URL without a query, as the provider spells it"))
        if "openid" not in self.scopes:
            violations.append(FieldViolation("scopes", "names `openid`, or the provider would not say who logs in"))
        if not all(_SCOPE.fullmatch(one) for one in self.scopes):
            violations.append(FieldViolation("scopes", "holds one word each"))
        if violations:
            said = "; ".join(f"{one.field}: {one.description}" for one in violations)
            raise InvalidArgument(said, violations=violations)

    def same_as(self, there: IdentityProvider, client_secret: str) -> bool:
        """Whether ``there`` is what this was made into."""
        mine = (self.identity_provider_id, self.tenant_id, self.name, self.issuer, self.client_id, self.client_secret)
        more = (self.scopes, self.create_users, self.default_role)
        theirs = (there.identity_provider_id, there.tenant_id, there.name, there.issuer, there.client_id, client_secret)
        return (mine, more) == (theirs, (there.scopes, there.create_users, there.default_role))


@dataclass(frozen=True, slots=True)
class ExternalUser:
    """Whom a provider has signed in. ``subject`` says who; the names are what a new user would be called."""

    subject: str
    username: str
    email: str
    second_factor: bool


class Refused(Exception):
    """A login through a provider came to nothing: the cause is for the audit log, never for the caller."""

    def __init__(self, cause: str, provider: IdentityProvider | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.provider = provider  # where it is known


def is_https(url: str) -> bool:
    """Whether a secret may be sent there."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and not parts.username and not parts.fragment


def require_redirect_uri(uri: str) -> None:
    """:raises InvalidArgument: neither https nor on a loopback address (RFC 8252, 7.3): a code would be read on the way."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
        loopback = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        loopback = False
    else:
        loopback = loopback and parts.scheme == "http" and not parts.username and not parts.fragment
    if not loopback and not is_https(uri):
        raise InvalidArgument.at("redirect_uri", "is an https URL, or http on a loopback address")
