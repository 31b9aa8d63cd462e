"""The pool over a wire to PostgreSQL that suffers: it is told in typed errors, and no connection is lost for good."""

import asyncio
from urllib.parse import urlsplit

import pytest

from novacron.db import Database
from novacron.errors import Unavailable
from novacron.testing.patience import eventually
from novacron.testing.toxics import Cut, Down, HalfOpen, Reset


@pytest.fixture
async def wire(postgres, fault_proxy):
    return await fault_proxy(postgres.port)


@pytest.fixture
async def database(postgres, wire):
    port = urlsplit(postgres.url()).port
    made = Database(postgres.url().replace(f":{port}/", f":{wire.port}/"), max_connections=2, wait_seconds=1)
    await made.open()
    assert await one(made) == 1
    yield made
    await made.close()


async def one(database):
    async with database.connection() as connection:
        return (await (await connection.execute("SELECT 1")).fetchone())[0]


async def serves(database):
    async def well():
        return await one(database) == 1

    await eventually(well, within=15)
    # Every place in the pool is there again: as many at once as it has.
    assert await asyncio.gather(one(database), one(database)) == [1, 1]


@pytest.mark.parametrize("fault", [Reset(), Down(), Cut(0)], ids=str)
async def test_a_connection_that_breaks_is_a_typed_error_and_is_replaced(wire, database, fault):
    with wire.suffering(fault):
        for _ in range(2):
            with pytest.raises(Exception) as told:
                await one(database)
            assert told.value.reason in ("UNAVAILABLE", "OVERLOADED")
    await serves(database)


async def test_a_connection_that_breaks_in_a_transaction_leaves_nothing_behind(wire, database):
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS wires (word text)")
    with pytest.raises(Unavailable):
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO wires VALUES ('half')")
            with wire.suffering(Reset()):
                await connection.execute("INSERT INTO wires VALUES ('whole')")
    await serves(database)
    async with database.connection() as connection:
        assert await (await connection.execute("SELECT word FROM wires")).fetchall() == []


async def test_callers_who_gave_up_on_a_half_open_connection_take_no_place_for_good(wire, database):
    async def gives_up():
        with pytest.raises((TimeoutError, Unavailable)):
            async with asyncio.timeout(0.3):
                await one(database)

    # The driver tries to cancel the statement, over the same wire and for seconds: a caller's end waits for that.
    with wire.suffering(HalfOpen()):
        await asyncio.gather(*(gives_up() for _ in range(4)))
    await serves(database)


async def test_the_kernel_is_told_to_notice_a_server_whose_host_is_gone(database):
    async with database.connection() as connection:
        said = connection.info.get_parameters()
    assert {"keepalives_idle": "10", "tcp_user_timeout": "25000"}.items() <= said.items()


async def test_what_the_url_says_of_it_holds(postgres):
    database = Database(f"{postgres.url()}?tcp_user_timeout=7000")
    await database.open()
    async with database.connection() as connection:
        assert connection.info.get_parameters()["tcp_user_timeout"] == "7000"
    await database.close()
