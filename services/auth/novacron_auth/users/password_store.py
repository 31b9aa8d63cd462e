"""Password hashes, of now and before: SQL in, dataclasses out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from novacron.db import Connection, Database


@dataclass(frozen=True, slots=True)
class HeldPassword:
    """A user's password as it is stored, with the names that it must not be."""

    tenant_id: UUID
    username: str
    email: str
    password_hash: str | None = field(repr=False)
    changed_at: datetime
    older: tuple[str, ...] = field(default=(), repr=False)


class PasswordStore:
    """Reads and replaces hashes; it never sees a password."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def held(self, user_id: UUID, sees: UUID | None, history: int) -> HeldPassword | None:
        """The hash of a user and the ``history`` hashes before it, newest first."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                """
                SELECT u.tenant_id, u.username, u.email, u.password_hash, u.password_changed_at,
                       ARRAY(SELECT h.password_hash FROM password_history h WHERE h.user_id = u.id
                              ORDER BY h.replaced_at DESC LIMIT %s)
                  FROM users u WHERE u.id = %s AND (%s::uuid IS NULL OR u.tenant_id = %s)
                """,
                (history, user_id, sees, sees),
            )
            row = await found.fetchone()
            if row is None:
                return None
            tenant_id, username, email, password_hash, changed_at, older = row
            return HeldPassword(tenant_id, username, email, password_hash, changed_at, tuple(older))

    async def replace(
        self, connection: Connection, user_id: UUID, held: HeldPassword, password_hash: str, history: int
    ) -> bool:
        """Set another password and forget failed logins; False: it was replaced by somebody else meanwhile."""
        changed = await connection.execute(
            """
            UPDATE users SET password_hash = %s, password_changed_at = clock_timestamp(), failed_login_attempts = 0,
                   locked_until = NULL, version = version + 1, updated_at = now()
             WHERE id = %s AND password_changed_at = %s RETURNING id
            """,
            (password_hash, user_id, held.changed_at),
        )
        if await changed.fetchone() is None:
            return False
        if held.password_hash is not None and history:
            await connection.execute(
                "INSERT INTO password_history (user_id, password_hash) VALUES (%s, %s)", (user_id, held.password_hash)
            )
        # What the policy no longer asks for is a risk and no use.
        await connection.execute(
            """
            DELETE FROM password_history WHERE user_id = %s AND replaced_at NOT IN (
                SELECT replaced_at FROM password_history WHERE user_id = %s ORDER BY replaced_at DESC LIMIT %s)
            """,
            (user_id, user_id, history),
        )
        return True
