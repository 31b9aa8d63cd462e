"""What a signing key is: an Ed25519 pair with an id and a place in the ring (RFC 8037). No I/O."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from novacron.ids import new_id
from novacron.sealing import Sealer


class KeyState(enum.StrEnum):
    """Staged keys are published before they sign, secondaries after: every token finds its key everywhere."""

    STAGED = "staged"
    PRIMARY = "primary"
    SECONDARY = "secondary"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A pair as it is stored: the private half is an envelope that opens in this row only."""

    id: UUID
    state: KeyState
    public_key: bytes
    private_key_sealed: str

    @classmethod
    def generate(cls, sealer: Sealer) -> SigningKey:
        """A new primary."""
        private, key_id = Ed25519PrivateKey.generate(), new_id()
        raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cls(key_id, KeyState.PRIMARY, public, sealer.seal(raw, *_place(key_id)))

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
