"""The table of audit entries, read: SQL in, dataclasses out. A chain's place is its key, so pages never skip or repeat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from novacron.db import Connection, Database

from ..sessions.origin import Origin
from .entry import Anchor, Entry, Event, Link
from .query import Condition

# A time that Python has no datetime for was never written by us: as another one it fails the check, and does not end it.
_COLUMNS = """id, tenant_id, sequence, user_id, action, ip_address, user_agent, success, error_message, metadata,
    greatest('0100-01-01', least(created_at, '9000-01-01')), previous_hash, hash"""
# Where each field stands, typed: its index is of use, and a time is compared as a time.
_TYPED = {
    "user_id": ("user_id", "uuid"),
    "action": ("action", "text"),
    "success": ("success", "boolean"),
    "ip_address": ("ip_address", "inet"),
    "created_at": ("created_at", "timestamptz"),
    "metadata": ("metadata ->> %s::text", "text"),
}


def _entry(row: Sequence[Any]) -> Entry:
    id_, tenant_id, sequence, user_id, action, address, agent, success, error, metadata, at, previous, hash_ = row
    # Nor was metadata of another kind.
    told = metadata if isinstance(metadata, dict) else {"": metadata}
    event = Event(tenant_id, action, success, user_id, error, Origin(address, agent), told)
    return Entry(id_, sequence, event, at, bytes(previous), bytes(hash_))


def _where(conditions: Sequence[Condition]) -> tuple[str, list[object]]:
    """As SQL, every word of it ours, and the values for its placeholders."""
    text, values = "", []
    for one in conditions:
        column, type_ = _TYPED[one.field]
        text += f" AND ({column}) {one.operator} %s::{type_}"
        values += [one.key, one.value] if one.key else [one.value]
    return text, values


class AuditStore:
    """Chains as they are stored. Methods that take a connection are part of their caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, tenant_id: UUID, conditions: Sequence[Condition], before: int | None, number: int
    ) -> list[Entry]:
        """Up to ``number`` entries, newest first, from before this place."""
        return await self._page(tenant_id, conditions, "<", before, "DESC", number)

    async def oldest(self, tenant_id: UUID, conditions: Sequence[Condition], after: int, number: int) -> list[Entry]:
        """Up to ``number`` entries, oldest first, from after this place."""
        return await self._page(tenant_id, conditions, ">", after, "ASC", number)

    async def head(self, connection: Connection, tenant_id: UUID) -> Link:
        """The last link that was written."""
        found = await connection.execute(
            "SELECT sequence, hash FROM auth_audit_heads WHERE tenant_id = %s", (tenant_id,)
        )
        row = await found.fetchone()
        return Link(row[0], bytes(row[1])) if row else Link()

    async def anchor(self, connection: Connection, tenant_id: UUID) -> Anchor | None:
        """Where the chain begins now; None: at its beginning."""
        found = await connection.execute(
            """
            SELECT sequence, hash, greatest('0100-01-01', least(removed_before, '9000-01-01'))
              FROM auth_audit_anchors WHERE tenant_id = %s
            """,
            (tenant_id,),
        )
        row = await found.fetchone()
        return Anchor(Link(row[0], bytes(row[1])), row[2]) if row else None

    async def chain(self, connection: Connection, tenant_id: UUID, after: int = 0) -> AsyncIterator[Entry]:
        """Every entry after this place, in order."""
        async with connection.cursor(name="audit_chain") as cursor:
            await cursor.execute(
                f"SELECT {_COLUMNS} FROM auth_audit_log WHERE tenant_id = %s AND sequence > %s ORDER BY sequence".encode(),  # noqa: S608 - words of ours
                (tenant_id, after),
            )
            async for row in cursor:
                yield _entry(row)

    async def outlived(self, connection: Connection, tenant_id: UUID, retention: timedelta) -> Anchor | None:
        """The newest entry that has outlived the retention, as an anchor; None: there is none."""
        found = await connection.execute(
            """
            SELECT e.sequence, e.hash, cut.at
              FROM (SELECT clock_timestamp() - %(retention)s::interval) AS cut (at),
                   LATERAL (SELECT sequence, hash FROM auth_audit_log
                             WHERE tenant_id = %(tenant_id)s AND created_at < cut.at
                             ORDER BY created_at DESC, sequence DESC LIMIT 1) AS e
            """,
            {"tenant_id": tenant_id, "retention": retention},
        )
        row = await found.fetchone()
        return Anchor(Link(row[0], bytes(row[1])), row[2]) if row else None

    async def tenants_with_older(self, age: timedelta) -> list[UUID]:
        """Every tenant that has an entry of this age."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                """
                SELECT tenant_id FROM auth_audit_heads h
                 WHERE EXISTS (SELECT FROM auth_audit_log e
                                WHERE e.tenant_id = h.tenant_id AND e.created_at < clock_timestamp() - %s::interval)
                 ORDER BY tenant_id
                """,
                (age,),
            )
            return [row[0] for row in await found.fetchall()]

    async def set_anchor(self, connection: Connection, tenant_id: UUID, anchor: Anchor) -> None:
        """From here on the entries up to the anchor may be removed."""
        await connection.execute(
            """
            INSERT INTO auth_audit_anchors (tenant_id, sequence, hash, removed_before) VALUES (%s, %s, %s, %s)
            ON CONFLICT (tenant_id) DO UPDATE SET sequence = EXCLUDED.sequence, hash = EXCLUDED.hash,
                                                  removed_before = EXCLUDED.removed_before
            """,
            (tenant_id, anchor.link.sequence, anchor.link.hash, anchor.removed_before),
        )

    async def remove_anchored(self, tenant_id: UUID, number: int) -> int:
        """Remove up to ``number`` entries that the anchor stands after; how many there were."""
        async with self._database.connection() as connection:
            removed = await connection.execute(
                """
                DELETE FROM auth_audit_log WHERE id IN (
                    SELECT e.id FROM auth_audit_log e JOIN auth_audit_anchors a USING (tenant_id)
                     WHERE e.tenant_id = %s AND e.sequence <= a.sequence ORDER BY e.sequence LIMIT %s
                )
                """,
                (tenant_id, number),
            )
            return removed.rowcount

    async def tenants_to_remove_from(self) -> list[UUID]:
        """Every tenant whose chain still has entries before its anchor: who removed them was interrupted."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                """
                SELECT a.tenant_id FROM auth_audit_anchors a
                 WHERE EXISTS (SELECT FROM auth_audit_log e WHERE e.tenant_id = a.tenant_id AND e.sequence <= a.sequence)
                """
            )
            return [row[0] for row in await found.fetchall()]

    async def _page(
        self,
        tenant_id: UUID,
        conditions: Sequence[Condition],
        side: str,
        place: int | None,
        order: str,
        number: int,
    ) -> list[Entry]:
        where, values = _where(conditions)
        # What the anchor stands after is as good as removed.
        statement = f"""
            SELECT {_COLUMNS} FROM auth_audit_log
             WHERE tenant_id = %s AND (%s::bigint IS NULL OR sequence {side} %s)
               AND sequence > coalesce((SELECT a.sequence FROM auth_audit_anchors a WHERE a.tenant_id = %s), 0) {where}
             ORDER BY sequence {order} LIMIT %s
            """  # noqa: S608 - words of ours
        async with self._database.connection() as connection:
            found = await connection.execute(statement.encode(), (tenant_id, place, place, tenant_id, *values, number))
            return [_entry(row) for row in await found.fetchall()]
