"""The table of signing keys: SQL in, dataclasses out."""

from __future__ import annotations

from novacron.db import Database

from .signing_key import KeyState, SigningKey


class KeyStore:
    """The ring as it is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def signing_keys(self) -> list[SigningKey]:
        """The whole ring, newest first."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                "SELECT id, state, public_key, private_key_sealed FROM signing_keys ORDER BY created_at DESC, id"
            )
            return [SigningKey(row[0], KeyState(row[1]), bytes(row[2]), row[3]) for row in await found.fetchall()]

    async def add_signing_key(self, key: SigningKey) -> None:
        """Add a key; a second primary is dropped in silence, for another replica was first."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO signing_keys (id, state, public_key, private_key_sealed) VALUES (%s, %s, %s, %s)
                ON CONFLICT DO NOTHING
                """,
                (key.id, key.state.value, key.public_key, key.private_key_sealed),
            )
