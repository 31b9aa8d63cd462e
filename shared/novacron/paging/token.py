"""Page tokens that grant nothing and cannot be forged: the last row's key, bound to the query and the tenant, sealed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import InvalidArgument

_DEFAULT, _MOST = 50, 1000


def page_size(asked: int) -> int:
    """How many rows to return: what was asked for, or 50; never above 1000."""
    return min(asked, _MOST) if asked > 0 else _DEFAULT


class PageTokens:
    """Seals and opens page tokens with one key per service; a restart may change the key, then tokens end."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"novacron page token" + key).digest())

    def seal(self, position: Sequence[Any], *bound_to: object) -> str:
        """A token for "after this row"; ``bound_to`` is all that decides the list: filter, tenant, order."""
        nonce = os.urandom(12)
        text = json.dumps(list(position), default=str).encode()
        return (
            base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text, _bound(bound_to))).decode().rstrip("=")
        )

    def open(self, token: str, *bound_to: object, field: str = "page_token") -> list[Any] | None:
        """The row's key; None for an empty token. ``field`` is where it stood in the request.

        :raises InvalidArgument: forged, or of another query.
        """
        if not token:
            return None
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            position: list[Any] = json.loads(self._cipher.decrypt(raw[:12], raw[12:], _bound(bound_to)))
        except (InvalidTag, ValueError) as error:
            raise InvalidArgument.at(
                field, "not a token of this list: send the same filter and order as for the page before"
            ) from error
        return position


def _bound(parts: Sequence[object]) -> bytes:
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).digest()
