"""Refresh tokens as they are stored, by their hashes: a session is the family, and has one live token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from novacron.db import Connection

from ..users.account import Account
from .session import Session


@dataclass(frozen=True, slots=True)
class Family:
    """The session that a refresh token is of, locked to the end of the transaction."""

    session: Session
    live: bool  # neither ended nor idle for too long, and of an enabled user of an enabled tenant
    current: bytes | None
    spent_at: datetime | None  # when the token that was shown was exchanged; None: it is the live one
    in_grace: bool


class RefreshStore:
    """Finds the family of a token, and exchanges its live token for the next."""

    async def family(self, connection: Connection, shown: bytes, idle: timedelta, grace: timedelta) -> Family | None:
        """The family of a token, whether it is the live one or was exchanged before; None: no token of ours.

        The session's row is locked first and read then: of two that show one token at once, the second sees it spent.
        """
        await connection.execute(
            """
            SELECT 1 FROM user_sessions WHERE id = coalesce(
                (SELECT id FROM user_sessions WHERE token_hash = %s),
                (SELECT session_id FROM spent_refresh_tokens WHERE token_hash = %s)) FOR UPDATE
            """,
            (shown, shown),
        )
        found = await connection.execute(
            """
            SELECT s.id, s.expires_at, s.token_hash, p.spent_at, p.spent_at + %(grace)s > clock_timestamp(),
                   s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
                       AND s.last_accessed_at + %(idle)s > clock_timestamp()
                       AND u.disabled_at IS NULL AND t.disabled_at IS NULL,
                   u.id, u.tenant_id, u.username, u.email, u.role::text, u.last_login
              FROM user_sessions s
              LEFT JOIN spent_refresh_tokens p ON p.session_id = s.id AND p.token_hash = %(shown)s
              JOIN users u ON u.id = s.user_id JOIN tenants t ON t.id = u.tenant_id
             WHERE s.id = coalesce((SELECT id FROM user_sessions WHERE token_hash = %(shown)s),
                                   (SELECT session_id FROM spent_refresh_tokens WHERE token_hash = %(shown)s))
            """,
            {"shown": shown, "idle": idle, "grace": grace},
        )
        row = await found.fetchone()
        if row is None:
            return None
        session_id, expires_at, current, spent_at, in_grace, live, *user = row
        session = Session(session_id, Account.of_row(user), expires_at)
        return Family(session, live, bytes(current) if current else None, spent_at, bool(in_grace))

    async def exchange(self, connection: Connection, session_id: UUID, spent: bytes, successor: bytes) -> None:
        """Make the successor the live token; the session has been used now."""
        await connection.execute(
            """
            WITH spent AS (INSERT INTO spent_refresh_tokens (token_hash, session_id) VALUES (%s, %s))
            UPDATE user_sessions SET token_hash = %s, last_accessed_at = clock_timestamp() WHERE id = %s
            """,
            (spent, session_id, successor, session_id),
        )
