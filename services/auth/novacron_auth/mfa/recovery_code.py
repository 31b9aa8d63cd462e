"""Recovery codes: for paper, each good once in place of the app. No I/O."""

from __future__ import annotations

import base64
import hmac
import secrets
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from novacron.sealing import KeyRing

_CODE_BYTES = 10
_GROUP = 4


def new_code() -> str:
    """80 random bits in letters and digits that nobody mistakes: ``mzxw-6ytb-oi2d-4nzt``."""
    text = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


class Hashing:
    """Keyed hashes, bound to the user: who reads the database alone can neither use a code nor try guesses.

    The ring's first key makes hashes; those made by the others are still found.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._keys = tuple(
            HKDF(SHA256(), 32, salt=None, info=b"novacron recovery codes").derive(one) for one in ring.keys
        )

    def stored(self, user_id: UUID, code: str) -> bytes:
        """What is kept of a code."""
        return self.possible(user_id, code)[0]

    def possible(self, user_id: UUID, code: str) -> list[bytes]:
        """Every hash under which this code may be stored; case, spaces and dashes do not count."""
        letters = "".join(character for character in code.lower() if character.isalnum())
        return [hmac.digest(key, user_id.bytes + letters.encode(), "sha256") for key in self._keys]
