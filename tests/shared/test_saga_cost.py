"""What a saga costs, counted by PostgreSQL itself."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import pytest

from novacron.db import Database
from novacron.saga import MIGRATIONS, Coordinator, Kind, PostgresLog, Saga, SagaState, Step


@dataclass(frozen=True)
class Nothing:
    pass


async def no_op(context):
    return None


FOUR_STEPS = Saga(
    name="four-steps",
    version=1,
    params=Nothing,
    steps=(
        Step("one", Kind.COMPENSATABLE, no_op, no_op),
        Step("two", Kind.COMPENSATABLE, no_op, no_op),
        Step("three", Kind.COMPENSATABLE, no_op, no_op),
        Step("four", Kind.RETRIABLE, no_op),
    ),
)
# The first saga of a process in which nothing is traced.
PROCESS = """
import asyncio, sys
from dataclasses import dataclass
from uuid import uuid4
from novacron.db import Database
from novacron.saga import Coordinator, Kind, PostgresLog, Saga, Step

@dataclass(frozen=True)
class Modules:
    names: tuple[str, ...] = ()

async def loaded(context):
    return Modules(tuple(name for name in sys.modules if name.partition(".")[0] == "opentelemetry"))

async def main():
    database = Database(sys.argv[1])
    await database.open()
    try:
        steps = (Step("look", Kind.RETRIABLE, loaded, output=Modules),)
        saga = Saga(name="first", version=1, params=Modules, steps=steps)
        coordinator = Coordinator(PostgresLog(database), [saga])
        async with database.connection() as connection:
            begun = await coordinator.begin(connection, saga, uuid4(), Modules())
        coordinator.launch(begun)
        record = await coordinator.wait(begun.record.saga_id, 10)
        print(record.state, record.attempts[-1].output)
    finally:
        await database.close()

asyncio.run(main())
"""
_CALLS = """
SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = %s AND query ILIKE '%%saga%%'
"""
_COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = %s"


@pytest.fixture
async def database(new_database):
    """With one connection: the backend that did the work is the one that is told to write its counters down."""
    migrated = await new_database(MIGRATIONS)
    single = Database(migrated.url, max_connections=1)
    await single.open()
    yield single
    await single.close()


async def one_saga(database, coordinator):
    async with database.connection() as connection:
        begun = await coordinator.begin(connection, FOUR_STEPS, uuid4(), Nothing())
    coordinator.launch(begun)
    record = await coordinator.wait(begun.record.saga_id, 10)
    assert record.state is SagaState.SUCCEEDED


@pytest.fixture
async def counted(database, postgres):
    """``async with counted() as spent``: statements and commits, by PostgreSQL's own counters, when the block has ended."""
    name = database.url.rpartition("/")[2]
    with psycopg.connect(postgres.url(), autocommit=True) as watcher:
        watcher.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

        async def counters():
            # A backend writes its counters down when it has been idle for a moment, or is told to.
            async with database.connection() as connection:
                await connection.execute("SELECT pg_stat_force_next_flush()")
            watcher.execute("SELECT pg_stat_clear_snapshot()")
            return watcher.execute(_CALLS, (name,)).fetchone()[0], watcher.execute(_COMMITS, (name,)).fetchone()[0]

        @asynccontextmanager
        async def block():
            spent = []
            before = await counters()
            yield spent
            spent += [late - early for late, early in zip(await counters(), before, strict=True)]

        yield block


async def test_four_steps_cost_five_commits_and_five_statements_and_read_nothing(database, counted):
    coordinator = Coordinator(PostgresLog(database), [FOUR_STEPS])  # not started: no sweep, no heartbeat
    await one_saga(database, coordinator)  # connections and prepared statements are there from now on
    sagas = 20
    async with counted() as spent:
        for _ in range(sagas):
            await one_saga(database, coordinator)
    statements, commits = spent
    assert statements == 5 * sagas
    # The flushes are transactions of their own, and so is a check of a connection that was idle.
    assert 5 * sagas <= commits <= 5 * sagas + 8
    await coordinator.stop()


async def test_a_saga_that_is_not_traced_does_not_wait_for_what_would_trace_it_to_be_imported(database):
    command = [sys.executable, "-c", PROCESS, database.url]
    told = await asyncio.to_thread(subprocess.run, command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert told.stdout.splitlines()[-1] == "succeeded {'names': []}"


async def test_sagas_at_the_same_time_share_their_commits(database, counted):
    coordinator = Coordinator(PostgresLog(database), [FOUR_STEPS])
    await one_saga(database, coordinator)
    sagas = 40
    async with counted() as spent:
        await asyncio.gather(*(one_saga(database, coordinator) for _ in range(sagas)))
    statements, commits = spent
    # Each begins in a transaction of its own; the four commits after that they may share.
    assert sagas < statements < 3 * sagas
    assert commits <= statements + 8
    await coordinator.stop()


async def test_an_idle_coordinator_asks_at_most_once_a_second(database):
    coordinator = Coordinator(PostgresLog(database), [FOUR_STEPS])
    asked = []
    claim = coordinator._log.claim

    async def counted(*args):
        asked.append(args)
        return await claim(*args)

    coordinator._log.claim = counted
    await coordinator.start()
    await asyncio.sleep(2.5)  # the time itself is what is measured
    await coordinator.stop()
    assert 1 <= len(asked) <= 3
