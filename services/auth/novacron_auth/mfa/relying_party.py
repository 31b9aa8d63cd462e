"""WebAuthn Level 3, as far as a second factor needs it: options for browsers, and whether to trust their answers. No I/O.

The library takes every format of attestation along, and a good part of a start: it is imported where keys are taken.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from novacron.settings import SettingsError

TIMEOUT_SECONDS = 300
# The key that nobody has: what it costs to show a credential that there is not.
_DECOY = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class Untrusted(Exception):
    """An answer is not what was asked for: the cause is for the audit log."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a registration came to."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    counter: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser sent, taken apart and not trusted yet. ``challenge`` is the one that it says to answer."""

    text: str = field(repr=False)
    credential_id: bytes
    challenge: bytes = field(repr=False)
    user_handle: bytes | None


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom keys are made for: a domain, and the web origins under it whose pages may use them."""

    rp_id: str
    origins: tuple[str, ...]

    @classmethod
    def of(cls, rp_id: str, origins: str) -> RelyingParty | None:
        """From the settings; None: neither is set. :raises SettingsError: a key would work nowhere, or anywhere."""
        listed = tuple(one.strip() for one in origins.split(",") if one.strip())
        if not rp_id and not listed:
            return None
        if not rp_id or not listed:
            raise SettingsError("NOVACRON_WEBAUTHN_RP_ID, NOVACRON_WEBAUTHN_ORIGINS: give both, or neither")
        for one in listed:
            if not _is_under(one, rp_id):
                raise SettingsError(
                    f"NOVACRON_WEBAUTHN_ORIGINS: {one}: is https://HOST[:PORT], where HOST is {rp_id} or ends in .{rp_id};"
                    " http only for localhost"
                )
        importlib.import_module("webauthn")  # at the start, and not while somebody waits for a login
        return cls(rp_id, listed)

    def registration_options(
        self, challenge: bytes, issuer: str, user_id: UUID, username: str, held: Sequence[bytes]
    ) -> str:
        """What ``navigator.credentials.create`` takes. ``held``: credentials that this user has already.

        Keys are discoverable (the authenticator keeps them): so a login needs no list of anybody's credentials, which would
        tell who has some (WebAuthn, 14.6.2).
        """
        import webauthn
        from webauthn.helpers import structs

        options = webauthn.generate_registration_options(
            rp_id=self.rp_id,
            rp_name=issuer,
            user_id=user_id.bytes,
            user_name=username,
            challenge=challenge,
            timeout=TIMEOUT_SECONDS * 1000,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in held],
        )
        return webauthn.options_to_json(options)

    def assertion_options(self, challenge: bytes) -> str:
        """What ``navigator.credentials.get`` takes: the same for everybody but the challenge."""
        import webauthn
        from webauthn.helpers import structs

        options = webauthn.generate_authentication_options(
            rp_id=self.rp_id,
            challenge=challenge,
            timeout=TIMEOUT_SECONDS * 1000,
            user_verification=structs.UserVerificationRequirement.PREFERRED,
        )
        return webauthn.options_to_json(options)

    def registered(self, answer: Answer) -> NewKey:
        """The key that an answer to a challenge of ours registers. :raises Untrusted: anything about it is in doubt.

        Of attestations only the form is judged: any make of key will do.
        """
        import webauthn

        try:
            made = webauthn.verify_registration_response(
                credential=answer.text,
                expected_challenge=answer.challenge,
                expected_rp_id=self.rp_id,
                expected_origin=list(self.origins),
            )
        except Exception as error:
            # Whatever a hostile answer makes the library raise: it is a refusal.
            raise Untrusted(type(error).__name__) from error
        return NewKey(made.credential_id, made.credential_public_key, made.sign_count)

    def counter(self, answer: Answer, public_key: bytes | None) -> int:
        """The signature counter of an answer that this key signed. :raises Untrusted: it did not, or not here.

        None costs as much as a key. Whether the counter went on is for whoever holds the last one to judge.
        """
        import webauthn

        try:
            shown = webauthn.verify_authentication_response(
                credential=answer.text,
                expected_challenge=answer.challenge,
                expected_rp_id=self.rp_id,
                expected_origin=list(self.origins),
                credential_public_key=public_key or _DECOY,
                credential_current_sign_count=0,
            )
        except Exception as error:
            raise Untrusted(type(error).__name__) from error
        if public_key is None:
            raise Untrusted("no such key")
        return shown.new_sign_count


def registration(text: str) -> Answer:
    """What ``navigator.credentials.create`` gave. :raises Untrusted: it is no such thing."""
    from webauthn.helpers import parse_registration_credential_json

    try:
        shown = parse_registration_credential_json(text)
        return Answer(text, shown.raw_id, _challenge(shown.response.client_data_json), None)
    except Exception as error:
        raise Untrusted(type(error).__name__) from error


def assertion(text: str) -> Answer:
    """What ``navigator.credentials.get`` gave. :raises Untrusted: it is no such thing."""
    from webauthn.helpers import parse_authentication_credential_json

    try:
        shown = parse_authentication_credential_json(text)
        challenge = _challenge(shown.response.client_data_json)
        return Answer(text, shown.raw_id, challenge, shown.response.user_handle)
    except Exception as error:
        raise Untrusted(type(error).__name__) from error


def _challenge(client_data: bytes) -> bytes:
    from webauthn import base64url_to_bytes

    told: dict[str, Any] = json.loads(client_data)
    # A page in a frame of another site's asks for a touch that is meant for that site.
    if told.get("crossOrigin") not in (None, False):
        raise Untrusted("another site's frame")
    return base64url_to_bytes(told["challenge"])


def _is_under(origin: str, rp_id: str) -> bool:
    """Whether a browser would let a page of ``origin`` use keys of ``rp_id``, and nobody could stand in for that page."""
    try:
        parts = urlsplit(origin)
        _ = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        return False
    if (
        origin != f"{parts.scheme}://{parts.netloc}"
        or parts.username is not None
        or parts.netloc != parts.netloc.lower()
    ):
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")
    return secure and (host == rp_id or host.endswith(f".{rp_id}"))
