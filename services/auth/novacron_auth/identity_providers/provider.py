"""What an identity provider is, and which addresses are taken for one. No I/O."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.x509 import load_pem_x509_certificates

from novacron.errors import FieldViolation, InvalidArgument

from ..users.account import Role

DEFAULT_SCOPES = ("openid", "email", "profile")
# RFC 6749, 3.3.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")


class ProviderType(enum.StrEnum):
    """How a provider is spoken to, as it is stored."""

    OIDC = "oidc"
    SAML = "saml"


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """A provider as it is stored. But for its certificates it never changes: who it means by a subject would change with it."""

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
    type: ProviderType = ProviderType.OIDC
    sso_url: str = ""  # of SAML, as are the certificates
    certificates: tuple[str, ...] = field(default=(), repr=False)


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
    type: ProviderType = ProviderType.OIDC
    sso_url: str = ""
    certificates: tuple[str, ...] = field(default=(), repr=False)

    def require_valid(self) -> None:
        """:raises InvalidArgument: with a violation for each field that makes no sense."""
        violations = self._saml_violations() if self.type is ProviderType.SAML else self._oidc_violations()
        if violations:
            said = "; ".join(f"{one.field}: {one.description}" for one in violations)
            raise InvalidArgument(said, violations=violations)

    def _oidc_violations(self) -> list[FieldViolation]:
        violations = []
        if not is_https(self.issuer) or urlsplit(self.issuer).query:
            violations.append(FieldViolation("issuer", "is an https URL without a query, as the provider spells it"))
        if "openid" not in self.scopes:
            violations.append(FieldViolation("scopes", "names `openid`, or the provider would not say who logs in"))
        if not all(_SCOPE.fullmatch(one) for one in self.scopes):
            violations.append(FieldViolation("scopes", "holds one word each"))
        if self.sso_url or self.certificates:
            violations.append(FieldViolation("saml", "is for a provider of the type SAML"))
        return violations

    def _saml_violations(self) -> list[FieldViolation]:
        violations = []
        if self.client_secret:
            violations.append(FieldViolation("client_secret", "is not for SAML, where the provider's signature is all"))
        if self.scopes:
            violations.append(FieldViolation("scopes", "are not for SAML"))
        if not is_https(self.sso_url):
            violations.append(FieldViolation("saml.sso_url", "is an https URL: SingleSignOnService, HTTP-Redirect"))
        if problem := certificates_problem(self.certificates):
            violations.append(FieldViolation("saml.certificates", problem))
        return violations

    def same_as(self, there: IdentityProvider, client_secret: str) -> bool:
        """Whether ``there`` is what this was made into."""
        mine = (self.identity_provider_id, self.tenant_id, self.name, self.issuer, self.client_id, self.client_secret)
        more = (self.scopes, self.create_users, self.default_role, self.type, self.sso_url, self.certificates)
        theirs = (there.identity_provider_id, there.tenant_id, there.name, there.issuer, there.client_id, client_secret)
        others = (there.scopes, there.create_users, there.default_role, there.type, there.sso_url, there.certificates)
        return (mine, more) == (theirs, others)


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """A provider that vouches for a user of ours, and who that is to it."""

    identity_provider_id: UUID
    provider: str
    subject: str
    created_at: datetime


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


def certificates_problem(certificates: tuple[str, ...]) -> str | None:
    """What is wrong with what a provider is to sign with; None: nothing."""
    if certificates and all(_is_in_force(one) for one in certificates):
        return None
    return "hold one PEM certificate each that has not ended"


def _is_in_force(certificate: str) -> bool:
    try:
        found = load_pem_x509_certificates(certificate.encode())
    except ValueError:
        return False
    return len(found) == 1 and datetime.now(UTC) < found[0].not_valid_after_utc


def is_https(url: str) -> bool:
    """Whether a secret may be sent there."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and not parts.username and not parts.fragment


def require_redirect_uri(uri: str, field: str = "redirect_uri") -> None:
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
        raise InvalidArgument.at(field, "is an https URL, or http on a loopback address")
