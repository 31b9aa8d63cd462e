"""Turning the rings of data keys, and sealing everything anew under them while the service runs.

A replica reads the rings every second; a new key waits as long as three such readings before it seals, so that every replica
can open what any of them sealed. Sealing anew goes row by row in batches, and replaces an envelope only where nobody else has:
it may be interrupted anywhere, run in any number of replicas, and meet any writer.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from novacron import logs
from novacron.background import Background
from novacron.db import Database
from novacron.errors import DataLoss, FailedPrecondition, NotFound
from novacron.tenancy import every_tenant

from ..audit.log import AuditLog
from ..caller import Caller
from ..tenants.store import TenantStore
from .secret_key import SecretKey, SecretKeyState, SecretSealer, primary_of, staged_of
from .secret_store import SEALED, SealedColumn, SecretStore

log = logs.logger(__name__)
_READ_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_PUBLISHED = timedelta(seconds=3 * _READ_SECONDS)
_REWRAP_EVERY = 60
_BATCH = 200


class SecretKeys:
    """The rings' commands, and a component beside the server that reads them and seals anew."""

    def __init__(self, database: Database, sealer: SecretSealer, tenants: TenantStore, audit: AuditLog) -> None:
        self._database = database
        self._store = SecretStore(database)
        self._sealer = sealer
        self._tenants = tenants
        self._audit = audit
        self._turns = 0
        self._background = Background("secret-keys", self._work, retry_seconds=_RETRY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def ensure(self) -> None:
        """Know the rings, and make the platform's first key where there is none; of replicas at once one does.

        :raises DataLoss: the key file does not open a key.
        """
        async with self._database.transaction() as connection:
            if primary_of(await self._store.hold(connection), None) is None:
                await self._store.add(connection, SecretKey.generate(self._sealer.file, None, SecretKeyState.PRIMARY))
        await self.read()

    async def read(self) -> None:
        """Use the rings as they are now: all of them, whoever's request it is that turned one."""
        with every_tenant():
            self._sealer.use(await self._store.keys())

    async def everything(self, caller: Caller, tenant_id: UUID | None) -> list[SecretKey]:
        """All keys that the caller sees, newest first, or a tenant's, with how much each still seals."""
        if caller.sees is not None:
            tenant_id = caller.tenant(tenant_id)
        counted = await self._store.counted()
        keys = [key for key in await self._store.keys() if tenant_id is None or key.tenant_id == tenant_id]
        return [replace(key, sealed_count=counted.get(str(key.id), 0)) for key in keys]

    async def rotate(self, caller: Caller, tenant_id: UUID | None, primary_key_id: UUID | None) -> SecretKey:
        """Make a new key that seals for the tenant, or the platform; the first of a tenant gives it a ring of its own.

        Waits until every replica knows the key. Does nothing when ``primary_key_id`` seals no more.

        :raises NotFound: there is no such tenant that the caller sees, or no such key in its ring.
        """
        if caller.sees is not None:
            tenant_id = caller.tenant(tenant_id)
        if tenant_id is not None and await self._tenants.get(tenant_id, caller.sees) is None:
            raise NotFound.named("tenant", tenant_id)
        if primary_key_id is None:
            # Of those who ask for a turn at once, all ask for the same one.
            seals = primary_of(await self._store.keys(), tenant_id)
            primary_key_id = seals.id if seals else None
        while True:
            async with self._database.transaction() as connection:
                keys = await self._store.hold(connection)
                former = primary_of(keys, tenant_id)
                if primary_key_id is not None and (former is None or former.id != primary_key_id):
                    return await self._counted(caller, _retired(keys, tenant_id, primary_key_id, former))
                following = staged_of(keys, tenant_id)
                if following is None:
                    following = SecretKey.generate(self._sealer.file, tenant_id, SecretKeyState.STAGED)
                    await self._store.add(connection, following)
                if (wait := _PUBLISHED - following.age) <= timedelta():
                    await self._store.turn(connection, former.id if former else None, following.id)
                    told = {"secret_key_id": str(following.id), "tenant_id": str(tenant_id or "")}
                    await self._audit.append(connection, caller.event("secret-key.rotate", caller.tenant_id, told))
                    break
            await asyncio.sleep(wait.total_seconds())
        await self.read()
        self._turns = 0
        return await self._counted(caller, following)

    async def seal_anew(self) -> int:
        """Seal everything that another key than the present one sealed; how many secrets those were."""
        for key in await self._store.keys():
            if not self._sealer.file.current(key.key_sealed):
                await self._store.replace_sealed(key, key.sealed_anew(self._sealer.file))
        return sum([await self._column(one) for one in SEALED])

    async def _counted(self, caller: Caller, key: SecretKey) -> SecretKey:
        return next(one for one in await self.everything(caller, key.tenant_id) if one.id == key.id)

    async def _column(self, of: SealedColumn) -> int:
        after, number = UUID(int=0), 0
        while batch := await self._store.envelopes(of, after, _BATCH):
            changes = []
            for row_id, tenant_id, envelope in batch:
                if self._sealer.current(envelope, tenant_id):
                    continue
                place = (of.table, of.column, row_id)
                try:
                    secret = self._sealer.open(envelope, *place)
                except DataLoss as error:
                    log.error("a secret cannot be sealed anew", table=of.table, row=str(row_id), error=str(error))
                    continue
                changes.append((row_id, envelope, self._sealer.seal(secret, *place, tenant_id=tenant_id)))
            number += await self._store.replace(of, changes) if changes else 0
            after = batch[-1][0]
        return number

    async def _work(self) -> float:
        await self.read()
        # Also now and then when nothing has turned: a replica that did not know the new key yet may have sealed under the old.
        if self._turns % _REWRAP_EVERY == 0 and (number := await self.seal_anew()):
            log.info("secrets were sealed anew", secrets=number)
        self._turns += 1
        return _READ_SECONDS


def _retired(keys: list[SecretKey], tenant_id: UUID | None, key_id: UUID, present: SecretKey | None) -> SecretKey:
    """The key that seals instead of one that did."""
    named = next((key for key in keys if key.id == key_id and key.tenant_id == tenant_id), None)
    if named is None:
        raise NotFound.named("secret key", key_id)
    if present is None or named.state is SecretKeyState.STAGED:
        raise FailedPrecondition(f"secret key {key_id} never sealed: name the primary, or none")
    return present
