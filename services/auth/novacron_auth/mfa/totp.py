"""Time-based one-time passwords (RFC 6238) as authenticator apps make them: SHA-1, six digits, a new one every 30 s. No I/O."""

from __future__ import annotations

import base64
import hmac
import secrets
from urllib.parse import quote

PERIOD_SECONDS = 30
_DIGITS = 6
_SECRET_BYTES = 20  # as long as SHA-1's output, which is what RFC 4226 advises


def new_secret() -> bytes:
    """A secret that nobody has seen."""
    return secrets.token_bytes(_SECRET_BYTES)


def spelled(secret: bytes) -> str:
    """The secret as an app takes it: base32, without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def code_at(secret: bytes, step: int) -> str:
    """The code of one time step (RFC 4226, 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def matching_step(secret: bytes, code: str, now: int, window: int) -> int | None:
    """The newest step up to ``window`` away from ``now`` whose code this is; None: none.

    The newest, so that all steps that this code could stand for are used up with it. Every step is compared, in the same
    time for every code.
    """
    shown, found = code.strip().replace(" ", "").encode(), None
    for step in range(max(0, now - window), now + window + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), shown):
            found = step
    return found


def uri(secret: bytes, issuer: str, account: str) -> str:
    """What a QR code shows to an app (the de facto Key URI format)."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
    return (
        f"otpauth://totp/{label}?secret={spelled(secret)}&issuer={quote(issuer, safe='')}"
        f"&algorithm=SHA1&digits={_DIGITS}&period={PERIOD_SECONDS}"
    )
