"""How many sagas are unfinished or stuck, and how old the oldest is: of the whole log, not of this process alone.

Every replica tells the same numbers: take their maximum, not their sum. One statement reads them, in the place of a sweep and
not beside it, because it also says whether a sweep would find anything.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from ..db import Database
from ..instruments import Observation, Watched, observed

# Two of the partial indexes, each by its very condition, and nothing of what is over: that may be millions.
_LOOK = """
SELECT name, version,
    count(*) FILTER (WHERE state = 'stuck'),
    count(*) FILTER (WHERE state <> 'stuck'),
    coalesce(extract(epoch FROM clock_timestamp() - min(created_at) FILTER (WHERE state <> 'stuck')), 0)::float8,
    coalesce(bool_or(state <> 'stuck' AND due_at <= now()), false)
FROM (
    SELECT name, version, state, created_at, due_at FROM saga WHERE state IN ('running', 'compensating')
    UNION ALL
    SELECT name, version, state, created_at, due_at FROM saga WHERE state = 'stuck'
) AS unfinished
GROUP BY name, version
"""


@dataclass(slots=True)
class _Backlog:
    """What is unfinished of one name. ``oldest_since`` is by the monotonic clock; None: nothing is."""

    stuck: int = 0
    unfinished: int = 0
    oldest_since: float | None = None


class Watch:
    """Looks at the log every now and then. ``every_seconds`` is how often at most."""

    def __init__(self, database: Database, *, every_seconds: float = 15.0) -> None:
        self._database = database
        self._every_seconds = every_seconds
        self._next = float("-inf")
        self._backlogs: dict[str, _Backlog] = {}
        _watches.add(self)

    async def may_be_due(self, known: Collection[tuple[str, int]]) -> bool:
        """Whether a sweep for these (name, version) may find anything. False only when the log was looked at just now."""
        now = time.monotonic()
        if now < self._next:
            return True
        self._next = now + self._every_seconds
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_LOOK)).fetchall()
        # Names that have nothing unfinished any more are told as none, and not left as they were.
        backlogs = {name: _Backlog() for name in (*self._backlogs, *(name for name, _ in known))}
        some_due = False
        for name, version, stuck, unfinished, age, due in rows:
            backlog = backlogs.setdefault(name, _Backlog())
            backlog.stuck += stuck
            backlog.unfinished += unfinished
            if unfinished:
                since = backlog.oldest_since
                backlog.oldest_since = now - age if since is None else min(since, now - age)
            some_due = some_due or (due and (name, version) in known)
        self._backlogs = backlogs
        return some_due

    def backlogs(self) -> Iterable[tuple[str, _Backlog]]:
        return self._backlogs.items()


_watches: Watched[Watch] = Watched()


def _stuck() -> Iterator[Observation]:
    return (((name,), one.stuck) for watch in _watches for name, one in watch.backlogs())


def _unfinished() -> Iterator[Observation]:
    return (((name,), one.unfinished) for watch in _watches for name, one in watch.backlogs())


def _oldest() -> Iterator[Observation]:
    # It goes on growing between two looks, and when none succeeds any more.
    now = time.monotonic()
    return (
        ((name,), 0.0 if one.oldest_since is None else now - one.oldest_since)
        for watch in _watches
        for name, one in watch.backlogs()
    )


observed("gauge", "novacron.saga.stuck", "{saga}", "Sagas that wait for an operator", ("saga",), _stuck)
observed("gauge", "novacron.saga.unfinished", "{saga}", "Sagas running or compensating", ("saga",), _unfinished)
observed(
    "gauge", "novacron.saga.oldest_unfinished.age", "s", "Age of the oldest saga that is not over", ("saga",), _oldest
)
