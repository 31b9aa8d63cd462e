"""The table of users: SQL in, dataclasses out.

Methods that take a connection are part of their caller's transaction; the others are one statement each.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from novacron.db import Connection, Database

from .account import Account, Credentials, Failures, Lockout, Role, folded


def account_of(row: tuple[Any, ...]) -> Account:
    """From ``id, tenant_id, username, email, role, last_login``."""
    user_id, tenant_id, username, email, role, last_login = row
    return Account(user_id, tenant_id, username, email, Role(role), last_login)


class UserStore:
    """Reads and writes; decides nothing but what only the database can: races."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def credentials(self, tenant: str, username: str) -> Credentials:
        """What this name is in this tenant; of a name that is not there, as much as is."""
        async with (
            self._database.connection() as connection,
            connection.cursor(row_factory=class_row(Credentials)) as cursor,
        ):
            await cursor.execute(
                """
                SELECT t.id AS tenant_id, u.id AS user_id, u.password_hash, u.password_changed_at,
                       t.disabled_at IS NOT NULL OR u.disabled_at IS NOT NULL AS disabled
                  FROM tenants t LEFT JOIN users u ON u.tenant_id = t.id AND u.username_folded = %s
                 WHERE t.name = %s
                """,
                (folded(username), folded(tenant)),
            )
            return await cursor.fetchone() or Credentials()

    async def admit(self, connection: Connection, credentials: Credentials) -> Account | None:
        """Note a login with the right password; None: the account is locked, disabled, or has another password by now."""
        found = await connection.execute(
            """
            UPDATE users u
               SET failed_login_attempts = 0, locked_until = NULL, last_login = now()
              FROM tenants t
             WHERE u.id = %s AND u.password_changed_at = %s AND t.id = u.tenant_id
               AND u.disabled_at IS NULL AND t.disabled_at IS NULL
               AND (u.locked_until IS NULL OR u.locked_until <= now())
            RETURNING u.id, u.tenant_id, u.username, u.email, u.role::text, u.last_login
            """,
            (credentials.user_id, credentials.password_changed_at),
        )
        row = await found.fetchone()
        return account_of(row) if row else None

    async def count_failure(self, connection: Connection, user_id: UUID | None, lockout: Lockout) -> Failures:
        """Count one more wrong password, and lock the account when it is one too many.

        The row is the counter, so guesses in parallel are all counted. A lock that stands is never extended: guessing on
        cannot keep the owner out. After it the count begins anew. For None the same statement runs and finds nobody.
        """
        counted = await connection.execute(
            """
            UPDATE users
               SET failed_login_attempts = CASE WHEN locked_until <= now() THEN 1 ELSE failed_login_attempts + 1 END,
                   locked_until = CASE
                       WHEN locked_until > now() THEN locked_until
                       WHEN locked_until IS NULL AND failed_login_attempts + 1 >= %s THEN now() + %s
                   END
             WHERE id = %s
            RETURNING failed_login_attempts, locked_until IS NOT NULL
            """,
            (lockout.attempts, lockout.pause, user_id),
        )
        row = await counted.fetchone()
        return Failures(*row) if row else Failures()

    async def rehash(self, user_id: UUID, old_hash: str, new_hash: str) -> None:
        """Keep the same password under another hash, unless it has changed meanwhile."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE users SET password_hash = %s WHERE id = %s AND password_hash = %s",
                (new_hash, user_id, old_hash),
            )

    async def any_user(self, connection: Connection) -> bool:
        row = await (await connection.execute("SELECT EXISTS (SELECT FROM users)")).fetchone()
        return bool(row and row[0])

    async def add_user(self, connection: Connection, account: Account, password_hash: str) -> None:
        await connection.execute(
            """
            INSERT INTO users (id, tenant_id, username, username_folded, email, email_folded, role, password_hash)
            VALUES (%s, %s, %s, %s, %s, %s, %s::user_role_enum, %s)
            """,
            (
                account.user_id,
                account.tenant_id,
                account.username,
                folded(account.username),
                account.email,
                folded(account.email),
                account.role.value,
                password_hash,
            ),
        )
