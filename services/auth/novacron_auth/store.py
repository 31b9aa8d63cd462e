"""The tables of tenants, users, roles, sessions and signing keys: SQL in, dataclasses out.

Methods that take a connection are part of their caller's transaction; the others are one statement each.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from novacron.db import Connection, Database

from .account import Account, Credentials, Failures, Lockout, Role, folded
from .grants import Grants
from .origin import Origin
from .session import Session
from .signing_key import KeyState, SigningKey


def _account(row: tuple[Any, ...]) -> Account:
    """From ``id, tenant_id, username, email, role, last_login``."""
    user_id, tenant_id, username, email, role, last_login = row
    return Account(user_id, tenant_id, username, email, Role(role), last_login)


class Store:
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
        return _account(row) if row else None

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

    async def add_session(
        self, connection: Connection, session_id: UUID, account: Account, origin: Origin, lifetime: timedelta
    ) -> Session:
        made = await connection.execute(
            """
            INSERT INTO user_sessions (id, user_id, ip_address, user_agent, expires_at)
            VALUES (%s, %s, %s, %s, now() + %s) RETURNING expires_at
            """,
            (session_id, account.user_id, origin.ip_address, origin.user_agent, lifetime),
        )
        row = await made.fetchone()
        assert row is not None
        return Session(session_id, account, row[0])

    async def revoke_session(self, connection: Connection, user_id: UUID, session_id: UUID) -> UUID | None:
        """The user's tenant when this ended a live session of theirs; None when there was none to end."""
        ended = await connection.execute(
            """
            UPDATE user_sessions s SET revoked_at = now() FROM users u
             WHERE s.id = %s AND s.user_id = %s AND u.id = s.user_id AND s.revoked_at IS NULL AND s.expires_at > now()
            RETURNING u.tenant_id
            """,
            (session_id, user_id),
        )
        row = await ended.fetchone()
        return row[0] if row else None

    async def session_account(self, user_id: UUID, session_id: UUID) -> Account | None:
        """The enabled user whose live session this is; None: user or session is gone."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                """
                SELECT u.id, u.tenant_id, u.username, u.email, u.role::text, u.last_login
                  FROM user_sessions s JOIN users u ON u.id = s.user_id JOIN tenants t ON t.id = u.tenant_id
                 WHERE s.id = %s AND u.id = %s AND s.revoked_at IS NULL AND s.expires_at > now()
                   AND u.disabled_at IS NULL AND t.disabled_at IS NULL
                """,
                (session_id, user_id),
            )
            row = await found.fetchone()
            return _account(row) if row else None

    async def grants(self, user_id: UUID, *, tenant_id: UUID | None, session_id: UUID | None) -> Grants | None:
        """What an enabled user may do; None: there is no such user, or not in ``tenant_id`` (None: any tenant)."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                """
                SELECT u.tenant_id, granted.roles, granted.permissions,
                       EXISTS (SELECT FROM user_sessions s
                                WHERE s.id = %(session_id)s AND s.user_id = u.id
                                  AND s.revoked_at IS NULL AND s.expires_at > now())
                  FROM users u JOIN tenants t ON t.id = u.tenant_id
                 CROSS JOIN LATERAL (
                     SELECT array_agg(DISTINCT r.name ORDER BY r.name) AS roles,
                            array_agg(DISTINCT p) FILTER (WHERE p IS NOT NULL) AS permissions
                       FROM roles r LEFT JOIN LATERAL jsonb_array_elements_text(r.permissions) p ON true
                      WHERE r.name = u.role::text
                         OR r.id IN (SELECT ur.role_id FROM user_roles ur WHERE ur.user_id = u.id)
                 ) granted
                 WHERE u.id = %(user_id)s AND u.disabled_at IS NULL AND t.disabled_at IS NULL
                   AND (%(tenant_id)s::uuid IS NULL OR u.tenant_id = %(tenant_id)s)
                """,
                {"user_id": user_id, "tenant_id": tenant_id, "session_id": session_id},
            )
            row = await found.fetchone()
            if row is None:
                return None
            tenant, roles, permissions, live = row
            return Grants(tenant, tuple(roles or ()), frozenset(permissions or ()), live)

    async def any_user(self, connection: Connection) -> bool:
        row = await (await connection.execute("SELECT EXISTS (SELECT FROM users)")).fetchone()
        return bool(row and row[0])

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
