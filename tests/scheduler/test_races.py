"""Many callers, several schedulers, one database: never over, and nobody is told of a conflict."""

import asyncio
from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import DrainNodeRequest, ReservationServiceStub
from novacron.db import Database
from novacron.errors import NoCapacity

# What stands here was over capacity at some instant, however short.
_WITNESS = """
CREATE TABLE over (name text);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO over VALUES (NEW.name); RETURN NEW; END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE ON nodes FOR EACH ROW WHEN (
    NEW.allocated_cpu_cores > NEW.allocatable_cpu_cores OR NEW.allocated_memory_mb > NEW.allocatable_memory_mb
    OR NEW.allocated_storage_gb > NEW.allocatable_storage_gb) EXECUTE FUNCTION witness();
"""


@pytest.fixture
async def pair(start_scheduler):
    """Two schedulers with a pool each, on one database that witnesses every excess."""
    one = await start_scheduler()
    database = Database(one.database.url, max_connections=16)
    await database.open()
    other = await start_scheduler(database)
    async with one.database.connection() as connection:
        await connection.execute(_WITNESS)
    yield one, other
    await database.close()


async def outcomes(calls):
    """What the calls answered; any error but NoCapacity is the test's failure."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    made = [one for one in answers if not isinstance(one, BaseException)]
    for refusal in (one for one in answers if isinstance(one, BaseException)):
        assert isinstance(refusal, NoCapacity), refusal
    return made


async def test_64_clients_race_for_the_last_50_slots_of_one_node_and_50_get_them(pair, resources):
    one, other = pair
    await one.beat("n1", capacity=resources(64, 10**6, 10**4))
    for _ in range(14):
        await one.reserve()
    servers = one.servers
    clients = [
        ReservationServiceStub(servers.as_service((one, other)[number % 2].server, "vm")) for number in range(64)
    ]
    for _ in range(10):
        vms = [uuid4() for _ in clients]
        made = await outcomes(
            client.ReserveResources(one.demand(vm_id), timeout=60) for client, vm_id in zip(clients, vms, strict=True)
        )
        assert len(made) == 50
        await one.check_sums()
        assert sum(await asyncio.gather(*((one, other)[n % 2].release(vm) for n, vm in enumerate(vms)))) == 50
    assert await one.rows("SELECT name FROM over") == []
    await one.check_sums()


async def test_whoever_loses_a_node_finds_the_next_while_anything_fits(pair, resources):
    one, other = pair
    for number in range(8):
        await one.beat(f"n{number}", capacity=resources(4, 10**6, 10**4))
    for _ in range(5):
        vms = [uuid4() for _ in range(32)]
        made = await outcomes((one, other)[n % 2].reserve(vm_id) for n, vm_id in enumerate(vms))
        assert len(made) == 32
        with pytest.raises(NoCapacity):
            await one.reserve()
        await asyncio.gather(*((one, other)[n % 2].release(vm_id) for n, vm_id in enumerate(vms)))
    assert await one.rows("SELECT name FROM over") == []
    await one.check_sums()


async def test_large_and_small_together_never_exceed_any_dimension(pair, resources):
    one, other = pair
    await one.beat("n1", capacity=resources(16, 8192, 100))
    await one.beat("n2", capacity=resources(8, 32768, 60))
    shapes = [resources(1, 4096, 1), resources(6, 512, 5), resources(2, 1024, 40), resources(1, 256, 10)]
    for _ in range(5):
        vms = [uuid4() for _ in range(40)]
        calls = ((one, other)[n % 2].reserve(vm, resources=shapes[n % 4]) for n, vm in enumerate(vms))
        assert await outcomes(calls)
        await one.check_sums()
        await asyncio.gather(*((one, other)[n % 2].release(vm) for n, vm in enumerate(vms)))
    assert await one.rows("SELECT name FROM over") == []
    await one.check_sums()


async def test_nothing_lands_on_a_node_once_its_drain_has_returned(pair, resources):
    one, other = pair
    for _ in range(5):
        await one.beat("n1", capacity=resources(10_000, 10**7, 10**6))
        vms = [uuid4() for _ in range(30)]
        reserving = [asyncio.create_task((one, other)[n % 2].reserve(vm)) for n, vm in enumerate(vms)]
        await reserving[0]
        drained = await other.nodes("node:drain").DrainNode(DrainNodeRequest(node="n1"))
        made = await outcomes(reserving)
        assert len(made) == drained.allocated.cpu_cores
        await asyncio.gather(*(one.release(vm) for vm in vms))
        await one.nodes("node:drain").DrainNode(DrainNodeRequest(node="n1", undo=True))


async def test_one_vm_asked_for_at_two_schedulers_at_once_is_one_reservation(pair):
    one, other = pair
    for number in range(4):
        await one.beat(f"n{number}")
    for _ in range(10):
        vm_id = uuid4()
        made = await outcomes((one, other)[n % 2].reserve(vm_id) for n in range(8))
        assert len({(reservation.node.name, reservation.decision_id) for reservation in made}) == 1
        assert len(made) == 8
    await one.check_sums()
    assert await one.rows("SELECT count(*) FROM scheduling_decisions") == [(10,)]


async def test_heartbeats_that_change_a_node_while_it_is_claimed_lose_nothing(pair, resources):
    one, other = pair
    capacity = resources(1000, 10**6, 10**4)
    await one.beat("n1", capacity=capacity)

    async def relabel():
        for number in range(20):
            await other.beat("n1", capacity=capacity, labels={"turn": str(number)})

    made, _ = await asyncio.gather(outcomes((one, other)[n % 2].reserve() for n in range(60)), relabel())
    assert len(made) == 60
    await one.check_sums()
