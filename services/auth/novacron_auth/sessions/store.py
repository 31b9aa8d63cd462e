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
from novacron.ids import new_id
from novacron.paging import Filter

from ..configuration.configuration import SessionManagementConfig
from ..users.account import Account
from .origin import Location, Origin
from .risk import Finding, LastSeen, score
from .session import AuthenticationMethod, Begun, Session, SessionStatus, UserSession

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

    async def begin(
        self,
        connection: Connection,
        session_id: UUID,
        account: Account,
        policy: SessionManagementConfig,
        *,
        token_hash: bytes,
        origin: Origin,
        findings: Sequence[Finding],
        device: str = "",
        location: Location | None = None,
        method: AuthenticationMethod = AuthenticationMethod.PASSWORD,
        second_factor: bool = False,
        second_factor_roles: Sequence[str] = (),
    ) -> Session:
        """A session, what was noticed about it, and the end of the user's oldest where there are too many: one statement.

        The user's row is held, so no other login of this user is counted twice or not at all.
        """
        kept = policy.max_sessions_per_user
        made = await connection.execute(
            sql.SQL(
                """
                WITH s AS (
                    INSERT INTO user_sessions (id, user_id, token_hash, ip_address, network, user_agent,
                                               device_fingerprint, geo_location, authentication_method, second_factor,
                                               risk_score, expires_at)
                    VALUES (%(id)s, %(user_id)s, %(token_hash)s, %(ip_address)s, %(network)s, %(user_agent)s,
                            nullif(%(device)s, ''), %(location)s, %(method)s, %(second_factor)s, %(risk)s,
                            now() + %(lifetime)s)
                    RETURNING *
                ), noticed AS (
                    INSERT INTO security_events (id, tenant_id, user_id, session_id, event_type, risk, description,
                                                 ip_address)
                    SELECT f.id, %(tenant_id)s, %(user_id)s, %(id)s, f.event_type, f.risk, f.description, %(ip_address)s
                      FROM unnest(%(event_ids)s::uuid[], %(event_types)s::text[], %(risks)s::float8[],
                                  %(descriptions)s::text[]) AS f (id, event_type, risk, description)
                ), ended AS (
                    UPDATE user_sessions o SET revoked_at = now(), revoked_reason = 'too many sessions'
                     WHERE %(others)s >= 0 AND o.user_id = %(user_id)s AND o.revoked_at IS NULL AND o.expires_at > now()
                       AND o.id NOT IN (SELECT k.id FROM user_sessions k
                                         WHERE k.user_id = %(user_id)s AND k.revoked_at IS NULL AND k.expires_at > now()
                                         ORDER BY k.created_at DESC, k.id DESC LIMIT greatest(%(others)s, 0))
                    RETURNING o.id
                )
                SELECT {}, NOT s.second_factor AND (u.mfa_enabled OR EXISTS (
                           SELECT FROM roles r
                            WHERE ((r.tenant_id IS NULL AND r.name = u.role::text)
                                   OR r.id IN (SELECT g.role_id FROM user_roles g WHERE g.user_id = u.id
                                                  AND (g.expires_at IS NULL OR g.expires_at > now())))
                              AND (r.mfa_required OR r.name = ANY(%(second_factor_roles)s)))),
                       (SELECT count(*) FROM ended)
                  FROM s JOIN users u ON u.id = s.user_id
                """
            ).format(_columns(policy.idle_timeout)),
            {
                "id": session_id,
                "tenant_id": account.tenant_id,
                "user_id": account.user_id,
                "token_hash": token_hash,
                "ip_address": origin.ip_address,
                "network": origin.network,
                "user_agent": origin.user_agent,
                "device": device,
                "location": Jsonb(asdict(location)) if location else None,
                "method": method.value,
                "second_factor": second_factor,
                "risk": score(findings),
                "lifetime": policy.session_ttl,
                "event_ids": [new_id() for _ in findings],
                "event_types": [one.event_type.value for one in findings],
                "risks": [one.risk for one in findings],
                "descriptions": [one.description for one in findings],
                "others": kept - 1,
                "second_factor_roles": list(second_factor_roles),
            },
        )
        row = await made.fetchone()
        assert row is not None
        *columns, lacks_second_factor, surplus = row
        as_seen = _session(tuple(columns))
        return Session(session_id, account, as_seen.expires_at, Begun(as_seen, lacks_second_factor, surplus))

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

    async def revoke_all(self, connection: Connection, user_id: UUID, reason: str, *, but: UUID | None = None) -> int:
        """End a user's live sessions, but one; how many there were."""
        ended = await connection.execute(
            """
            UPDATE user_sessions SET revoked_at = now(), revoked_reason = %(reason)s
             WHERE user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > now() AND id IS DISTINCT FROM %(but)s
            """,
            {"reason": reason[:255], "user_id": user_id, "but": but},
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
