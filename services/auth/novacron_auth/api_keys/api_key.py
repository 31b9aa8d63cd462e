"""What an API key is, how its secret is made, and when it still works. No I/O."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from novacron.rpc.api_keys import ApiKeyGrant
from novacron.sealing import KeyRing

_SECRET_BYTES = 32
_NAME_BYTES = 5


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret. ``permissions`` None: all that its user may; no ``scopes``: every service."""

    api_key_id: UUID
    name: str
    prefix: str
    user_id: UUID
    tenant_id: UUID
    permissions: frozenset[str] | None
    scopes: tuple[str, ...]
    rate_limit_per_minute: int
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
    revoked_at: datetime | None
    # When its present secret was first used: until then a caller may have lost it on the way.
    secret_used_at: datetime | None
    rotated: bool  # an earlier secret is kept


@dataclass(frozen=True, slots=True)
class Match:
    """A key that was shown, and works: by its present secret, or by the one before, which ends at ``secret_expires_at``."""

    key: ApiKey
    username: str
    by_present_secret: bool
    secret_expires_at: datetime | None

    @property
    def grant(self) -> ApiKeyGrant:
        """As every server's door sees it: the key ends for who shows the earlier secret when that does."""
        key = self.key
        ends = [at for at in (key.expires_at, self.secret_expires_at) if at is not None]
        return ApiKeyGrant(
            key.api_key_id,
            key.user_id,
            key.tenant_id,
            self.username,
            key.permissions,
            frozenset(key.scopes),
            key.rate_limit_per_minute,
            min(ends, default=None),
        )


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key to be. ``ttl`` None: for ever."""

    api_key_id: UUID
    user_id: UUID
    name: str
    permissions: frozenset[str] | None
    scopes: tuple[str, ...]
    rate_limit_per_minute: int
    ttl: timedelta | None

    def same_as(self, key: ApiKey) -> bool:
        """Whether ``key`` is what this was made into. When it ends was counted from another moment, and does not tell."""
        mine = (self.api_key_id, self.user_id, self.name, self.permissions, self.scopes, self.rate_limit_per_minute)
        theirs = (key.api_key_id, key.user_id, key.name, key.permissions, key.scopes, key.rate_limit_per_minute)
        return mine == theirs


@dataclass(frozen=True, slots=True)
class Secret:
    """A key's text, shown once, and what is kept of it."""

    prefix: str
    text: str = field(repr=False)
    key_hash: bytes = field(repr=False)


class Hashing:
    """Keyed hashes of keys: who reads the database alone can neither use a key nor try guesses.

    A key of 256 random bits needs no slow hash. The ring's first key makes hashes; those made by the others are still found.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._keys = tuple(HKDF(SHA256(), 32, salt=None, info=b"novacron api keys").derive(one) for one in ring.keys)

    def new(self, prefix: str = "") -> Secret:
        """A secret that nobody has seen, behind this prefix or one of its own."""
        prefix = prefix or f"nvk_{base64.b32encode(secrets.token_bytes(_NAME_BYTES)).decode().lower()}"
        text = f"{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        return Secret(prefix, text, self.possible(text)[0])

    def possible(self, text: str) -> list[bytes]:
        """Every hash under which this key may be stored."""
        return [hmac.digest(key, text.encode(), "sha256") for key in self._keys]
