"""A pool's connections, under the names of OpenTelemetry's conventions for database clients; read when somebody collects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from .. import instruments

if TYPE_CHECKING:
    from .pool import Database

_POOL = "db.client.connection.pool.name"
_watched: instruments.Watched[Database] = instruments.Watched()


def watch(database: Database) -> None:
    """Show this pool for as long as it lives."""
    _watched.add(database)


def _counts() -> Iterator[instruments.Observation]:
    for database in _watched:
        gauges = database.gauges()
        idle = gauges.get("pool_available", 0)
        yield (database.name, "idle"), idle
        yield (database.name, "used"), gauges.get("pool_size", 0) - idle


def _each(gauge: str) -> Callable[[], Iterable[instruments.Observation]]:
    def observe() -> Iterator[instruments.Observation]:
        for database in _watched:
            yield (database.name,), database.gauges().get(gauge, 0)

    return observe


instruments.observed(
    "gauge",
    "db.client.connection.count",
    "{connection}",
    "Connections, by what they do",
    (_POOL, "db.client.connection.state"),
    _counts,
)
instruments.observed(
    "gauge", "db.client.connection.max", "{connection}", "The most connections", (_POOL,), _each("pool_max")
)
instruments.observed(
    "gauge",
    "db.client.connection.pending_requests",
    "{request}",
    "Who waits for a connection",
    (_POOL,),
    _each("requests_waiting"),
)
instruments.observed(
    "counter",
    "db.client.connection.timeouts",
    "{timeout}",
    "Waits for a connection that ended without one",
    (_POOL,),
    _each("requests_errors"),
)
instruments.observed(
    "counter",
    "novacron.db.connections.lost",
    "{connection}",
    "Connections that were found dead",
    (_POOL,),
    _each("connections_lost"),
)
