"""Refresh tokens: each is good once, and knows its successor. No I/O.

The successor is made from the token and a key of ours. A client that lost the answer to a refresh sends the old token
again and gets the very same new one: two of its processes that refresh at once cannot drift apart, and no second branch
of the family comes to be that a thief could live on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PREFIX = "nrt_"


class RefreshTokens:
    """Makes them; who holds the key could make a successor, who holds the database could not."""

    def __init__(self, key: bytes) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=b"novacron refresh tokens").derive(key)

    def first(self) -> str:
        """The first of a family: 256 random bits."""
        return _text(os.urandom(32))

    def successor(self, token: str) -> str:
        """The one token that this one is exchanged for."""
        return _text(hmac.digest(self._key, token.encode(), "sha256"))


def token_hash(token: str) -> bytes:
    """What is stored of a token: 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).digest()


def _text(raw: bytes) -> str:
    return _PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")
