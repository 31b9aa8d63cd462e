"""The table of tenants: SQL in, dataclasses out."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Connection, Database


class TenantStore:
    """Tenants as they are stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
