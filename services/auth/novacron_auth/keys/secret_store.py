"""The table of data keys, and the columns that they seal: SQL in, dataclasses out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Connection, Database

from .secret_key import SecretKey, SecretKeyState


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of envelopes, each bound to (table, column, id). ``tenant`` is its expression for whose secret it is."""

    table: str
    column: str
    tenant: str = "tenant_id"


# Logins under way are not among them: they are gone in minutes, and secondaries open them until then.
SEALED = (
    SealedColumn("signing_keys", "private_key_sealed", "NULL::uuid"),
    SealedColumn("mfa_credentials", "secret_sealed"),
    SealedColumn("identity_providers", "client_secret_sealed"),
)
_COUNTED = " UNION ALL ".join(
    f"SELECT split_part({one.column}, '.', 2) AS key_id FROM {one.table} WHERE {one.column} LIKE 'v2.%'"  # noqa: S608 - words of ours
    for one in SEALED
)


class SecretStore:
    """Data keys as they are stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keys(self) -> list[SecretKey]:
        """All of them, newest first."""
        async with self._database.connection() as connection:
            return await self._all(connection)

    async def counted(self) -> dict[str, int]:
        """How many secrets are sealed under each key, by its id."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                f"SELECT key_id, count(*) FROM ({_COUNTED}) AS sealed GROUP BY key_id".encode()  # noqa: S608 - words of ours
            )
            return {row[0]: row[1] for row in await found.fetchall()}

    async def hold(self, connection: Connection) -> list[SecretKey]:
        """All keys; nobody else changes a ring until the end of the transaction."""
        await connection.execute("LOCK TABLE secret_keys IN SHARE ROW EXCLUSIVE MODE")
        return await self._all(connection)

    async def add(self, connection: Connection, key: SecretKey) -> None:
        await connection.execute(
            """
            INSERT INTO secret_keys (id, tenant_id, state, key_sealed, activated_at)
            VALUES (%(id)s, %(tenant)s, %(state)s, %(sealed)s, CASE WHEN %(state)s = 'primary' THEN now() END)
            """,
            {"id": key.id, "tenant": key.tenant_id, "state": key.state.value, "sealed": key.key_sealed},
        )

    async def turn(self, connection: Connection, former: UUID | None, following: UUID) -> None:
        """``following`` seals from now on; ``former`` only opens."""
        await connection.execute(
            "UPDATE secret_keys SET state = 'secondary', retired_at = now() WHERE id = %s", (former,)
        )
        await connection.execute(
            "UPDATE secret_keys SET state = 'primary', activated_at = now() WHERE id = %s", (following,)
        )

    async def replace_sealed(self, former: SecretKey, key: SecretKey) -> None:
        """A data key in its new envelope, unless somebody was faster."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE secret_keys SET key_sealed = %s WHERE id = %s AND key_sealed = %s",
                (key.key_sealed, key.id, former.key_sealed),
            )

    async def envelopes(self, of: SealedColumn, after: UUID, number: int) -> list[tuple[UUID, UUID | None, str]]:
        """Up to ``number`` of a column's envelopes with row id and tenant, by row id, after this one."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                f"""
                SELECT id, {of.tenant}, {of.column} FROM {of.table}
                 WHERE id > %s AND {of.column} IS NOT NULL ORDER BY id LIMIT %s
                """.encode(),  # noqa: S608 - words of ours
                (after, number),
            )
            return [(row[0], row[1], row[2]) for row in await found.fetchall()]

    async def replace(self, of: SealedColumn, changes: Sequence[tuple[UUID, str, str]]) -> int:
        """Put new envelopes, ``(row id, former, new)``, in the place of those that nobody has replaced; how many those were."""
        replaced = 0
        async with self._database.transaction() as connection:
            for row_id, former, new in changes:
                # Two who write one row take turns by its lock, and the second finds another envelope than it read.
                done = await connection.execute(
                    f"UPDATE {of.table} SET {of.column} = %s WHERE id = %s AND {of.column} = %s".encode(),  # noqa: S608
                    (new, row_id, former),
                )
                replaced += done.rowcount
        return replaced

    async def _all(self, connection: Connection) -> list[SecretKey]:
        found = await connection.execute(
            """
            SELECT id, tenant_id, state, key_sealed, created_at, clock_timestamp() - created_at
              FROM secret_keys ORDER BY created_at DESC, id
            """
        )
        return [_key(row) for row in await found.fetchall()]


def _key(row: Sequence[Any]) -> SecretKey:
    return SecretKey(row[0], row[1], SecretKeyState(row[2]), *row[3:])
