"""The tables of second factors: SQL in, dataclasses out. Every method is part of its caller's transaction.

Whoever changes something here holds the user's row first, as a login does: so nobody waits for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from novacron.db import Connection

from .credential import App, MfaCredential, MfaType
from .totp import PERIOD_SECONDS

_COLUMNS = "c.id, c.type, c.name, c.confirmed_at, c.last_used_at, c.created_at"
# The database's clock decides: replicas need not agree on the time.
_STEP = f"floor(extract(epoch FROM clock_timestamp()) / {PERIOD_SECONDS})::bigint"


def _credential(row: tuple[Any, ...]) -> MfaCredential:
    return MfaCredential(row[0], MfaType(row[1]), *row[2:])


class MfaStore:
    """Second factors as they are stored."""

    async def at_login(self, connection: Connection, user_id: UUID | None) -> tuple[bool, App | None]:
        """Whether this user's logins take a second factor, and the app in effect; holds the user's row.

        For None the same statement runs and finds nobody.
        """
        found = await connection.execute(
            f"""
            SELECT u.mfa_enabled, c.id, c.secret_sealed, {_STEP}
              FROM users u
              LEFT JOIN mfa_credentials c ON c.user_id = u.id AND c.type = 'totp' AND c.confirmed_at IS NOT NULL
             WHERE u.id = %s FOR NO KEY UPDATE OF u
            """.encode(),  # noqa: S608 - words of ours
            (user_id,),
        )
        row = await found.fetchone()
        if row is None:
            return False, None
        return row[0], App(row[1], row[2], row[3], True) if row[1] else None

    async def app(self, connection: Connection, user_id: UUID) -> App | None:
        """The user's app, in effect or only begun."""
        found = await connection.execute(
            f"""
            SELECT c.id, c.secret_sealed, {_STEP}, c.confirmed_at IS NOT NULL
              FROM mfa_credentials c WHERE c.user_id = %s AND c.type = 'totp'
            """.encode(),  # noqa: S608 - words of ours
            (user_id,),
        )
        row = await found.fetchone()
        return App(*row) if row else None

    async def begin_app(
        self, connection: Connection, credential_id: UUID, owner: tuple[UUID, UUID], name: str, secret_sealed: str
    ) -> bool:
        """Keep an app that has no effect yet, in place of another such; False: one is in effect.

        ``owner`` is tenant and user.
        """
        made = await connection.execute(
            """
            INSERT INTO mfa_credentials AS c (id, tenant_id, user_id, type, name, secret_sealed)
            VALUES (%s, %s, %s, 'totp', %s, %s)
            ON CONFLICT (user_id) WHERE type = 'totp' DO UPDATE
               SET id = excluded.id, name = excluded.name, secret_sealed = excluded.secret_sealed, last_counter = 0,
                   created_at = now()
             WHERE c.confirmed_at IS NULL
            RETURNING c.id
            """,
            (credential_id, *owner, name, secret_sealed),
        )
        return await made.fetchone() is not None

    async def spend_step(self, connection: Connection, credential_id: UUID | None, step: int) -> bool:
        """Use up a time step and all before it; False: it was used up already.

        Of two who show one code at once the second waits here for the first, and finds it used.
        """
        spent = await connection.execute(
            """
            UPDATE mfa_credentials SET last_counter = %(step)s, last_used_at = now()
             WHERE id = %(id)s AND last_counter < %(step)s RETURNING id
            """,
            {"id": credential_id, "step": step},
        )
        return await spent.fetchone() is not None

    async def spend_recovery_code(self, connection: Connection, user_id: UUID | None, hashes: Sequence[bytes]) -> bool:
        """Use up the recovery code with one of these hashes; False: none, or it was used already."""
        spent = await connection.execute(
            """
            UPDATE mfa_recovery_codes SET used_at = now()
             WHERE user_id = %s AND code_hash = ANY(%s) AND used_at IS NULL RETURNING user_id
            """,
            (user_id, list(hashes)),
        )
        return await spent.fetchone() is not None

    async def spend_either(
        self, connection: Connection, app: tuple[UUID | None, int], codes: tuple[UUID | None, Sequence[bytes]]
    ) -> tuple[bool, bool]:
        """Use up a time step of this app, or else one of this user's recovery codes: which of them it was.

        One statement, whatever there is: for None it finds nobody.
        """
        spent = await connection.execute(
            """
            WITH step AS (
                UPDATE mfa_credentials SET last_counter = %(step)s, last_used_at = now()
                 WHERE id = %(app)s AND last_counter < %(step)s RETURNING id
            ), code AS (
                UPDATE mfa_recovery_codes SET used_at = now()
                 WHERE user_id = %(user_id)s AND code_hash = ANY(%(hashes)s) AND used_at IS NULL
                   AND NOT EXISTS (SELECT FROM step) RETURNING user_id
            )
            SELECT EXISTS (SELECT FROM step), EXISTS (SELECT FROM code)
            """,
            {"app": app[0], "step": app[1], "user_id": codes[0], "hashes": list(codes[1])},
        )
        row = await spent.fetchone()
        assert row is not None
        return row[0], row[1]

    async def confirm(self, connection: Connection, user_id: UUID, credential_id: UUID) -> None:
        """The app counts from now on."""
        await connection.execute(
            "UPDATE mfa_credentials SET confirmed_at = now() WHERE id = %s AND user_id = %s", (credential_id, user_id)
        )

    async def turn_on(self, connection: Connection, user_id: UUID) -> None:
        """From now on this user's logins take a second factor."""
        await self._set_enabled(connection, user_id, True)

    async def replace_recovery_codes(self, connection: Connection, user_id: UUID, hashes: Sequence[bytes]) -> None:
        await connection.execute("DELETE FROM mfa_recovery_codes WHERE user_id = %s", (user_id,))
        await connection.execute(
            "INSERT INTO mfa_recovery_codes (user_id, code_hash) SELECT %s, unnest(%s::bytea[])",
            (user_id, list(hashes)),
        )

    async def credential(self, connection: Connection, credential_id: UUID) -> MfaCredential:
        found = await connection.execute(
            f"SELECT {_COLUMNS} FROM mfa_credentials c WHERE c.id = %s".encode(),  # noqa: S608 - words of ours
            (credential_id,),
        )
        return _credential(await found.fetchone() or ())

    async def credentials(self, connection: Connection, user_id: UUID) -> tuple[MfaCredential, ...]:
        """A user's, oldest first."""
        found = await connection.execute(
            f"SELECT {_COLUMNS} FROM mfa_credentials c WHERE c.user_id = %s ORDER BY c.created_at, c.id".encode(),  # noqa: S608
            (user_id,),
        )
        return tuple(_credential(row) for row in await found.fetchall())

    async def recovery_codes_left(self, connection: Connection, user_id: UUID) -> int:
        found = await connection.execute(
            "SELECT count(*) FROM mfa_recovery_codes WHERE user_id = %s AND used_at IS NULL", (user_id,)
        )
        row = await found.fetchone()
        return int(row[0]) if row else 0

    async def remove(self, connection: Connection, credential_id: UUID) -> None:
        """Remove one of several."""
        await connection.execute("DELETE FROM mfa_credentials WHERE id = %s", (credential_id,))

    async def remove_all(self, connection: Connection, user_id: UUID) -> int:
        """Remove all that a user has, recovery codes too; how many second factors there were."""
        removed = await connection.execute("DELETE FROM mfa_credentials WHERE user_id = %s", (user_id,))
        await connection.execute("DELETE FROM mfa_recovery_codes WHERE user_id = %s", (user_id,))
        await self._set_enabled(connection, user_id, False)
        return removed.rowcount

    async def guessing_is_locked(self, connection: Connection, key: str) -> bool:
        """Whether too many wrong codes came; true for all who hold the user's row after the one that locked it."""
        found = await connection.execute(
            """
            SELECT EXISTS (SELECT FROM login_throttles
                            WHERE scope = 'familiar' AND key = %s AND locked_until > clock_timestamp())
            """,
            (key,),
        )
        row = await found.fetchone()
        return bool(row and row[0])

    async def show_at_session(self, connection: Connection, session_id: UUID) -> None:
        """Note that a session's user has shown a second factor."""
        await connection.execute("UPDATE user_sessions SET second_factor = true WHERE id = %s", (session_id,))

    async def shown_at_session(self, connection: Connection, session_id: UUID) -> bool:
        """Whether a session's user has shown one."""
        found = await connection.execute("SELECT second_factor FROM user_sessions WHERE id = %s", (session_id,))
        row = await found.fetchone()
        return bool(row and row[0])

    async def _set_enabled(self, connection: Connection, user_id: UUID, enabled: bool) -> None:
        await connection.execute(
            "UPDATE users SET mfa_enabled = %s, version = version + 1, updated_at = now() WHERE id = %s"
            " AND mfa_enabled <> %s",
            (enabled, user_id, enabled),
        )
