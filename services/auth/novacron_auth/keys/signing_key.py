"""What a signing key is: an Ed25519 pair with an id and a place in the ring (RFC 8037); and when the ring turns. No I/O."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from novacron.ids import new_id
from novacron.sealing import Sealer

# How long a key is published before it signs: every service has asked for the keys meanwhile, with or without Redis.
PUBLISHED = timedelta(seconds=2)
# How long a key verifies after it has signed for the last time: the most that a token may be set to live, and some.
VERIFIES_ON = timedelta(minutes=61)


class KeyState(enum.StrEnum):
    """Staged keys are published before they sign, secondaries after: every token finds its key everywhere."""

    STAGED = "staged"
    PRIMARY = "primary"
    SECONDARY = "secondary"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A pair as it is stored: the private half is an envelope that opens in this row only; ``age`` is the database's word."""

    id: UUID
    state: KeyState
    public_key: bytes
    private_key_sealed: str
    created_at: datetime | None = None
    activated_at: datetime | None = None
    retired_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    age: timedelta = timedelta()

    @classmethod
    def generate(cls, sealer: Sealer, state: KeyState = KeyState.PRIMARY) -> SigningKey:
        """A new pair."""
        private, key_id = Ed25519PrivateKey.generate(), new_id()
        raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cls(key_id, state, public, sealer.seal(raw, *_place(key_id)))

    @property
    def kid(self) -> str:
        return str(self.id)

    def verifier(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.public_key)

    def signer(self, sealer: Sealer) -> Ed25519PrivateKey:
        """:raises DataLoss: the key file cannot open it, or the row was tampered with."""
        return Ed25519PrivateKey.from_private_bytes(sealer.open(self.private_key_sealed, *_place(self.id)))


def _place(key_id: UUID) -> tuple[str, str, UUID]:
    return "signing_keys", "private_key_sealed", key_id


def primary(keys: Sequence[SigningKey]) -> SigningKey | None:
    return next((key for key in keys if key.state is KeyState.PRIMARY and key.revoked_at is None), None)


def staged(keys: Sequence[SigningKey]) -> SigningKey | None:
    return next((key for key in keys if key.state is KeyState.STAGED and key.revoked_at is None), None)


def next_rotation(keys: Sequence[SigningKey], interval: timedelta) -> datetime | None:
    """When the schedule makes the staged key the one that signs; None: never, for the interval is zero."""
    signing = primary(keys)
    if not interval or signing is None or signing.activated_at is None:
        return None
    return signing.activated_at + interval
