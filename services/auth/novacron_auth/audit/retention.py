"""Removes what outlived its retention, so that what is left still verifies.

A chain's beginning goes in two steps: the anchor and the entry that tells of it, in one transaction; then the entries before
it, in batches. Who is killed between them leaves entries that are as good as removed; the next turn removes them. A beginning
that does not verify is left where it is: it is evidence.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from novacron import logs
from novacron.background import Background
from novacron.db import Connection, Database

from ..configuration.configurations import Configurations
from .entry import Anchor, Link, fault_after
from .log import AuditLog
from .store import AuditStore

log = logs.logger(__name__)
_EVERY_SECONDS = 3600.0
_RETRY_SECONDS = 60.0
_BATCH = 5000
# Each pruning is an entry itself: at most one a day.
_SLACK = timedelta(days=1)


class Retention:
    """Works beside the server; any number of replicas may, the chain's head puts them in order."""

    def __init__(self, database: Database, audit: AuditLog, configurations: Configurations) -> None:
        self._database = database
        self._store = AuditStore(database)
        self._audit = audit
        self._configurations = configurations
        self._background = Background("audit-retention", self._work, retry_seconds=_RETRY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def sweep(self) -> int:
        """Remove what is due, of every tenant; how many entries that were."""
        retention = (await self._configurations.current()).audit_config.retention
        for tenant_id in await self._store.tenants_with_older(retention + _SLACK):
            await self._anchor(tenant_id, retention)
        removed = 0
        for tenant_id in await self._store.tenants_to_remove_from():
            while batch := await self._store.remove_anchored(tenant_id, _BATCH):
                removed += batch
        return removed

    async def _anchor(self, tenant_id: UUID, retention: timedelta) -> None:
        async with self._database.transaction() as connection:
            await self._audit.hold(connection, tenant_id)
            former = await self._store.anchor(connection, tenant_id)
            anchor = await self._store.outlived(connection, tenant_id, retention)
            first = former.link if former else Link()
            if anchor is None or anchor.link.sequence <= first.sequence:
                return
            if problem := await self._fault_up_to(connection, tenant_id, first, anchor):
                log.error(
                    "an audit chain is broken: nothing of it is removed", tenant_id=str(tenant_id), problem=problem
                )
                return
            await self._store.set_anchor(connection, tenant_id, anchor)
            await self._audit.append(connection, anchor.event(tenant_id))

    async def _fault_up_to(self, connection: Connection, tenant_id: UUID, first: Link, anchor: Anchor) -> str | None:
        last = first
        async for entry in self._store.chain(connection, tenant_id, first.sequence):
            if problem := fault_after(last, entry):
                return f"entry {entry.sequence}: {problem}"
            last = entry.link
            if last.sequence == anchor.link.sequence:
                return None if last == anchor.link else "it changed meanwhile"
        return "its end is missing"

    async def _work(self) -> float:
        if removed := await self.sweep():
            log.info("old audit entries removed", entries=removed)
        return _EVERY_SECONDS
