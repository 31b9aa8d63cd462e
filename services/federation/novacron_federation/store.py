"""The table ``cloud_providers``."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from novacron.db import Database

from .provider import Finding, Health, NewProvider, Provider, ProviderType

_COLUMNS = """
id, name, provider_type, regions, endpoint, priority, enabled, health_status, health_message, last_health_check, created_at,
credentials_encrypted
"""
_INSERT = f"""
INSERT INTO cloud_providers (id, name, provider_type, regions, endpoint, priority, credentials_encrypted,
                             health_check_interval)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
RETURNING {_COLUMNS}
"""
_PAGE = f"""
SELECT {_COLUMNS} FROM cloud_providers
 WHERE %(after)s::timestamptz IS NULL OR (created_at, id) > (%(after)s, %(id)s)
 ORDER BY created_at, id LIMIT %(limit)s
"""
_RECORD = f"""
UPDATE cloud_providers SET health_status = %s, health_message = %s, last_health_check = now(),
       due_at = now() + health_check_interval
 WHERE id = %s AND created_at = %s
RETURNING {_COLUMNS}
"""
_TAKE_DUE = f"""
UPDATE cloud_providers SET due_at = now() + health_check_interval
 WHERE id IN (
       SELECT id FROM cloud_providers WHERE enabled AND due_at <= now()
        ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING {_COLUMNS}
"""


class Store:
    """Providers by id, by name, and in the order in which they were registered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, new: NewProvider, credentials_encrypted: str, check_every: timedelta) -> Provider | None:
        """The new provider; None when its id or its name is taken."""
        values = (new.provider_id, new.name, new.provider_type, Jsonb(list(new.regions)), new.endpoint, new.priority)
        return await self._one(_INSERT, (*values, credentials_encrypted, check_every))

    async def by_id(self, provider_id: UUID) -> Provider | None:
        return await self._one(f"SELECT {_COLUMNS} FROM cloud_providers WHERE id = %s", (provider_id,))

    async def by_name(self, name: str) -> Provider | None:
        return await self._one(f"SELECT {_COLUMNS} FROM cloud_providers WHERE name = %s", (name,))

    async def page(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Provider]:
        created_at, provider_id = after or (None, None)
        async with self._database.connection() as connection:
            rows = await connection.execute(_PAGE, {"after": created_at, "id": provider_id, "limit": limit})
            return [_provider(row) for row in await rows.fetchall()]

    async def delete(self, provider_id: UUID) -> bool:
        async with self._database.connection() as connection:
            return (await connection.execute("DELETE FROM cloud_providers WHERE id = %s", (provider_id,))).rowcount == 1

    async def record(self, provider: Provider, finding: Finding) -> Provider | None:
        """Write what a check found; None when the provider was deleted meanwhile, even if another took its id."""
        where = (provider.provider_id, provider.created_at)
        return await self._one(_RECORD, (finding.health, finding.message, *where))

    async def take_due(self, limit: int) -> list[Provider]:
        """Providers whose turn it is, each given to one caller: their next turn is an interval away."""
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_TAKE_DUE, (limit,))).fetchall()
        return [_provider(row) for row in rows]

    async def _one(self, query: str, values: tuple[object, ...]) -> Provider | None:
        async with self._database.connection() as connection:
            row = await (await connection.execute(query.encode(), values)).fetchone()
        return None if row is None else _provider(row)


def _provider(row: TupleRow) -> Provider:
    one, name, kind, regions, endpoint, priority, enabled, health, message, asked_at, created_at, sealed = row
    return Provider(
        provider_id=one,
        name=name,
        provider_type=ProviderType(kind),
        regions=tuple(regions),
        endpoint=endpoint,
        priority=priority,
        enabled=enabled,
        health=Health(health),
        health_message=message,
        last_health_check=asked_at,
        created_at=created_at,
        credentials_encrypted=sealed,
    )
