"""Between the protos of keys and what they mean here."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from novacron.api.auth.v1 import KeyState as KeyStateMessage
from novacron.api.auth.v1 import ListSigningKeysResponse
from novacron.api.auth.v1 import SecretKey as SecretKeyMessage
from novacron.api.auth.v1 import SigningKey as SigningKeyMessage
from novacron.timestamps import to_timestamp

from .secret_key import SecretKey, SecretKeyState
from .signing_key import KeyState, SigningKey

_STATES = {
    KeyState.STAGED: KeyStateMessage.KEY_STATE_STAGED,
    KeyState.PRIMARY: KeyStateMessage.KEY_STATE_PRIMARY,
    KeyState.SECONDARY: KeyStateMessage.KEY_STATE_SECONDARY,
}

_SECRET_STATES = {
    SecretKeyState.STAGED: KeyStateMessage.KEY_STATE_STAGED,
    SecretKeyState.PRIMARY: KeyStateMessage.KEY_STATE_PRIMARY,
    SecretKeyState.SECONDARY: KeyStateMessage.KEY_STATE_SECONDARY,
    SecretKeyState.REVOKED: KeyStateMessage.KEY_STATE_REVOKED,
}


def asked(id_: str) -> UUID | None:
    return UUID(id_) if id_ else None


def signing_key(key: SigningKey) -> SigningKeyMessage:
    return SigningKeyMessage(
        signing_key_id=key.kid,
        state=_STATES[key.state] if key.revoked_at is None else KeyStateMessage.KEY_STATE_REVOKED,
        created_at=to_timestamp(key.created_at),
        activated_at=to_timestamp(key.activated_at),
        retired_at=to_timestamp(key.retired_at),
        expires_at=to_timestamp(key.revoked_at or key.expires_at),
    )


def ring(keys: list[SigningKey], next_rotation_at: datetime | None) -> ListSigningKeysResponse:
    return ListSigningKeysResponse(
        signing_keys=[signing_key(key) for key in keys], next_rotation_at=to_timestamp(next_rotation_at)
    )


def secret_key(key: SecretKey) -> SecretKeyMessage:
    return SecretKeyMessage(
        secret_key_id=str(key.id),
        tenant_id=str(key.tenant_id) if key.tenant_id else "",
        state=_SECRET_STATES[key.state],
        created_at=to_timestamp(key.created_at),
        sealed_count=key.sealed_count,
    )
