"""The audit log: written in the transaction of what it tells, and checked link by link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from novacron.db import Connection, Database
from novacron.ids import new_id

from ..sessions.origin import Origin
from .entry import ChainFault, Entry, Event, Link, fault_after, fault_at_end


class AuditLog:
    """One chain per tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, connection: Connection, event: Event) -> Entry:
        """Write the event as the next link of its tenant's chain, durable when the caller's transaction is.

        The chain's head stays locked until then: append last, so that a tenant's other writers wait a moment only.
        """
        head, now = await self._locked_head(connection, event.tenant_id)
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
        """The first fault of a tenant's chain; None: it is whole. Reads one snapshot, so writers do not disturb it."""
        last = Link()
        async with self._database.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            async for entry in self._entries(connection, tenant_id):
                if problem := fault_after(last, entry):
                    return ChainFault(tenant_id, entry.sequence, problem)
                last = entry.link
            found = await connection.execute(
                "SELECT sequence, hash FROM auth_audit_heads WHERE tenant_id = %s", (tenant_id,)
            )
            row = await found.fetchone()
        problem = fault_at_end(last, Link(row[0], bytes(row[1])) if row else Link())
        return ChainFault(tenant_id, last.sequence + 1, problem) if problem else None

    async def tenants(self) -> list[UUID]:
        """Every tenant that has a chain, or a piece of one left."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                "SELECT tenant_id FROM auth_audit_heads UNION SELECT tenant_id FROM auth_audit_log ORDER BY tenant_id"
            )
            return [row[0] for row in await found.fetchall()]

    async def _locked_head(self, connection: Connection, tenant_id: UUID) -> tuple[Link, datetime]:
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

    async def _entries(self, connection: Connection, tenant_id: UUID) -> AsyncIterator[Entry]:
        async with connection.cursor(name="audit_chain") as cursor:
            await cursor.execute(
                """
                SELECT id, sequence, user_id, action, ip_address, user_agent, success, error_message, metadata,
                       created_at, previous_hash, hash
                  FROM auth_audit_log WHERE tenant_id = %s ORDER BY sequence
                """,
                (tenant_id,),
            )
            async for row in cursor:
                (id_, sequence, user_id, action, address, agent, success, error, metadata, at, previous, hash_) = row
                event = Event(tenant_id, action, success, user_id, error, Origin(address, agent), metadata)
                yield Entry(id_, sequence, event, at, bytes(previous), bytes(hash_))
