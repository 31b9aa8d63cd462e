"""Whom a SAML response signs in, and whether it may be trusted (SAML 2.0 Profiles, 4.1.4.2 and 4.1.4.3). No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .provider import ExternalUser, IdentityProvider, Refused
from .saml_request import ASSERTION, PERSISTENT, PROTOCOL
from .saml_signature import parsed, signed

_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
# How far the clocks of the provider and of this machine may be apart.
_LEEWAY = timedelta(seconds=30)
_LONGEST_SUBJECT = 255
_CONDITIONS = {f"{{{ASSERTION}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")}
_SECOND_FACTORS = {
    "https://refeds.org/profile/mfa",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
}
# As eduPerson, and as Microsoft's, name the same thing.
_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_USERNAMES = ("uid", "username", "urn:oid:0.9.2342.19200300.100.1.1", f"{_CLAIMS}name")
_EMAILS = ("mail", "email", "urn:oid:0.9.2342.19200300.100.1.3", f"{_CLAIMS}emailaddress")


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that a response has to answer."""

    request_id: str
    acs_url: str
    now: datetime


def verified(response: str, provider: IdentityProvider, asked: Asked) -> ExternalUser:
    """Whom the response means. :raises Refused: anything about it is in doubt."""
    root = parsed(response)
    _require_answer(root, provider, asked)
    assertion = signed(root, provider)
    _require(assertion.get("Version") == "2.0", "the assertion is of another version")
    _require(_text(_only(assertion, "Issuer")) == provider.issuer, "the assertion is of another issuer")
    subject = _only(assertion, "Subject")
    _require_bearer(subject, asked)
    _require_conditions(_only(assertion, "Conditions"), provider.client_id, asked.now)
    return ExternalUser(
        _name_id(subject, provider), *_names(assertion), second_factor=_second_factor(assertion, asked.now)
    )


def _require_answer(root: Any, provider: IdentityProvider, asked: Asked) -> None:
    """What the response says of itself, which may not be signed: it can make a refusal, and no login."""
    _require(root.get("Version") == "2.0", "the response is of another version")
    _require(root.get("InResponseTo") == asked.request_id, "the response answers another request")
    _require(root.get("Destination") in (None, asked.acs_url), "the response is for another place")
    issuer = root.find(f"{{{ASSERTION}}}Issuer")
    _require(issuer is None or _text(issuer) == provider.issuer, "the response is of another issuer")
    code = root.find(f"{{{PROTOCOL}}}Status/{{{PROTOCOL}}}StatusCode")
    _require(code is not None and code.get("Value") == _SUCCESS, "the provider refuses")


def _require_bearer(subject: Any, asked: Asked) -> None:
    confirmations = subject.findall(f"{{{ASSERTION}}}SubjectConfirmation")
    _require(
        any(_confirms(one, asked) for one in confirmations), "nothing confirms that the assertion is for this login"
    )


def _confirms(confirmation: Any, asked: Asked) -> bool:
    data = confirmation.find(f"{{{ASSERTION}}}SubjectConfirmationData")
    if confirmation.get("Method") != _BEARER or data is None or data.get("NotBefore") is not None:
        return False
    until = _time(data, "NotOnOrAfter")
    return (
        data.get("Recipient") == asked.acs_url
        and data.get("InResponseTo") == asked.request_id
        and until is not None
        and asked.now < until + _LEEWAY
    )


def _require_conditions(conditions: Any, audience: str, now: datetime) -> None:
    since, until = _time(conditions, "NotBefore"), _time(conditions, "NotOnOrAfter")
    _require(since is None or since - _LEEWAY <= now, "the assertion is of the future")
    _require(until is not None and now < until + _LEEWAY, "the assertion has expired")
    _require(all(one.tag in _CONDITIONS for one in conditions), "the assertion has a condition that is not known")
    restrictions = conditions.findall(f"{{{ASSERTION}}}AudienceRestriction")
    # Each restriction holds; of the audiences in one, any does.
    named = [{_text(one) for one in each.findall(f"{{{ASSERTION}}}Audience")} for each in restrictions]
    _require(bool(named) and all(audience in each for each in named), "the assertion is for another audience")


def _name_id(subject: Any, provider: IdentityProvider) -> str:
    name_id = _only(subject, "NameID")
    _require(name_id.get("Format") == PERSISTENT, "the NameID is not persistent: set the provider so")
    ours = name_id.get("NameQualifier") in (None, "", provider.issuer)
    _require(ours and name_id.get("SPNameQualifier") in (None, "", provider.client_id), "the NameID is for others")
    text = _text(name_id)
    _require(1 <= len(text) <= _LONGEST_SUBJECT, "the NameID cannot be kept")
    return text


def _names(assertion: Any) -> tuple[str, str]:
    """What a new user would be called, and the address."""
    found: dict[str, str] = {}
    for attribute in assertion.iterfind(f"{{{ASSERTION}}}AttributeStatement/{{{ASSERTION}}}Attribute"):
        value = attribute.find(f"{{{ASSERTION}}}AttributeValue")
        if value is not None and len(value) == 0:
            found.setdefault(attribute.get("Name", ""), (value.text or "").strip())
    email = next((found[name] for name in _EMAILS if found.get(name)), "")
    return next((found[name] for name in _USERNAMES if found.get(name)), email), email


def _second_factor(assertion: Any, now: datetime) -> bool:
    statements = assertion.findall(f"{{{ASSERTION}}}AuthnStatement")
    _require(bool(statements), "the assertion does not say that anybody was signed in")
    for one in statements:
        until = _time(one, "SessionNotOnOrAfter")
        _require(until is None or now < until + _LEEWAY, "the provider's session has ended")
    path = f"{{{ASSERTION}}}AuthnContext/{{{ASSERTION}}}AuthnContextClassRef"
    return any(_text(found) in _SECOND_FACTORS for one in statements for found in one.iterfind(path))


def _only(parent: Any, name: str) -> Any:
    found = parent.findall(f"{{{ASSERTION}}}{name}")
    _require(len(found) == 1, f"there is not one {name}")
    return found[0]


def _text(element: Any) -> str:
    _require(len(element) == 0, "there are elements where text belongs")
    return (element.text or "").strip()


def _time(element: Any, name: str) -> datetime | None:
    text = element.get(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("a time is no time") from None
    _require(found.tzinfo is not None, "a time is of no zone")
    return found


def _require(held: bool, cause: str) -> None:
    if not held:
        raise Refused(cause)
