"""The fixtures. Session-wide: one PostgreSQL, one Valkey. Per test: databases, servers, a Redis connection.

A project that loads this plugin also provides the fixture ``identify``: ``name -> Identification`` out of its test CA.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import psycopg
import pytest
import redis.asyncio as redis_client
from psycopg import sql

from ..db import Database, MigrationSource
from ..embedded.account import write_private
from ..embedded.postgres import SUPERUSER, EmbeddedPostgres
from ..embedded.process import free_port
from ..embedded.valkey import EmbeddedValkey
from ..rpc.tls import Identification
from .databases import Databases
from .faultproxy import FaultProxy
from .memory import directory_in_memory
from .servers import Servers

# What it holds ends with the session, and a process that is killed leaves what it wrote to the kernel. A password that lasts as
# long is proved at thousands of connections: that shall not take the time that guards one that is stolen. Its log may lie in
# memory, and shall not fill it.
_FOR_A_SESSION = """\
fsync = off
full_page_writes = off
scram_iterations = 1
max_wal_size = '128MB'
"""


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The session's PostgreSQL, with its superuser."""
    with directory_in_memory(otherwise=tmp_path_factory.mktemp("postgres")) as directory:
        server = EmbeddedPostgres(directory / "data", free_port())
        server.prepare()
        write_private(server.data_directory / "local.conf", _FOR_A_SESSION, server.account)
        try:
            with server.running():
                with psycopg.connect(server.url(), autocommit=True) as connection:
                    password = connection.info.password
                    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(SUPERUSER), password))
                yield server
        finally:
            server.remove()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """The session's Valkey."""
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey") / "data", free_port())
    server.prepare()
    try:
        with server.running():
            yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Databases:
    return Databases(postgres)


@pytest.fixture
def new_database_url(databases: Databases) -> Iterator[Callable[..., str]]:
    """``new_database_url(*sources)``: the URL of a fresh database with these migrations; dropped after the test."""
    made: list[str] = []

    def create(*sources: MigrationSource) -> str:
        made.append(databases.create(*sources))
        return made[-1]

    yield create
    for url in made:
        databases.drop(url)


@pytest.fixture
async def new_database(new_database_url: Callable[..., str]) -> AsyncIterator[Callable[..., object]]:
    """``await new_database(*sources)``: an open :class:`Database` on a fresh, migrated database."""
    opened: list[Database] = []

    async def create(*sources: MigrationSource) -> Database:
        # Creating a template runs its own event loop: it is done in a thread.
        import asyncio

        database = Database(await asyncio.to_thread(new_database_url, *sources), max_connections=32)
        await database.open()
        opened.append(database)
        return database

    yield create
    for database in opened:
        await database.close()


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[redis_client.Redis]:
    """A connection to an empty Valkey."""
    connection = redis_client.Redis.from_url(valkey.url())
    await connection.flushall()
    yield connection
    await connection.aclose()


@pytest.fixture
async def fault_proxy() -> AsyncIterator[Callable[..., Awaitable[FaultProxy]]]:
    """``await fault_proxy(port)``: a wire to a port of this machine that suffers what the test says."""
    async with AsyncExitStack() as stack:

        async def before(port: int, *, seed: int = 0) -> FaultProxy:
            return await stack.enter_async_context(FaultProxy("127.0.0.1", port, seed=seed))

        yield before


@pytest.fixture
async def servers(identify: Callable[[str], Identification]) -> AsyncIterator[Servers]:
    """Starts real servers and opens channels to them."""
    made = Servers(identify)
    yield made
    await made.close()
