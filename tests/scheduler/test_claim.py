"""The one statement that decides: what it refuses when the world changed between the look and the claim."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from novacron.saga.key import SagaKey, set_current_key
from novacron.testing.patience import eventually
from novacron_scheduler import placement, quota
from novacron_scheduler.node import NodeStatus
from novacron_scheduler.reservation import Decision, Demand
from novacron_scheduler.resources import Resources
from novacron_scheduler.store import LostRace, NodeStore, ReservationStore

STORE = ReservationStore()


def wanted(tenant, cpu=1, vm_id=None):
    return Demand(vm_id=vm_id or uuid4(), tenant_id=UUID(tenant), need=Resources(cpu, 64, 1))


async def look(scheduler, demand):
    """A snapshot, and its best offer."""
    async with scheduler.database.connection() as connection:
        snapshot = await STORE.begin(connection, demand.vm_id, demand.tenant_id)
        await connection.rollback()
    return placement.rank(demand, snapshot.offers).candidates[0]


async def claim(scheduler, demand, candidate):
    decision = Decision(
        decision_id=uuid4(),
        vm_id=demand.vm_id,
        tenant_id=demand.tenant_id,
        requested_resources=demand.need,
        gpu_type="",
        constraints={},
        candidates=(candidate.scored,),
        removed_by_filter={},
        selected=candidate.scored,
        decision_algorithm="test",
        explanation="",
    )
    async with scheduler.database.transaction() as connection:
        return await STORE.claim(connection, demand, candidate.offer, decision, quota.charge(demand.need))


async def nothing_was_written(scheduler):
    counts = await scheduler.rows(
        "SELECT (SELECT count(*) FROM resource_allocations), (SELECT count(*) FROM scheduling_decisions)"
    )
    assert counts == [(0, 0)]
    await scheduler.check_sums()


async def test_a_claim_takes_records_and_answers_in_one_statement(scheduler, tenant):
    await scheduler.beat("n1")
    demand = wanted(tenant)
    made = await claim(scheduler, demand, await look(scheduler, demand))
    assert (made.node.name, made.node.allocated.cpu_cores, made.request_digest) == ("n1", 1, demand.digest())
    await scheduler.check_sums()


async def test_a_node_that_filled_up_since_is_not_claimed(scheduler, tenant, resources):
    await scheduler.beat("n1")
    demand = wanted(tenant, 4)
    seen = await look(scheduler, demand)
    kept = await scheduler.reserve(resources=resources(5, 64, 1))
    assert await claim(scheduler, demand, seen) is None
    await scheduler.release(kept.vm_id)
    assert (await claim(scheduler, demand, seen)) is not None


@pytest.mark.parametrize(
    "change", [{"labels": {"a": "b"}}, {"taints": [{"key": "only"}]}, {"region": "us"}, {"capacity": None}], ids=str
)
async def test_a_node_that_says_something_else_since_is_not_claimed(scheduler, tenant, resources, change):
    await scheduler.beat("n1")
    demand = wanted(tenant)
    seen = await look(scheduler, demand)
    if "capacity" in change:
        change = {"capacity": resources(9, 16384, 500, gpu_count=1, gpu_type="l4")}
    await scheduler.beat("n1", **change)
    assert await claim(scheduler, demand, seen) is None
    await nothing_was_written(scheduler)


async def test_a_heartbeat_that_says_the_same_disturbs_no_claim(scheduler, tenant):
    await scheduler.beat("n1")
    demand = wanted(tenant)
    seen = await look(scheduler, demand)
    await scheduler.beat("n1")
    assert await claim(scheduler, demand, seen) is not None


async def test_a_node_that_was_drained_since_is_not_claimed(scheduler, tenant):
    await scheduler.beat("n1")
    demand = wanted(tenant)
    seen = await look(scheduler, demand)
    async with scheduler.database.connection() as connection:
        assert await NodeStore().set_status(connection, "n1", NodeStatus.MAINTENANCE)
    assert await claim(scheduler, demand, seen) is None
    await nothing_was_written(scheduler)


async def test_a_node_whose_lease_has_passed_since_is_not_claimed(scheduler, tenant):
    await scheduler.beat("n1")
    demand = wanted(tenant)
    seen = await look(scheduler, demand)
    await scheduler.lapse("n1")
    assert await claim(scheduler, demand, seen) is None
    await nothing_was_written(scheduler)


async def test_a_vm_that_was_given_a_place_since_gets_no_second_one(scheduler, tenant):
    await scheduler.beat("n1")
    await scheduler.beat("n2")
    demand = wanted(tenant)
    seen = await look(scheduler, demand)
    other = await look(scheduler, replace(demand, need=Resources(2, 64, 1)))
    await claim(scheduler, demand, other)
    with pytest.raises(LostRace):
        await claim(scheduler, demand, seen)
    await scheduler.check_sums()


_WAITING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE nodes%'
"""
_TAKE_KEY = "INSERT INTO saga_barrier (saga_id, step, operation) VALUES (%s, 'reserve', 'action')"


async def claim_in_flight(scheduler, connection):
    """A reserve that waits for the node's row, which ``connection`` holds; and the backend that waits."""
    await connection.execute("SELECT FROM nodes FOR UPDATE")
    reserving = asyncio.create_task(scheduler.reserve())
    waiting = await eventually(lambda: scheduler.rows(_WAITING))
    return reserving, waiting[0][0]


async def test_a_deadlock_is_no_error_of_the_callers_but_a_reason_to_look_again(scheduler):
    await scheduler.beat("n1")
    saga = uuid4()
    set_current_key(SagaKey(saga, "reserve", "action"))
    async with scheduler.database.connection() as connection, connection.transaction(force_rollback=True):
        reserving, _ = await claim_in_flight(scheduler, connection)
        # The reserve has this key and waits for the node; it has waited longer, so it is the one that is thrown out.
        await connection.execute(_TAKE_KEY, (saga,))
    assert (await reserving).node.name == "n1"
    await scheduler.check_sums()


async def test_a_reserve_whose_connection_breaks_is_repeated_and_takes_its_place_once(scheduler):
    await scheduler.beat("n1")
    async with scheduler.database.connection() as connection, connection.transaction():
        reserving, backend = await claim_in_flight(scheduler, connection)
        await scheduler.rows("SELECT pg_terminate_backend(%s)", backend)
    assert (await reserving).node.allocated.cpu_cores == 1
    await scheduler.check_sums()


async def test_a_reserve_that_its_caller_gave_up_takes_nothing(scheduler):
    await scheduler.beat("n1")
    async with scheduler.database.connection() as connection, connection.transaction():
        reserving, _ = await claim_in_flight(scheduler, connection)
        reserving.cancel()

        async def nobody_waits():
            return not await scheduler.rows(_WAITING)

        await eventually(nobody_waits)
    await nothing_was_written(scheduler)
    assert (await scheduler.reserve()).node.allocated.cpu_cores == 1
