"""Data keys: what seals secrets at rest, itself sealed under the key file. No I/O.

Three layers: ``NOVACRON_KEY_FILE`` opens data keys, a data key opens secrets, and an envelope names the key that opens it.
A tenant may have a ring of data keys of its own; the platform's serves everybody else.
"""

from __future__ import annotations

import base64
import enum
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from novacron.errors import DataLoss
from novacron.ids import new_id
from novacron.sealing import KeyRing, Sealer

_VERSION = "v2"
_KEY_BYTES, _NONCE_BYTES = 32, 12


class SecretKeyState(enum.StrEnum):
    """Every replica knows a staged key before one seals with it; a secondary opens what is not sealed anew yet."""

    STAGED = "staged"
    PRIMARY = "primary"
    SECONDARY = "secondary"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A data key as it is stored. ``tenant_id`` None: the platform's."""

    id: UUID
    tenant_id: UUID | None
    state: SecretKeyState
    key_sealed: str = field(repr=False)
    created_at: datetime | None = None
    age: timedelta = timedelta()
    sealed_count: int = 0

    @classmethod
    def generate(cls, file: Sealer, tenant_id: UUID | None, state: SecretKeyState) -> SecretKey:
        key_id = new_id()
        return cls(key_id, tenant_id, state, file.seal(os.urandom(_KEY_BYTES), *_place(key_id)))

    def opened(self, file: Sealer) -> bytes:
        """:raises DataLoss: the key file does not open it."""
        return file.open(self.key_sealed, *_place(self.id))

    def sealed_anew(self, file: Sealer) -> SecretKey:
        """The same key under the key file's present key."""
        return replace(self, key_sealed=file.seal(self.opened(file), *_place(self.id)))


class SecretSealer(Sealer):
    """Seals under data keys, and opens what any of them, or the key file alone, ever sealed.

    Without a data key (before the first was made) it seals as :class:`Sealer` does, and that is sealed anew later.
    """

    def __init__(self, ring: KeyRing) -> None:
        super().__init__(ring)
        self.file = Sealer(ring)
        self._data: dict[str, AESGCM] = {}
        self._seals_for: dict[UUID | None, str] = {}

    def use(self, keys: Iterable[SecretKey]) -> None:
        """From now on these keys, and no others. :raises DataLoss: the key file does not open one; nothing has changed."""
        kept = [key for key in keys if key.state is not SecretKeyState.REVOKED]
        data = {str(key.id): self._data.get(str(key.id)) or AESGCM(key.opened(self.file)) for key in kept}
        self._data = data
        self._seals_for = {key.tenant_id: str(key.id) for key in kept if key.state is SecretKeyState.PRIMARY}

    def seal(self, plaintext: bytes, *aad: object, tenant_id: UUID | None = None) -> str:
        name = self.sealing_key(tenant_id)
        if name is None:
            return super().seal(plaintext, *aad)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._data[name].encrypt(nonce, plaintext, _bound(name, aad))
        return f"{_VERSION}.{name}.{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def open(self, envelope: str, *aad: object) -> bytes:
        version, _, rest = envelope.partition(".")
        if version != _VERSION:
            return super().open(envelope, *aad)
        name, _, text = rest.partition(".")
        cipher = self._data.get(name)
        if cipher is None:
            raise DataLoss(f"a value is sealed under the secret key {name}, which is not in the ring: it was removed")
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(name, aad))
        except (InvalidTag, ValueError) as error:
            raise DataLoss(
                "a sealed value was changed, or belongs to another row: restore the row from a backup"
            ) from error

    def current(self, envelope: str, tenant_id: UUID | None = None) -> bool:
        name = self.sealing_key(tenant_id)
        return super().current(envelope) if name is None else envelope.startswith(f"{_VERSION}.{name}.")

    def sealing_key(self, tenant_id: UUID | None) -> str | None:
        """The id of the key that seals for this tenant: its own ring's, or else the platform's."""
        return self._seals_for.get(tenant_id) or self._seals_for.get(None)


def primary_of(keys: Sequence[SecretKey], tenant_id: UUID | None) -> SecretKey | None:
    return _first(keys, tenant_id, SecretKeyState.PRIMARY)


def staged_of(keys: Sequence[SecretKey], tenant_id: UUID | None) -> SecretKey | None:
    return _first(keys, tenant_id, SecretKeyState.STAGED)


def _first(keys: Sequence[SecretKey], tenant_id: UUID | None, state: SecretKeyState) -> SecretKey | None:
    return next((key for key in keys if key.tenant_id == tenant_id and key.state is state), None)


def _place(key_id: UUID) -> tuple[str, str, UUID]:
    return "secret_keys", "key_sealed", key_id


def _bound(name: str, aad: Sequence[object]) -> bytes:
    return json.dumps([_VERSION, name, *(str(part) for part in aad)]).encode()
