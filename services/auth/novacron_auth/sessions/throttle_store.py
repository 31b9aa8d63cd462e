"""Counters of failures beside the one in ``users``: one statement counts, decides and tells, so that none is lost in a race."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from novacron.db import Connection, Database

from ..users.account import Failures, Lockout

ADDRESS, FAMILIAR = "address", "familiar"


@dataclass(frozen=True, slots=True)
class Counter:
    """Where a failure is counted, for how long together, and how many are too many. One of each scope at a time."""

    scope: str
    key: str
    lockout: Lockout
    window: timedelta


def _limits(lockout: Lockout) -> dict[str, int | str]:
    return {"attempts": lockout.attempts, "pause": f"{lockout.pause.total_seconds()} s"}


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
        (counted,) = await self.count_all(connection, [Counter(scope, key, lockout, window)])
        return counted

    async def count_all(self, connection: Connection, counters: Sequence[Counter]) -> list[Failures]:
        """One more failure at each, in order; none is a statement too, so that its time does not tell how many there are."""
        counted = await connection.execute(
            """
            INSERT INTO login_throttles AS l (scope, key, failures, resets_at)
            SELECT c.scope, c.key, 1, clock_timestamp() + c.span
              FROM unnest(%(scopes)s::text[], %(keys)s::text[], %(windows)s::interval[]) AS c (scope, key, span)
            ON CONFLICT (scope, key) DO UPDATE
               SET failures = CASE WHEN l.resets_at <= clock_timestamp() THEN 1 ELSE l.failures + 1 END,
                   locked_until = CASE
                       WHEN l.locked_until > clock_timestamp() THEN l.locked_until
                       WHEN l.resets_at <= clock_timestamp() THEN NULL
                       WHEN l.failures + 1 >= (%(limits)s::jsonb -> l.scope ->> 'attempts')::int
                       THEN clock_timestamp() + (%(limits)s::jsonb -> l.scope ->> 'pause')::interval
                   END,
                   resets_at = CASE
                       WHEN l.resets_at <= clock_timestamp() THEN excluded.resets_at
                       WHEN l.failures + 1 >= (%(limits)s::jsonb -> l.scope ->> 'attempts')::int AND l.locked_until IS NULL
                       THEN clock_timestamp() + (%(limits)s::jsonb -> l.scope ->> 'pause')::interval
                       ELSE l.resets_at
                   END
            RETURNING scope, failures, locked_until IS NOT NULL
            """,
            {
                "scopes": [one.scope for one in counters],
                "keys": [one.key for one in counters],
                "windows": [one.window for one in counters],
                "limits": Jsonb({one.scope: _limits(one.lockout) for one in counters}),
            },
        )
        found = {scope: Failures(failures, locked) for scope, failures, locked in await counted.fetchall()}
        return [found[one.scope] for one in counters]

    async def forget(self, connection: Connection, scope: str, key: str) -> None:
        await connection.execute("DELETE FROM login_throttles WHERE scope = %s AND key = %s", (scope, key))
