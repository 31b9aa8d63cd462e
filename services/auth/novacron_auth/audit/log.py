"""The audit log: written in the transaction of what it tells, and checked link by link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from novacron.db import Connection, Database
from novacron.ids import new_id

from .entry import PRUNE, ChainFault, Checked, Entry, Event, Link, fault_after, fault_at_end, fault_of_anchor
from .store import AuditStore


class AuditLog:
    """One chain per tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = AuditStore(database)

    async def append(self, connection: Connection, event: Event) -> Entry:
        """Write the event as the next link of its tenant's chain, durable when the caller's transaction is.

        The chain's head stays locked until then: append last, so that a tenant's other writers wait a moment only.
        """
        head, now = await self.hold(connection, event.tenant_id)
        entry = Entry(new_id(), head.sequence + 1, event, now, previous_hash=head.hash)
        entry = replace(entry, hash=entry.computed_hash())
        await connection.execute(
            """
            WITH entry AS (
                INSERT INTO auth_audit_log (id, tenant_id, sequence, user_id, action, ip_address, user_agent, success,
                                            error_message, metadata, created_at, previous_hash, hash)
                VALUES (%(id)s, %(tenant_id)s, %(sequence)s, %(user_id)s, %(action)s, %(ip_address)s, %(user_agent)s,
                        %(success)s, %(error_message)s, %(metadata)s, %(created_at)s, %(previous_hash)s, %(hash)s)
            )
            UPDATE auth_audit_heads SET sequence = %(sequence)s, hash = %(hash)s WHERE tenant_id = %(tenant_id)s
            """,
            {
                "id": entry.id,
                "tenant_id": event.tenant_id,
                "sequence": entry.sequence,
                "user_id": event.user_id,
                "action": event.action,
                "ip_address": event.origin.ip_address,
                "user_agent": event.origin.user_agent,
                "success": event.success,
                "error_message": event.error_message,
                "metadata": Jsonb(dict(event.metadata)),
                "created_at": entry.created_at,
                "previous_hash": entry.previous_hash,
                "hash": entry.hash,
            },
        )
        return entry

    async def verify(self, tenant_id: UUID) -> ChainFault | None:
        """The first fault of a tenant's chain; None: it is whole."""
        return (await self.check(tenant_id)).fault

    async def check(self, tenant_id: UUID) -> Checked:
        """Look at a tenant's chain link by link. Reads one snapshot, so writers do not disturb it."""
        async with self._database.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            anchor = await self._store.anchor(connection, tenant_id)
            first = last = anchor.link if anchor else Link()
            told: Mapping[str, str] | None = None
            async for entry in self._store.chain(connection, tenant_id, first.sequence):
                if problem := fault_after(last, entry):
                    fault = ChainFault(tenant_id, entry.sequence, problem)
                    return Checked(entry.sequence - first.sequence, fault, last)
                last, told = entry.link, entry.event.metadata if entry.event.action == PRUNE else told
            head = await self._store.head(connection, tenant_id)
        if problem := fault_at_end(last, head):
            return Checked(last.sequence - first.sequence, ChainFault(tenant_id, last.sequence + 1, problem), head)
        if problem := fault_of_anchor(anchor, told):
            return Checked(last.sequence - first.sequence, ChainFault(tenant_id, first.sequence + 1, problem), head)
        return Checked(last.sequence - first.sequence, None, head)

    async def tenants(self) -> list[UUID]:
        """Every tenant that has a chain, or a piece of one left."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                "SELECT tenant_id FROM auth_audit_heads UNION SELECT tenant_id FROM auth_audit_log ORDER BY tenant_id"
            )
            return [row[0] for row in await found.fetchall()]

    async def hold(self, connection: Connection, tenant_id: UUID) -> tuple[Link, datetime]:
        """The chain's head, locked to the end of the transaction, and the time at which it was."""
        for _ in range(2):
            # Not now(): that is when the transaction began, and entries of two transactions would swap their times.
            found = await connection.execute(
                "SELECT sequence, hash, clock_timestamp() FROM auth_audit_heads WHERE tenant_id = %s FOR UPDATE",
                (tenant_id,),
            )
            row = await found.fetchone()
            if row is not None:
                return Link(row[0], bytes(row[1])), row[2]
            await connection.execute(
                "INSERT INTO auth_audit_heads (tenant_id, sequence, hash) VALUES (%s, 0, %s) ON CONFLICT DO NOTHING",
                (tenant_id, Link().hash),
            )
        raise AssertionError("heads are never deleted: the second look finds what the first one made")
