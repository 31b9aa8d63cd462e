"""The ring of signing keys, as this replica last read it.

It is read again twice a second while it is used, so that a rotation or a revocation by any replica reaches all of them.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from novacron import logs
from novacron.clock import Clock, SystemClock
from novacron.errors import Internal
from novacron.sealing import Sealer

from .signing_key import KeyState, SigningKey
from .store import KeyStore

log = logs.logger(__name__)
# A key that was revoked elsewhere verifies here for no longer than this. One that nobody knows is not asked for any sooner:
# most such tokens are forged, and a key is published for longer before it signs.
_FRESH_SECONDS = 0.5


class Keyring:
    """Signs with the primary key, verifies with all."""

    def __init__(self, store: KeyStore, sealer: Sealer, clock: Clock | None = None) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock or SystemClock()
        self._keys: dict[str, SigningKey] = {}
        self._verifiers: dict[str, Ed25519PublicKey] = {}
        self._signers: dict[UUID, Ed25519PrivateKey] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def ensure_primary(self) -> None:
        """Make the first key where there is none; of replicas that try at once, one succeeds and all use its key.

        :raises DataLoss: there is a key, and the key file does not open it. Better found at the start than by the first login.
        """
        if not any(key.state is KeyState.PRIMARY for key in await self._store.signing_keys()):
            key = await asyncio.to_thread(SigningKey.generate, self._sealer)
            await self._store.add_signing_key(key)
        kid, _ = await self.signer()
        log.info("signing keys are ready", kid=kid)

    async def signer(self) -> tuple[str, Ed25519PrivateKey]:
        """The primary's key id and private key."""
        await self._refresh(_FRESH_SECONDS)
        primary = next((key for key in self._keys.values() if key.state is KeyState.PRIMARY), None)
        if primary is None:
            raise Internal("there is no signing key: restart the auth service to make one")
        signer = self._signers.get(primary.id)
        if signer is None:
            signer = self._signers[primary.id] = primary.signer(self._sealer)
        return primary.kid, signer

    async def verifier(self, kid: str) -> Ed25519PublicKey | None:
        """The public key of a token's ``kid``; None: no key of ours."""
        await self._refresh(_FRESH_SECONDS)
        return self._verifiers.get(kid)

    async def published(self) -> list[SigningKey]:
        """Every key that a token may be signed with, the newest first, by no answer that is older than the question.

        Who asks has just been told that something changed, and keeps the answer.
        """
        await self._refresh(0.0)
        return list(self._keys.values())

    def forget(self) -> None:
        """The ring was changed here: the next who asks reads it."""
        self._read_at = float("-inf")

    async def _refresh(self, seconds: float) -> None:
        wanted = self._clock.monotonic() - seconds
        if self._read_at > wanted:
            return
        async with self._reading:
            # Whoever waited here shares a reading that began after they came, however many they are.
            if self._read_at > wanted:
                return
            began = self._clock.monotonic()
            keys = await self._store.signing_keys()
            self._keys = {key.kid: key for key in keys}
            self._verifiers = {key.kid: key.verifier() for key in keys}
            self._signers = {id_: signer for id_, signer in self._signers.items() if str(id_) in self._keys}
            self._read_at = began
