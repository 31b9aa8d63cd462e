"""The tables of sessions: SQL in, dataclasses out.

Methods that take a connection are part of their caller's transaction; the others are one statement each.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from novacron.db import Connection, Database

from ..users.account import Account
from ..users.store import account_of
from .origin import Origin
from .session import Session


class SessionStore:
    """Sessions as they are stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
            return account_of(row) if row else None
