"""The table of tenants: SQL in, dataclasses out.

Methods that take a connection are part of their caller's transaction; the others are one statement each. ``sees`` is the
one tenant that the asker sees; None: all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import sql

from novacron.db import Connection, Database
from novacron.paging import Filter

from .tenant import Tenant

_COLUMNS = "id, name, display_name, disabled_at, created_at, updated_at, version"
# What a filter of the list may name.
FILTERED = {"name": "name", "display_name": "display_name", "disabled": "disabled_at IS NOT NULL"}


class TenantStore:
    """Tenants as they are stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant_id: UUID, sees: UUID | None) -> Tenant | None:
        async with self._database.connection() as connection:
            return await self._one(connection, "id = %s AND (%s::uuid IS NULL OR id = %s)", tenant_id, sees, sees)

    async def named(self, name: str, sees: UUID | None) -> Tenant | None:
        async with self._database.connection() as connection:
            return await self._one(connection, "name = %s AND (%s::uuid IS NULL OR id = %s)", name, sees, sees)

    async def hold(self, connection: Connection, tenant_id: UUID, sees: UUID | None) -> Tenant | None:
        """The tenant, locked to the end of the transaction."""
        return await self._one(
            connection, "id = %s AND (%s::uuid IS NULL OR id = %s) FOR UPDATE", tenant_id, sees, sees
        )

    async def page(self, sees: UUID | None, kept: Filter, after: Sequence[Any] | None, number: int) -> list[Tenant]:
        """Up to ``number`` tenants, oldest first, after this ``(created_at, id)``."""
        where, values = kept.where(FILTERED)
        conditions: list[sql.Composable] = [where]
        if sees is not None:
            conditions.append(sql.SQL("id = %s"))
            values.append(sees)
        if after is not None:
            conditions.append(sql.SQL("(created_at, id) > (%s, %s)"))
            values.extend(after)
        statement = sql.SQL("SELECT {} FROM tenants WHERE {} ORDER BY created_at, id LIMIT %s").format(
            sql.SQL(_COLUMNS), sql.SQL(" AND ").join(conditions)
        )
        async with self._database.connection() as connection:
            found = await connection.execute(statement, [*values, number])
            return [Tenant(*row) for row in await found.fetchall()]

    async def add(self, connection: Connection, tenant_id: UUID, name: str, display_name: str) -> Tenant | None:
        """The tenant made; None: its id or its name is taken."""
        made = await connection.execute(
            f"""
            INSERT INTO tenants (id, name, display_name) VALUES (%s, %s, %s)
            ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (tenant_id, name, display_name),
        )
        row = await made.fetchone()
        return Tenant(*row) if row else None

    async def rename(self, connection: Connection, tenant_id: UUID, display_name: str) -> Tenant:
        changed = await connection.execute(
            f"""
            UPDATE tenants SET display_name = %s, version = version + 1, updated_at = now() WHERE id = %s
            RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (display_name, tenant_id),
        )
        return Tenant(*(await changed.fetchone() or ()))

    async def set_disabled(self, connection: Connection, tenant_id: UUID, disabled: bool) -> Tenant:
        changed = await connection.execute(
            f"""
            UPDATE tenants SET disabled_at = CASE WHEN %s THEN now() END, version = version + 1, updated_at = now()
             WHERE id = %s RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (disabled, tenant_id),
        )
        return Tenant(*(await changed.fetchone() or ()))

    async def delete(self, connection: Connection, tenant_id: UUID) -> None:
        """:raises psycopg.errors.ForeignKeyViolation: it still has users."""
        await connection.execute("DELETE FROM tenants WHERE id = %s", (tenant_id,))

    async def hold_tenant(self, connection: Connection, tenant_id: UUID, name: str) -> UUID:
        """The id of the tenant of this name, made if need be, its row locked to the end of the transaction."""
        held = await connection.execute(
            """
            INSERT INTO tenants (id, name) VALUES (%s, %s)
            ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id
            """,
            (tenant_id, name),
        )
        row = await held.fetchone()
        assert row is not None
        held_id: UUID = row[0]
        return held_id

    async def _one(self, connection: Connection, condition: str, *values: object) -> Tenant | None:
        found = await connection.execute(f"SELECT {_COLUMNS} FROM tenants WHERE {condition}".encode(), values)  # noqa: S608
        row = await found.fetchone()
        return Tenant(*row) if row else None
