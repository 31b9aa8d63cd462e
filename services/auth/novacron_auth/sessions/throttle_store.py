"""Counters of failures beside the one in ``users``: one statement counts, decides and tells, so that none is lost in a race."""

from __future__ import annotations

from datetime import datetime, timedelta

from novacron.db import Connection, Database

from ..users.account import Failures, Lockout

ADDRESS, FAMILIAR = "address", "familiar"


class ThrottleStore:
    """Counts by scope and key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def locked_until(self, scope: str, key: str) -> datetime | None:
        """Until when nothing is tried for this key; None: it may be."""
        async with self._database.connection() as connection:
            found = await connection.execute(
                "SELECT locked_until FROM login_throttles WHERE scope = %s AND key = %s AND locked_until > now()",
                (scope, key),
            )
            row = await found.fetchone()
            return row[0] if row else None

    async def count(
        self, connection: Connection, scope: str, key: str, lockout: Lockout, window: timedelta
    ) -> Failures:
        """One more failure within ``window`` of the first; a lock that stands is never extended."""
        counted = await connection.execute(
            """
            INSERT INTO login_throttles AS l (scope, key, failures, resets_at)
            VALUES (%(scope)s, %(key)s, 1, clock_timestamp() + %(window)s)
            ON CONFLICT (scope, key) DO UPDATE
               SET failures = CASE WHEN l.resets_at <= clock_timestamp() THEN 1 ELSE l.failures + 1 END,
                   locked_until = CASE
                       WHEN l.locked_until > clock_timestamp() THEN l.locked_until
                       WHEN l.resets_at <= clock_timestamp() THEN NULL
                       WHEN l.failures + 1 >= %(attempts)s THEN clock_timestamp() + %(pause)s
                   END,
                   resets_at = CASE
                       WHEN l.resets_at <= clock_timestamp() THEN clock_timestamp() + %(window)s
                       WHEN l.failures + 1 >= %(attempts)s AND l.locked_until IS NULL THEN clock_timestamp() + %(pause)s
                       ELSE l.resets_at
                   END
            RETURNING failures, locked_until IS NOT NULL
            """,
            {"scope": scope, "key": key, "attempts": lockout.attempts, "pause": lockout.pause, "window": window},
        )
        row = await counted.fetchone()
        return Failures(*row) if row else Failures()

    async def forget(self, connection: Connection, scope: str, key: str) -> None:
        await connection.execute("DELETE FROM login_throttles WHERE scope = %s AND key = %s", (scope, key))
