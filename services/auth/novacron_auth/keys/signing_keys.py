"""Turning the ring of signing keys: by schedule, by command, and at once when a key has leaked.

Staged, primary, secondary, gone: a key is published before it signs and after, so that no token fails for a planned rotation.
The table's lock puts replicas and administrators in order; every change is told to all services when it is committed.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from novacron import logs
from novacron.background import Background
from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import FailedPrecondition, NotFound
from novacron.rpc.authentication import SIGNING_KEYS
from novacron.sealing import Sealer

from ..audit.entry import Event
from ..audit.log import AuditLog
from ..caller import Caller
from ..configuration.configurations import Configurations
from ..users.account import NO_TENANT
from .keyring import Keyring
from .signing_key import PUBLISHED, VERIFIES_ON, KeyState, SigningKey, next_rotation, primary, staged
from .store import KeyStore

log = logs.logger(__name__)
_EVERY_SECONDS = 30.0
_RETRY_SECONDS = 5.0
_FORGET = timedelta(days=30)


class SigningKeys:
    """The ring's commands, and its schedule as a component beside the server."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        keyring: Keyring,
        configurations: Configurations,
        audit: AuditLog,
        bus: InvalidationBus,
    ) -> None:
        self._database = database
        self._store = KeyStore(database)
        self._sealer = sealer
        self._keyring = keyring
        self._configurations = configurations
        self._audit = audit
        self._bus = bus
        self._background = Background("signing-key-rotation", self._work, retry_seconds=_RETRY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def everything(self) -> tuple[list[SigningKey], datetime | None]:
        """All keys, newest first, and when the next rotation is due."""
        keys = await self._store.all_keys()
        return keys, next_rotation(keys, await self._interval())

    async def rotate(self, caller: Caller, primary_key_id: UUID | None) -> SigningKey:
        """Make the staged key the one that signs, and stage another; the key that signs then.

        Waits until the staged key has been published for long enough. Does nothing when ``primary_key_id`` signs no more.

        :raises NotFound: there is no such key.
        :raises FailedPrecondition: it never signed.
        """
        await self._stage()
        former = primary_key_id or await self._signing()
        while True:
            async with self._database.transaction() as connection:
                keys = await self._store.hold(connection)
                if (signs := _already(keys, former)) is not None:
                    return signs
                following = staged(keys)
                wait = PUBLISHED - following.age if following else timedelta()
                if wait <= timedelta():
                    made = await self._turn(connection, keys)
                    told = {"signing_key_id": made.kid, "emergency": "false"}
                    await self._audit.append(connection, caller.event("signing-key.rotate", caller.tenant_id, told))
                    break
            await asyncio.sleep(wait.total_seconds())
        await self._tell()
        return await self._get(made.id)

    async def replace_all(self, caller: Caller, primary_key_id: UUID | None) -> SigningKey:
        """Make a new key that signs, and take every other out of the ring: what was signed before is refused.

        Repeated with the same ``primary_key_id`` it takes out whatever is left beside the key that signs now.
        """
        former = primary_key_id or await self._signing()
        fresh, following = await asyncio.to_thread(self._pair)
        async with self._database.transaction() as connection:
            keys = await self._store.hold(connection)
            kept = _already(keys, former)
            await self._store.revoke(connection, [key.id for key in keys if kept is None or key.id != kept.id])
            if kept is None:
                await self._store.add(connection, fresh)
            await self._store.add(connection, following)
            made = kept or fresh
            told = {"signing_key_id": made.kid, "emergency": "true"}
            await self._audit.append(connection, caller.event("signing-key.rotate", caller.tenant_id, told))
        await self._tell()
        return await self._get(made.id)

    async def revoke(self, caller: Caller, key_id: UUID) -> SigningKey:
        """Take a key out of the ring; one that is out already stays so.

        :raises NotFound: there is no such key.
        :raises FailedPrecondition: it is the one that signs.
        """
        async with self._database.transaction() as connection:
            key = _named(await self._store.hold(connection), key_id)
            if key.revoked_at is None:
                if key.state is KeyState.PRIMARY:
                    raise FailedPrecondition(
                        f"signing key {key_id} is the one that signs: rotate first, then revoke it"
                    )
                await self._store.revoke(connection, [key_id])
                told = {"signing_key_id": key.kid}
                await self._audit.append(connection, caller.event("signing-key.revoke", caller.tenant_id, told))
        await self._tell()
        return await self._get(key_id)

    async def turn_when_due(self) -> bool:
        """What the schedule asks for now: stage a key, or turn the ring. Whether it turned."""
        await self._stage()
        interval = await self._interval()
        if not interval:
            return False
        async with self._database.transaction() as connection:
            keys = await self._store.hold(connection)
            signing, following = primary(keys), staged(keys)
            if signing is None or following is None or following.age < PUBLISHED or not _outlived(signing, interval):
                return False
            made = await self._turn(connection, keys)
            await self._store.forget(connection, _FORGET)
            told = {"signing_key_id": made.kid, "emergency": "false"}
            await self._audit.append(connection, Event(NO_TENANT, "signing-key.rotate", True, metadata=told))
        await self._tell()
        log.info("signing keys were rotated", kid=made.kid)
        return True

    async def _turn(self, connection: Connection, keys: list[SigningKey]) -> SigningKey:
        signing, following = primary(keys), staged(keys)
        if following is None:
            raise FailedPrecondition("the next signing key was revoked a moment ago: rotate again")
        if signing is not None:
            await self._store.retire(connection, signing.id, VERIFIES_ON)
        await self._store.activate(connection, following.id)
        await self._store.add(connection, SigningKey.generate(self._sealer, KeyState.STAGED))
        return following

    async def _stage(self) -> None:
        keys = await self._store.signing_keys()
        if staged(keys) is None and primary(keys) is not None:
            await self._store.add_signing_key(SigningKey.generate(self._sealer, KeyState.STAGED))
            await self._tell()

    def _pair(self) -> tuple[SigningKey, SigningKey]:
        return SigningKey.generate(self._sealer), SigningKey.generate(self._sealer, KeyState.STAGED)

    async def _get(self, key_id: UUID) -> SigningKey:
        return _named(await self._store.all_keys(), key_id)

    async def _signing(self) -> UUID | None:
        """The key that signs now: of those who ask for a turn at once, all ask for the same one."""
        signing = primary(await self._store.signing_keys())
        return signing.id if signing else None

    async def _interval(self) -> timedelta:
        return (await self._configurations.current()).jwt_config.key_rotation_interval

    async def _tell(self) -> None:
        self._keyring.forget()
        await self._bus.publish(SIGNING_KEYS)

    async def _work(self) -> float:
        await self.turn_when_due()
        return _EVERY_SECONDS


def _named(keys: list[SigningKey], key_id: UUID) -> SigningKey:
    for key in keys:
        if key.id == key_id:
            return key
    raise NotFound.named("signing key", key_id)


def _already(keys: list[SigningKey], former: UUID | None) -> SigningKey | None:
    """The key that signs instead of ``former``; None: the ring has yet to turn."""
    signing = primary(keys)
    if former is None or signing is None or signing.id == former:
        return None
    if _named(keys, former).activated_at is None:
        raise FailedPrecondition(f"signing key {former} never signed: name the primary, or none")
    return signing


def _outlived(key: SigningKey, interval: timedelta) -> bool:
    if key.activated_at is None or key.created_at is None:
        return False
    return key.age - (key.activated_at - key.created_at) >= interval
