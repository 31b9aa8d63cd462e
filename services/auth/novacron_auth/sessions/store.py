"""The table of sessions: SQL in, dataclasses out.

Methods that take a connection are part of their caller's transaction; the others are one statement each. ``sees`` is
the one tenant that the asker sees; None: all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from novacron.db import Connection, Database
from novacron.paging import Filter

from ..users.account import Account
from .origin import Location, Origin
from .risk import LastSeen
from .session import AuthenticationMethod, Session, SessionStatus, UserSession

_STATUS = """CASE WHEN s.revoked_at IS NOT NULL THEN 'revoked'
    WHEN s.expires_at <= now() OR s.last_accessed_at + {idle} <= now() THEN 'expired' ELSE 'active' END"""
_COLUMNS = """s.id, s.user_id, u.tenant_id, s.created_at, s.last_accessed_at, s.expires_at, s.authentication_method,
    s.authentication_timestamp, s.ip_address, s.user_agent, s.device_fingerprint, s.geo_location, s.scopes, s.risk_score,
    {status}, s.revoked_at, s.revoked_reason"""


def _session(row: tuple[Any, ...]) -> UserSession:
    values: list[Any] = list(row)
    values[6] = AuthenticationMethod(row[6])
    values[11] = Location(**row[11]) if row[11] else None
    values[12] = tuple(row[12])
    values[14] = SessionStatus(row[14])
    return UserSession(*values)


class SessionStore:
    """Sessions as they are stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        connection: Connection,
        session_id: UUID,
        account: Account,
        lifetime: timedelta,
        *,
        token_hash: bytes,
        origin: Origin,
        device: str = "",
        location: Location | None = None,
        method: AuthenticationMethod = AuthenticationMethod.PASSWORD,
        second_factor: bool = False,
        risk: float = 0.0,
    ) -> Session:
        made = await connection.execute(
            """
            INSERT INTO user_sessions (id, user_id, token_hash, ip_address, network, user_agent, device_fingerprint,
                                       geo_location, authentication_method, second_factor, risk_score, expires_at)
            VALUES (%s, %s, %s, %s, %s, %s, nullif(%s, ''), %s, %s, %s, %s, now() + %s) RETURNING expires_at
            """,
            (
                session_id,
                account.user_id,
                token_hash,
                origin.ip_address,
                origin.network,
                origin.user_agent,
                device,
                Jsonb(asdict(location)) if location else None,
                method.value,
                second_factor,
                risk,
                lifetime,
            ),
        )
        row = await made.fetchone()
        assert row is not None
        return Session(session_id, account, row[0])

    async def last_seen(self, connection: Connection, user_id: UUID) -> LastSeen | None:
        """Where the user said to be at the newest login that told."""
        found = await connection.execute(
            """
            SELECT geo_location, created_at FROM user_sessions
             WHERE user_id = %s AND geo_location IS NOT NULL ORDER BY created_at DESC, id DESC LIMIT 1
            """,
            (user_id,),
        )
        row = await found.fetchone()
        return LastSeen(Location(**row[0]), row[1]) if row else None

    async def account(self, user_id: UUID, session_id: UUID) -> Account | None:
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
            return Account.of_row(row) if row else None

    async def get(self, session_id: UUID, sees: UUID | None, idle: timedelta) -> UserSession | None:
        async with self._database.connection() as connection:
            found = await connection.execute(
                sql.SQL(
                    "SELECT {} FROM user_sessions s JOIN users u ON u.id = s.user_id"
                    " WHERE s.id = %s AND (%s::uuid IS NULL OR u.tenant_id = %s)"
                ).format(_columns(idle)),
                (session_id, sees, sees),
            )
            row = await found.fetchone()
            return _session(row) if row else None

    async def page(
        self, user_id: UUID, sees: UUID | None, idle: timedelta, kept: Filter, after: Sequence[Any] | None, number: int
    ) -> list[UserSession]:
        """Up to ``number`` sessions of a user, newest first, after this ``(created_at, id)``."""
        status = sql.SQL(_STATUS).format(idle=sql.Literal(idle)).as_string()
        where, values = kept.where(
            {"status": status, "ip_address": "host(s.ip_address)", "authentication_method": "s.authentication_method"}
        )
        conditions: list[sql.Composable] = [where]
        if after is not None:
            conditions.append(sql.SQL("(s.created_at, s.id) < (%s, %s)"))
            values.extend(after)
        statement = sql.SQL(
            "SELECT {} FROM user_sessions s JOIN users u ON u.id = s.user_id"
            " WHERE {} AND s.user_id = %s AND (%s::uuid IS NULL OR u.tenant_id = %s)"
            " ORDER BY s.created_at DESC, s.id DESC LIMIT %s"
        ).format(_columns(idle), sql.SQL(" AND ").join(conditions))
        async with self._database.connection() as connection:
            found = await connection.execute(statement, [*values, user_id, sees, sees, number])
            return [_session(row) for row in await found.fetchall()]

    async def revoke(self, connection: Connection, session_id: UUID, user_id: UUID, reason: str) -> bool:
        """Whether this ended a session of the user's that had not ended before."""
        ended = await connection.execute(
            """
            UPDATE user_sessions SET revoked_at = now(), revoked_reason = %s
             WHERE id = %s AND user_id = %s AND revoked_at IS NULL AND expires_at > now() RETURNING id
            """,
            (reason[:255], session_id, user_id),
        )
        return await ended.fetchone() is not None

    async def revoke_all(
        self, connection: Connection, user_id: UUID, reason: str, *, but: UUID | None = None, keep: int = 0
    ) -> int:
        """End a user's live sessions, but one, and but the ``keep`` newest; how many there were."""
        ended = await connection.execute(
            """
            UPDATE user_sessions SET revoked_at = now(), revoked_reason = %(reason)s
             WHERE user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > now() AND id IS DISTINCT FROM %(but)s
               AND id NOT IN (SELECT k.id FROM user_sessions k
                               WHERE k.user_id = %(user_id)s AND k.revoked_at IS NULL AND k.expires_at > now()
                               ORDER BY k.created_at DESC, k.id DESC LIMIT %(keep)s)
            """,
            {"reason": reason[:255], "user_id": user_id, "but": but, "keep": keep},
        )
        return ended.rowcount

    async def remove_ended(self, before: timedelta, number: int) -> int:
        """Forget up to ``number`` sessions that ended longer than ``before`` ago; their refresh tokens go with them."""
        async with self._database.connection() as connection:
            removed = await connection.execute(
                """
                DELETE FROM user_sessions WHERE id IN (
                    SELECT id FROM user_sessions WHERE expires_at < now() - %s::interval
                     ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
                """,
                (before, number),
            )
            await connection.execute(
                "DELETE FROM login_throttles WHERE resets_at < now() AND (locked_until IS NULL OR locked_until < now())"
            )
            return removed.rowcount


def _columns(idle: timedelta) -> sql.Composed:
    status = sql.SQL(_STATUS).format(idle=sql.Literal(idle))
    return sql.SQL(_COLUMNS).format(status=status)
