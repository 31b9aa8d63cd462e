"""The table of signing keys: SQL in, dataclasses out. Methods that take a connection are part of their caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from novacron.db import Connection, Database

from .signing_key import KeyState, SigningKey

_COLUMNS = """id, state, public_key, private_key_sealed, created_at, activated_at, retired_at, expires_at, revoked_at,
    clock_timestamp() - created_at"""


def _key(row: Sequence[Any]) -> SigningKey:
    return SigningKey(row[0], KeyState(row[1]), bytes(row[2]), *row[3:])


class KeyStore:
    """The ring as it is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def signing_keys(self) -> list[SigningKey]:
        """The ring: every key whose tokens are good, newest first."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                f"""
                SELECT {_COLUMNS} FROM signing_keys
                 WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
                 ORDER BY created_at DESC, id
                """.encode()  # noqa: S608 - words of ours
            )
            return [_key(row) for row in await found.fetchall()]

    async def all_keys(self) -> list[SigningKey]:
        """The ring and what was in it, newest first."""
        async with self._database.connection() as connection:
            return await self._all(connection)

    async def hold(self, connection: Connection) -> list[SigningKey]:
        """All keys, newest first; nobody else changes the ring until the end of the transaction."""
        await connection.execute("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
        return await self._all(connection)

    async def add_signing_key(self, key: SigningKey) -> None:
        """Add a key; a second primary is dropped in silence, for another replica was first."""
        async with self._database.connection() as connection:
            await self.add(connection, key)

    async def add(self, connection: Connection, key: SigningKey) -> None:
        await connection.execute(
            """
            INSERT INTO signing_keys (id, state, public_key, private_key_sealed, activated_at)
            VALUES (%(id)s, %(state)s, %(public)s, %(private)s, CASE WHEN %(state)s = 'primary' THEN now() END)
            ON CONFLICT DO NOTHING
            """,
            {"id": key.id, "state": key.state.value, "public": key.public_key, "private": key.private_key_sealed},
        )

    async def retire(self, connection: Connection, key_id: UUID, verifies_on: timedelta) -> None:
        """The primary signs no more, and verifies for this long."""
        await connection.execute(
            """
            UPDATE signing_keys SET state = 'secondary', retired_at = now(), expires_at = now() + %s WHERE id = %s
            """,
            (verifies_on, key_id),
        )

    async def activate(self, connection: Connection, key_id: UUID) -> None:
        """The staged key signs from now on; the former primary was retired before."""
        await connection.execute(
            "UPDATE signing_keys SET state = 'primary', activated_at = now() WHERE id = %s", (key_id,)
        )

    async def revoke(self, connection: Connection, key_ids: Sequence[UUID]) -> None:
        """These leave the ring at once."""
        await connection.execute(
            """
            UPDATE signing_keys SET state = 'secondary', revoked_at = now(), retired_at = coalesce(retired_at, now())
             WHERE id = ANY(%s) AND revoked_at IS NULL
            """,
            (list(key_ids),),
        )

    async def forget(self, connection: Connection, after: timedelta) -> None:
        """Remove keys that left the ring so long ago."""
        await connection.execute(
            "DELETE FROM signing_keys WHERE state = 'secondary' AND least(expires_at, revoked_at) < now() - %s::interval",
            (after,),
        )

    async def _all(self, connection: Connection) -> list[SigningKey]:
        found = await connection.execute(
            f"SELECT {_COLUMNS} FROM signing_keys ORDER BY created_at DESC, id".encode()  # noqa: S608 - words of ours
        )
        return [_key(row) for row in await found.fetchall()]
