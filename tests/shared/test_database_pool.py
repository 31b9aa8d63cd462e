"""Which of its connections a pool hands out."""

import asyncio

import pytest

from novacron.db import Database


@pytest.fixture
async def database(postgres):
    made = Database(postgres.url(), max_connections=4)
    await made.open()
    yield made
    await made.close()


async def backend(database, together=None):
    async with database.connection() as connection:
        if together is not None:
            await together.wait()
        return (await (await connection.execute("SELECT pg_backend_pid()")).fetchone())[0]


async def test_the_connection_that_worked_last_works_next(database):
    barrier = asyncio.Barrier(4)
    assert len(set(await asyncio.gather(*(backend(database, barrier) for _ in range(4))))) == 4
    assert len({await backend(database) for _ in range(8)}) == 1
