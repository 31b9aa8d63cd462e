"""Secrets at rest: sealed to the one place where they belong, under a key that can be replaced.

An envelope is text, ``v1.<key id>.<nonce and AES-256-GCM ciphertext, base64url>``. What names its place (table, column, row id)
is authenticated with it: an envelope that was copied to another row does not open there.

The key file (``NOVACRON_KEY_FILE``) holds one key a line, 32 bytes in base64 each. The first seals; the others only open. To
rotate: append the new key, restart every replica, move it to the top, restart, seal all rows anew, remove the old line.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import DataLoss
from .settings import SettingsError

_VERSION = "v1"
_KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """The keys of one service, the sealing one first. It never shows them."""

    keys: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not self.keys or any(len(key) != _KEY_BYTES for key in self.keys):
            raise SettingsError(f"a key ring needs at least one key, of {_KEY_BYTES} bytes each")

    @classmethod
    def read(cls, path: Path) -> KeyRing:
        """:raises SettingsError: the file cannot be read, or a line of it is no key; no message quotes what it holds."""
        try:
            lines = path.read_text(encoding="ascii").split()
        except OSError as error:
            raise SettingsError(f"NOVACRON_KEY_FILE: cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"NOVACRON_KEY_FILE: {path} is not text") from None
        return cls(tuple(_key(line, number, path) for number, line in enumerate(lines, 1)) or _no_keys(path))

    @property
    def primary(self) -> bytes:
        """The key that seals; page tokens are made with it too."""
        return self.keys[0]

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(key_id(key) for key in self.keys)})"


def key_id(key: bytes) -> str:
    """A name for a key that tells nothing of it."""
    return hashlib.sha256(b"novacron key id" + key).hexdigest()[:12]


class Sealer:
    """Seals small secrets and opens them again."""

    def __init__(self, ring: KeyRing) -> None:
        # The file's keys serve other purposes too (page tokens): each purpose works with a key of its own.
        self._ciphers = {
            key_id(key): AESGCM(HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"novacron sealing").derive(key))
            for key in ring.keys
        }
        self._primary = key_id(ring.primary)

    def seal(self, plaintext: bytes, *aad: object) -> str:
        """An envelope that opens with the same ``aad`` only: by convention table, column, row id."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._primary].encrypt(nonce, plaintext, _bound(self._primary, aad))
        return f"{_VERSION}.{self._primary}.{base64.urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"

    def open(self, envelope: str, *aad: object) -> bytes:
        """What was sealed. :raises DataLoss: sealed under a key that is not here, changed, or of another place."""
        version, _, rest = envelope.partition(".")
        name, _, text = rest.partition(".")
        if version != _VERSION or not text:
            raise DataLoss("a sealed value is not an envelope of this release: restore the row from a backup")
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise DataLoss(f"a value is sealed under the key {name}, which NOVACRON_KEY_FILE lacks: put that key back")
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(name, aad))
        except (InvalidTag, ValueError) as error:
            raise DataLoss(
                "a sealed value was changed, or belongs to another row: restore the row from a backup"
            ) from error

    def current(self, envelope: str) -> bool:
        """Whether the primary key sealed this; if not, seal it anew before the old key goes."""
        return envelope.startswith(f"{_VERSION}.{self._primary}.")


def _key(line: str, number: int, path: Path) -> bytes:
    try:
        key = base64.b64decode(line, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise SettingsError(
            f"NOVACRON_KEY_FILE: line {number} of {path} is not {_KEY_BYTES} bytes in base64;"
            f" `head -c {_KEY_BYTES} /dev/urandom | base64` makes a key"
        )
    return key


def _no_keys(path: Path) -> tuple[bytes, ...]:
    raise SettingsError(f"NOVACRON_KEY_FILE: {path} is empty; `head -c {_KEY_BYTES} /dev/urandom | base64` makes a key")


def _bound(name: str, aad: Sequence[object]) -> bytes:
    # JSON keeps ("ab", "c") and ("a", "bc") apart.
    return json.dumps([_VERSION, name, *(str(part) for part in aad)]).encode()
