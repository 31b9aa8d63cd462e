"""Security keys and challenges in the database: SQL in, dataclasses out. What takes a connection is part of a transaction.

Whoever changes a user's keys holds the user's row first, as a login does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from novacron.db import Connection, Database

from .relying_party import NewKey


@dataclass(frozen=True, slots=True)
class SecurityKey:
    """A key in effect. ``counter`` is the newest that was taken."""

    mfa_credential_id: UUID
    public_key: bytes = field(repr=False)
    counter: int


class KeyStore:
    """Keys as they are stored, and challenges that are out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def challenge(self, user_id: UUID | None, challenge: bytes, lifetime: timedelta) -> datetime:
        """Keep a challenge until it is answered or expires, for this user's registration or, None, for showing a key.

        Forgets those that have expired.
        """
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM webauthn_challenges WHERE expires_at <= now()")
            made = await connection.execute(
                """
                INSERT INTO webauthn_challenges (challenge_hash, user_id, expires_at) VALUES (%s, %s, now() + %s)
                RETURNING expires_at
                """,
                (_hash(challenge), user_id, lifetime),
            )
            row = await made.fetchone()
            assert row is not None
            expires_at: datetime = row[0]
            return expires_at

    async def take_registration(self, user_id: UUID, challenge: bytes) -> bool:
        """Use up a challenge of this user's registration, for good; False: there is none."""
        async with self._database.connection() as connection:
            return await self._take(connection, user_id, challenge)

    async def take(self, connection: Connection, challenge: bytes) -> bool:
        """Use up a challenge for showing a key; of any number who try at once one gets it."""
        return await self._take(connection, None, challenge)

    async def key(self, connection: Connection, user_id: UUID | None, credential_id: bytes) -> SecurityKey | None:
        """This user's key of this id; for None the same statement finds nobody's."""
        found = await connection.execute(
            """
            SELECT c.id, c.public_key, c.last_counter FROM mfa_credentials c
             WHERE c.user_id = %s AND c.credential_id = %s AND c.type = 'webauthn' AND c.confirmed_at IS NOT NULL
            """,
            (user_id, credential_id),
        )
        row = await found.fetchone()
        return SecurityKey(row[0], bytes(row[1]), row[2]) if row else None

    async def held(self, connection: Connection, user_id: UUID) -> list[bytes]:
        """The credential ids of a user's keys."""
        found = await connection.execute(
            "SELECT credential_id FROM mfa_credentials WHERE user_id = %s AND type = 'webauthn'", (user_id,)
        )
        return [bytes(row[0]) for row in await found.fetchall()]

    async def add(
        self, connection: Connection, mfa_credential_id: UUID, owner: tuple[UUID, UUID], name: str, new: NewKey
    ) -> bool:
        """A key in effect; False: it is registered. ``owner`` is tenant and user."""
        made = await connection.execute(
            """
            INSERT INTO mfa_credentials
                   (id, tenant_id, user_id, type, name, credential_id, public_key, last_counter, confirmed_at)
            VALUES (%s, %s, %s, 'webauthn', %s, %s, %s, %s, now()) ON CONFLICT (credential_id) DO NOTHING RETURNING id
            """,
            (mfa_credential_id, *owner, name, new.credential_id, new.public_key, new.counter),
        )
        return await made.fetchone() is not None

    async def spend(self, connection: Connection, key: SecurityKey, counter: int) -> bool:
        """Note a use of the key; False: its counter did not go on. Keys without a counter stay at 0."""
        spent = await connection.execute(
            """
            UPDATE mfa_credentials SET last_counter = %(counter)s, last_used_at = now()
             WHERE id = %(id)s AND (last_counter < %(counter)s OR (last_counter = 0 AND %(counter)s = 0)) RETURNING id
            """,
            {"id": key.mfa_credential_id, "counter": counter},
        )
        return await spent.fetchone() is not None

    async def _take(self, connection: Connection, user_id: UUID | None, challenge: bytes) -> bool:
        taken = await connection.execute(
            """
            DELETE FROM webauthn_challenges
             WHERE challenge_hash = %s AND user_id IS NOT DISTINCT FROM %s AND expires_at > now() RETURNING expires_at
            """,
            (_hash(challenge), user_id),
        )
        return await taken.fetchone() is not None


def _hash(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()
