"""A service's one door to its database.

Connections are in autocommit: a single statement is its own transaction, one round trip, one commit. Everything more
goes through :meth:`Database.transaction`. In a tenant's request they see that tenant's rows alone. Faults of the server leave
here as typed errors: ``Unavailable`` (it may or may not have been committed), ``Conflict`` (lost a race, nothing was),
``Overloaded`` (no connection was free, nothing was sent).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout
from pydantic_core import from_json

from ..errors import Conflict, InvalidArgument, Overloaded, Unavailable
from ..settings import ServiceSettings
from . import pool_metrics
from .row_security import Connection, TenantConnection

# A server whose host is gone says nothing: the kernel asks after 10 s of silence and gives up 15 s later. Left to itself it
# asks after two hours, and waits a quarter of one for the acknowledgement of what was sent. What the URL says of it holds.
_NOTICE_DEATH = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    "connect_timeout": 5,
}
# A connection that answered this recently is handed out unasked.
_TRUSTED_SECONDS = 1.0
# Every document of every row is read by this: in a seventh of the time that the standard library takes.
set_json_loads(from_json)
_LOST_RACES = (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable)


class _PooledConnection(TenantConnection):
    """A connection that knows when it last worked."""

    last_used: float = 0.0


async def _check(connection: psycopg.AsyncConnection[Any]) -> None:
    if time.monotonic() - getattr(connection, "last_used", 0.0) > _TRUSTED_SECONDS:
        await AsyncConnectionPool.check_connection(connection)


async def _configure(connection: _PooledConnection) -> None:
    await connection.begin_session()
    # A statement that a dead client left running must not hold its locks for ever.
    await connection.execute("SET idle_in_transaction_session_timeout = '15s'; SET lock_timeout = '10s'")


@contextmanager
def typed_errors() -> Iterator[None]:
    """Translate what psycopg raises for a server that is away, slow or of another mind."""
    try:
        yield
    except _LOST_RACES as error:
        raise Conflict("another transaction was faster: read again and repeat") from error
    except PoolTimeout as error:
        raise Overloaded("no database connection is free: retry in a moment", retry_after_seconds=0.5) from error
    except psycopg.DataError as error:
        # The one character that protobuf's strings have and PostgreSQL's lack: in a text the driver refuses it, in jsonb the
        # server. Any other DataError is a fault of ours.
        if "NUL" not in str(error) and not isinstance(error, pg.UntranslatableCharacter):
            raise
        raise InvalidArgument("a text holds the character NUL (U+0000): leave it out") from error
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolClosed) as error:
        raise Unavailable("the database does not answer: retry in a moment", retry_after_seconds=0.5) from error


class _Stack(deque[Any]):
    """The idle connections of a pool, which takes the first and puts back at the end: here that is the first again.

    It has its statements prepared and planned. In turns every connection would have to, and none could rest.
    """

    def append(self, connection: Any) -> None:
        self.appendleft(connection)


class Database:
    """A pool of connections to one database. Heals by itself after the server restarts."""

    def __init__(
        self,
        url: str,
        *,
        min_connections: int = 1,
        max_connections: int = 16,
        max_lifetime_seconds: float = 3600,
        max_idle_seconds: float = 600,
        wait_seconds: float = 5.0,
    ) -> None:
        self.url = url
        said = psycopg.conninfo.conninfo_to_dict(url)
        self.name = str(said.get("dbname", ""))
        self._pool: AsyncConnectionPool[_PooledConnection] = AsyncConnectionPool(
            url,
            connection_class=_PooledConnection,
            kwargs={"autocommit": True, **{name: _NOTICE_DEATH[name] for name in _NOTICE_DEATH.keys() - said.keys()}},
            min_size=min_connections,
            max_size=max(max_connections, min_connections),
            max_lifetime=max_lifetime_seconds,
            max_idle=max_idle_seconds,
            timeout=wait_seconds,
            # Tries to reconnect give up early and begin anew with the next request: no growing pause after an outage.
            reconnect_timeout=5.0,
            check=_check,
            configure=_configure,
            open=False,
        )
        self._pool._pool = _Stack()  # it has no setting for this
        pool_metrics.watch(self)

    @classmethod
    def from_settings(cls, settings: ServiceSettings) -> Database:
        return cls(
            str(settings.database_url),
            min_connections=settings.database_min_connections,
            max_connections=settings.database_max_connections,
            max_lifetime_seconds=settings.database_max_lifetime_seconds,
            max_idle_seconds=settings.database_max_idle_seconds,
        )

    async def open(self) -> None:
        """Start the pool; does not wait for the server, which may come up later."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit: each statement is durable when it returns."""
        with typed_errors():
            async with self._pool.connection() as connection:
                yield connection
                connection.last_used = time.monotonic()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    def gauges(self) -> dict[str, int]:
        """The pool's own counters: size, available, waiting requests, errors."""
        return dict(self._pool.get_stats())
