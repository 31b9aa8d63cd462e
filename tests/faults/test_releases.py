"""Two releases of a service on one database: what the older began is carried on by who has its version, and by none else."""

import asyncio
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from novacron.saga import MIGRATIONS, PostgresLog, SagaState
from novacron.testing.patience import eventually

from .release_worker import LEASE_SECONDS, SCHEMA

SCRIPT = Path(__file__).with_name("release_worker.py")


@pytest.fixture
async def database(new_database):
    database = await new_database(MIGRATIONS)
    async with database.connection() as connection:
        await connection.execute(SCHEMA)
    return database


@pytest.fixture
def release(database):
    """``release(1, 2)``: a process with these versions."""
    started = []

    def start(*versions):
        command = [sys.executable, str(SCRIPT), database.url, *map(str, versions)]
        started.append(process := subprocess.Popen(command, stdin=subprocess.PIPE, text=True))
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()


def begin(process, version):
    saga_id = uuid4()
    process.stdin.write(f"{version} {saga_id}\n")
    process.stdin.flush()
    return saga_id


@pytest.fixture
def effects(database):
    async def of(saga_id):
        async with database.connection() as connection:
            rows = await connection.execute("SELECT step, release FROM effect WHERE saga_id = %s", (saga_id,))
            return await rows.fetchall()

    return of


async def test_an_older_version_ends_beside_a_newer_one(database, release, effects):
    log = PostgresLog(database)

    async def state(saga_id):
        record = await log.read(saga_id)
        return record and record.state

    async def succeeded(saga_id):
        return await state(saga_id) is SagaState.SUCCEEDED

    # The old release is in the midst of a saga when the new one, which no longer knows its version, comes up beside it.
    old, new = release(1), release(2)
    older = begin(old, 1)
    await eventually(lambda: effects(older), within=30, message="the old release has carried out its first step")
    newer = begin(new, 2)
    await eventually(lambda: succeeded(newer), within=30, message="the new release's saga ends")
    assert await effects(newer) == [("one", "2"), ("between", "2"), ("last", "2")]

    # The old release dies. The new one takes up sagas of its own version from then on, and leaves that one alone.
    old.kill()
    await asyncio.sleep(LEASE_SECONDS)  # the lease itself is what must pass
    after = begin(new, 2)
    await eventually(lambda: succeeded(after), within=30, message="the new release goes on")
    assert await state(older) is SagaState.RUNNING
    assert await effects(older) == [("one", "1")]

    # A release that has both versions carries it on where it stood, by its own version's steps.
    release(1, 2)
    async with database.connection() as connection:
        await connection.execute("INSERT INTO gate DEFAULT VALUES")
    await eventually(lambda: succeeded(older), within=30, message="the older saga ends")
    assert await effects(older) == [("one", "1"), ("two", "1+2"), ("last", "1+2")]
