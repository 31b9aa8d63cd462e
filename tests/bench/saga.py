"""Four no-op steps: sequential and 50 in flight, beside one INSERT + COMMIT and beside DBOS, interleaved in one run."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from novacron import logs
from novacron.db import Database
from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.process import free_port
from novacron.saga import MIGRATIONS, Coordinator, Kind, PostgresLog, Saga, SagaState, Step
from novacron.settings import ProcessSettings
from novacron.testing.databases import Databases

from .floor import floor
from .peer import peer
from .report import Report, percentile

_LEASE_SECONDS = 3.0


@dataclass(frozen=True)
class Nothing:
    pass


async def no_op(context):
    return None


async def hold(context):
    await asyncio.Event().wait()


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
# The same name and version with a first step that never ends, for the worker that is killed.
HELD = Saga("four-steps", 1, Nothing, (Step("one", Kind.COMPENSATABLE, hold, no_op), *FOUR_STEPS.steps[1:]))


async def run(*, quick: bool = False) -> Report:
    logs.configure(ProcessSettings(log_level="WARNING"), "bench")
    rounds, per_round, crowd = (3, 10, 100) if quick else (10, 40, 1000)
    with tempfile.TemporaryDirectory(prefix="novacron-bench-") as name:
        server = EmbeddedPostgres(Path(name) / "postgres", free_port())
        server.prepare()
        try:
            with server.running():
                report = await _measure(server, rounds, per_round, crowd)
        finally:
            server.remove()
    report.write()
    return report


async def _measure(server: EmbeddedPostgres, rounds: int, per_round: int, crowd: int) -> Report:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE dbos")
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    # Owned by no superuser, as services' databases are: the policies that hold them are part of what is measured.
    databases = Databases(server)
    sagas, counted = await asyncio.to_thread(lambda: [databases.create(MIGRATIONS) for _ in range(2)])
    database = Database(sagas, max_connections=24)
    await database.open()
    coordinator = Coordinator(PostgresLog(database), [FOUR_STEPS])
    await coordinator.start()
    ours, theirs, bare = [], [], []
    async with floor(sagas) as ground, peer("dbos_sagas.py", server.url("dbos")) as dbos:
        await _crowd(coordinator, database, 50, 1)
        await dbos.order(count=50, in_flight=1)
        for _ in range(rounds):
            ours += await _crowd(coordinator, database, per_round, 1)
            theirs += (await dbos.order(count=per_round, in_flight=1))["durations"]
            for _ in range(per_round):
                began = time.perf_counter()
                await ground.commit()
                bare.append(time.perf_counter() - began)
        rates, their_rates, cpu = [], [], 0.0
        for _ in range(4):
            used, began = time.process_time(), time.perf_counter()
            await _crowd(coordinator, database, crowd // 4, 50)
            rates.append(crowd // 4 / (time.perf_counter() - began))
            cpu += time.process_time() - used
            began = time.perf_counter()
            await dbos.order(count=crowd // 4, in_flight=50)
            their_rates.append(crowd // 4 / (time.perf_counter() - began))
    commits, statements = await _counted(server, counted)
    idle = await _idle_queries(server, database.name)
    await coordinator.stop()
    takeover = await _takeover(database)
    await database.close()
    return Report(
        "saga",
        figures={
            "commits_per_saga": commits,
            "statements_per_saga": statements,
            "cpu_ms_per_saga": cpu / crowd * 1000,
            "takeover_s": takeover,
            "lease_s": _LEASE_SECONDS,
            "idle_queries_per_s": idle,
            "p50_ms": percentile(ours, 0.5) * 1000,
            "p99_ms": percentile(ours, 0.99) * 1000,
            "sagas_per_s_50_in_flight": percentile(rates, 0.5),
        },
        floor={"insert_commit_p50_ms": percentile(bare, 0.5) * 1000},
        peer={"dbos_p50_ms": percentile(theirs, 0.5) * 1000, "dbos_per_s_50_in_flight": percentile(their_rates, 0.5)},
        ratios={
            "p50_over_floor": percentile(ours, 0.5) / percentile(bare, 0.5),
            "throughput_over_dbos": percentile(rates, 0.5) / percentile(their_rates, 0.5),
        },
    )


async def _one(coordinator: Coordinator, database: Database) -> float:
    began = time.perf_counter()
    async with database.connection() as connection:
        begun = await coordinator.begin(connection, FOUR_STEPS, uuid4(), Nothing())
    coordinator.launch(begun)
    record = await coordinator.wait(begun.record.saga_id, 60)
    if record.state is not SagaState.SUCCEEDED:
        raise RuntimeError(f"a no-op saga ended {record.state}: {record.error}")
    return time.perf_counter() - began


async def _crowd(coordinator: Coordinator, database: Database, count: int, in_flight: int) -> list[float]:
    durations: list[float] = []
    left = iter(range(count))

    async def one_after_the_other() -> None:
        for _ in left:
            durations.append(await _one(coordinator, database))

    await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
    return durations


async def _counted(server: EmbeddedPostgres, url: str) -> tuple[float, float]:
    """Commits and statements of a saga, by PostgreSQL's own counters, through one connection to a database of its own."""
    database = Database(url, max_connections=1)
    await database.open()
    coordinator = Coordinator(PostgresLog(database), [FOUR_STEPS])
    count = 200

    async def counters() -> tuple[int, int]:
        async with database.connection() as connection:
            await connection.execute("SELECT pg_stat_force_next_flush()")
        async with await psycopg.AsyncConnection.connect(server.url()) as watcher:
            commits = await watcher.execute(
                "SELECT xact_commit FROM pg_stat_database WHERE datname = %s", (database.name,)
            )
            calls = await watcher.execute(
                "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
                "WHERE d.datname = %s AND query ILIKE '%%saga_step%%'",
                (database.name,),
            )
            return (await commits.fetchone())[0], int((await calls.fetchone())[0])

    await _crowd(coordinator, database, 20, 1)
    before = await counters()
    await _crowd(coordinator, database, count, 1)
    after = await counters()
    await database.close()
    return (after[0] - before[0]) / count, (after[1] - before[1]) / count


async def _idle_queries(server: EmbeddedPostgres, name: str) -> float:
    seconds = 5.0
    async with await psycopg.AsyncConnection.connect(server.url(), autocommit=True) as watcher:

        async def calls() -> int:
            found = await watcher.execute(
                "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid "
                "WHERE d.datname = %s AND query ILIKE '%%saga%%'",
                (name,),
            )
            return int((await found.fetchone())[0])

        before = await calls()
        await asyncio.sleep(seconds)
        return (await calls() - before) / seconds


async def _takeover(database: Database) -> float:
    """Seconds from ``kill -9`` of a worker to the end of its saga in another one."""
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.saga", database.url], stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout is not None
    saga_id = await asyncio.to_thread(victim.stdout.readline)
    coordinator = Coordinator(
        PostgresLog(database, lease_seconds=_LEASE_SECONDS), [FOUR_STEPS], lease_seconds=_LEASE_SECONDS
    )
    await coordinator.start()
    os.kill(victim.pid, signal.SIGKILL)
    began = time.perf_counter()
    victim.wait()
    record = await coordinator.wait(UUID(saga_id.strip()), 60)
    await coordinator.stop()
    if record.state is not SagaState.SUCCEEDED:
        raise RuntimeError(f"not taken over: {record.state}")
    return time.perf_counter() - began


async def _victim(url: str) -> None:
    """A worker that begins a saga, says its id, and never gets on."""
    database = Database(url)
    await database.open()
    log = PostgresLog(database, lease_seconds=_LEASE_SECONDS)
    coordinator = Coordinator(log, [HELD], lease_seconds=_LEASE_SECONDS)
    await coordinator.start()
    async with database.connection() as connection:
        begun = await coordinator.begin(connection, HELD, uuid4(), Nothing())
    coordinator.launch(begun)
    print(begun.record.saga_id, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_victim(sys.argv[1]))
