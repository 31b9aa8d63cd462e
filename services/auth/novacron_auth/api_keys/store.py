"""The table of API keys: SQL in, dataclasses out. Methods that take a connection are part of their caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from novacron.db import Connection, Database
from novacron.paging import Filter

from .api_key import ApiKey, Match, NewApiKey, Secret

_COLUMNS = """k.id, k.name, k.prefix, k.user_id, k.tenant_id, k.permissions, k.scopes, k.rate_limit_per_minute, k.expires_at,
    k.last_used_at, k.created_at, k.revoked_at, k.secret_used_at, k.previous_key_hash IS NOT NULL"""
# What a filter of the list may name.
FILTERED = {"name": "k.name", "prefix": "k.prefix", "revoked": "k.revoked_at IS NOT NULL"}
_LIVE = "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())"


def _key(row: tuple[Any, ...]) -> ApiKey:
    permissions = frozenset(row[5]) if row[5] is not None else None
    values: list[Any] = [*row[:5], permissions, tuple(row[6]), *row[7:]]
    return ApiKey(*values)


class ApiKeyStore:
    """Keys as they are stored. ``sees`` is the one tenant that the asker sees; None: all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, api_key_id: UUID, sees: UUID | None) -> ApiKey | None:
        async with self._database.connection() as connection:
            return await self._one(connection, api_key_id, sees)

    async def hold(self, connection: Connection, api_key_id: UUID, sees: UUID | None) -> ApiKey | None:
        """The key, locked to the end of the transaction."""
        return await self._one(connection, api_key_id, sees, "FOR UPDATE")

    async def live_of(self, connection: Connection, user_id: UUID) -> int:
        """How many keys of a user still work."""
        found = await connection.execute(
            f"SELECT count(*) FROM api_keys k WHERE k.user_id = %s AND {_LIVE}".encode(),  # noqa: S608 - words of ours
            (user_id,),
        )
        row = await found.fetchone()
        return int(row[0]) if row else 0

    async def page(
        self, user_id: UUID, sees: UUID | None, kept: Filter, after: Sequence[Any] | None, number: int
    ) -> list[ApiKey]:
        """Up to ``number`` of a user's keys, oldest first, after this ``(created_at, id)``."""
        where, values = kept.where(FILTERED)
        conditions: list[sql.Composable] = [where, sql.SQL("k.user_id = %s")]
        values.append(user_id)
        if sees is not None:
            conditions.append(sql.SQL("k.tenant_id = %s"))
            values.append(sees)
        if after is not None:
            conditions.append(sql.SQL("(k.created_at, k.id) > (%s, %s)"))
            values.extend(after)
        statement = sql.SQL("SELECT {} FROM api_keys k WHERE {} ORDER BY k.created_at, k.id LIMIT %s").format(
            sql.SQL(_COLUMNS), sql.SQL(" AND ").join(conditions)
        )
        async with self._database.connection() as connection:
            found = await connection.execute(statement, [*values, number])
            return [_key(row) for row in await found.fetchall()]

    async def add(self, connection: Connection, new: NewApiKey, tenant_id: UUID, secret: Secret) -> ApiKey | None:
        """The key made; None: its id, or its name among the user's, is taken."""
        made = await connection.execute(
            f"""
            INSERT INTO api_keys AS k (id, tenant_id, user_id, name, prefix, key_hash, permissions, scopes,
                                       rate_limit_per_minute, expires_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, now() + %s::interval)
            ON CONFLICT DO NOTHING RETURNING {_COLUMNS}
            """.encode(),  # noqa: S608 - words of ours
            (
                new.api_key_id,
                tenant_id,
                new.user_id,
                new.name,
                secret.prefix,
                secret.key_hash,
                Jsonb(sorted(new.permissions)) if new.permissions is not None else None,
                list(new.scopes),
                new.rate_limit_per_minute,
                new.ttl,
            ),
        )
        row = await made.fetchone()
        return _key(row) if row else None

    async def replace_secret(self, connection: Connection, api_key_id: UUID, secret: Secret) -> ApiKey:
        """Another secret in place of one that nobody has used."""
        return await self._changed(connection, api_key_id, "key_hash = %s, secret_used_at = NULL", secret.key_hash)

    async def rotate(self, connection: Connection, api_key_id: UUID, secret: Secret, overlap: timedelta) -> ApiKey:
        """Another secret; the one that it replaces works on for this long."""
        return await self._changed(
            connection,
            api_key_id,
            "previous_key_hash = key_hash, previous_expires_at = now() + %s, key_hash = %s, secret_used_at = NULL",
            overlap,
            secret.key_hash,
        )

    async def keep_previous(self, connection: Connection, api_key_id: UUID, overlap: timedelta) -> ApiKey:
        """The secret before works on for this long from now; without an overlap it has ended."""
        return await self._changed(connection, api_key_id, "previous_expires_at = now() + %s", overlap)

    async def revoke(self, connection: Connection, api_key_id: UUID) -> ApiKey:
        return await self._changed(connection, api_key_id, "revoked_at = now()")

    async def matching(self, hashes: list[bytes]) -> Match | None:
        """The key that works under one of these hashes."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                f"""
                SELECT {_COLUMNS}, u.username, k.key_hash = ANY(%(hashes)s),
                       CASE WHEN NOT k.key_hash = ANY(%(hashes)s) THEN k.previous_expires_at END
                  FROM api_keys k JOIN users u ON u.id = k.user_id
                 WHERE (k.key_hash = ANY(%(hashes)s)
                        OR (k.previous_key_hash = ANY(%(hashes)s) AND k.previous_expires_at > now()))
                   AND {_LIVE}
                """.encode(),  # noqa: S608 - words of ours
                {"hashes": hashes},
            )
            row = await found.fetchone()
            return Match(_key(row[:-3]), *row[-3:]) if row else None

    async def used(self, api_key_id: UUID, by_present: bool) -> None:
        """Note the use, to the minute; the first one of a secret always."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                UPDATE api_keys SET last_used_at = now(),
                       secret_used_at = CASE WHEN %(by_present)s THEN coalesce(secret_used_at, now()) ELSE secret_used_at END
                 WHERE id = %(id)s
                   AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute'
                        OR (%(by_present)s AND secret_used_at IS NULL))
                """,
                {"id": api_key_id, "by_present": by_present},
            )

    async def remove_ended(self, before: timedelta, number: int) -> int:
        """Forget up to ``number`` keys that were revoked, or expired, longer than ``before`` ago."""
        async with self._database.connection() as connection:
            removed = await connection.execute(
                """
                DELETE FROM api_keys WHERE id IN (
                    SELECT id FROM api_keys WHERE least(revoked_at, expires_at) < now() - %s::interval
                     ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
                """,
                (before, number),
            )
            return removed.rowcount

    async def _changed(self, connection: Connection, api_key_id: UUID, change: str, *values: object) -> ApiKey:
        changed = await connection.execute(
            f"UPDATE api_keys k SET {change} WHERE id = %s RETURNING {_COLUMNS}".encode(),  # noqa: S608 - words of ours
            (*values, api_key_id),
        )
        return _key(await changed.fetchone() or ())

    async def _one(self, connection: Connection, api_key_id: UUID, sees: UUID | None, lock: str = "") -> ApiKey | None:
        found = await connection.execute(
            f"""
            SELECT {_COLUMNS} FROM api_keys k
             WHERE k.id = %(id)s AND (%(sees)s::uuid IS NULL OR k.tenant_id = %(sees)s) {lock}
            """.encode(),  # noqa: S608 - words of ours
            {"id": api_key_id, "sees": sees},
        )
        row = await found.fetchone()
        return _key(row) if row else None
