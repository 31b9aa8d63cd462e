"""Reserves that wait at the same time and are claimed together: each as right as if it were alone, none spoilt by another."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import pytest

from novacron.db import Database
from novacron.errors import AlreadyExists, NoCapacity, QuotaExceeded, StepCompensated, Unavailable
from novacron.paging import PageTokens
from novacron.saga.key import SagaKey, set_current_key
from novacron.testing.patience import eventually
from novacron_scheduler import messages, placement, quota
from novacron_scheduler.decision import decide
from novacron_scheduler.inventory.live import Inventory
from novacron_scheduler.node import Description, Heartbeat, NodeStatus, NodeType
from novacron_scheduler.nodes import Nodes
from novacron_scheduler.policies import Policies
from novacron_scheduler.policy import Policy, PolicyType
from novacron_scheduler.quota import Limits
from novacron_scheduler.quotas import Quotas
from novacron_scheduler.reservation import Demand
from novacron_scheduler.reservations import Reservations
from novacron_scheduler.resources import Ratios, Resources
from novacron_scheduler.store import DecisionStore, NodeStore, PolicyStore, QuotaStore, ReservationStore

TENANT = uuid4()
TOKENS = PageTokens(b"k" * 32)
# The first goes alone; whatever comes behind it gathers, the second of these as well.
AHEAD = 2
_SUMS = """
SELECT nodes.name, allocated_cpu_cores, coalesce(sum(cpu_cores), 0)::bigint FROM nodes
LEFT JOIN resource_allocations held ON held.node_id = nodes.id AND held.status <> 'deallocated' GROUP BY nodes.id
"""
_WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class World:
    """A database of nodes, and schedulers that each know what they know."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.nodes = Nodes(database, NodeStore(), TOKENS, Ratios(), 3600)
        self.quotas = Quotas(database, QuotaStore(), TOKENS)

    def scheduler(self, fresh_seconds=3600.0):
        """One that reads its inventory once, unless told otherwise: whatever others do, it does not see."""
        inventory = Inventory(self.database, fresh_seconds=fresh_seconds)
        return Reservations(self.database, ReservationStore(), DecisionStore(), TOKENS, inventory)

    async def beat(self, name, cpu=8, zone="", **changes):
        said = Description("h", "192.0.2.1", "192.0.2.1:1", NodeType.COMPUTE, "", zone, ("kvm",), {}, (), "", "")
        await self.nodes.heartbeat(Heartbeat(name, "default", 1, said, Resources(cpu, 65536, 1000), **changes), name)

    async def rows(self, query, *values):
        async with self.database.connection() as connection:
            return await (await connection.execute(query, values or None)).fetchall()

    async def check_sums(self):
        for name, allocated, held in await self.rows(_SUMS):
            assert allocated == held, name


@pytest.fixture
async def world(new_database, migrations):
    yield World(await new_database(*migrations))
    set_current_key(None)


def wanted(cpu=1, vm_id=None, **conditions):
    return Demand(vm_id or uuid4(), conditions.pop("tenant", TENANT), Resources(cpu, 64, 1), **conditions)


async def reserve(scheduler, demand, key=None):
    set_current_key(key)
    return await scheduler.reserve(demand, messages.RESERVED)


async def together(scheduler, *asked):
    """What each was answered; asked are demands, or demands with their keys."""
    pairs = [one if isinstance(one, tuple) else (one, None) for one in asked]
    calls = (asyncio.create_task(reserve(scheduler, *pair)) for pair in pairs)
    return await asyncio.gather(*calls, return_exceptions=True)


def under_way(calls):
    """Calls that have begun, and are awaited later."""
    return asyncio.ensure_future(calls)


async def behind_others(scheduler, *asked):
    """The same, with others ahead of them: these are one group."""
    return (await together(scheduler, *(wanted(tenant=uuid4()) for _ in range(AHEAD)), *asked))[AHEAD:]


def moments(made):
    """Of the transactions in which these were claimed: what is written together has one time."""
    return {one.allocated_at.ToNanoseconds() for one in made}


def action(saga_id=None):
    return SagaKey(saga_id or uuid4(), "reserve", "action")


async def test_those_that_wait_are_claimed_in_one_transaction_and_spread_as_if_they_had_come_one_by_one(world):
    for number in range(4):
        await world.beat(f"n{number}")
    scheduler = world.scheduler()
    made = await behind_others(scheduler, *((wanted(), action()) for _ in range(14)))
    assert len(moments(made)) == 1
    placed = await world.rows("SELECT name, allocated_cpu_cores FROM nodes")
    assert dict(placed) == {f"n{number}": 4 for number in range(4)}
    await world.check_sums()


async def test_each_of_a_group_has_its_decision_and_its_stored_answer(world):
    await world.beat("n1", 64)
    scheduler = world.scheduler()
    asked = [(wanted(), action()) for _ in range(4)]
    made = await behind_others(scheduler, *asked)
    again = [await reserve(scheduler, *one) for one in asked]
    assert [one.SerializeToString() for one in again] == [one.SerializeToString() for one in made]
    for (demand, _), reservation in zip(asked, made, strict=True):
        decision = await scheduler.decision(demand.vm_id, None)
        assert str(decision.decision_id) == reservation.decision_id
        assert decision.selected.name == "n1"
        assert decision.explanation.startswith("n1: score ")
    assert await world.rows("SELECT count(*) FROM scheduling_decisions") == [(AHEAD + 4,)]


async def test_twins_in_one_group_are_one_reservation_and_a_contradiction_is_told(world):
    await world.beat("n1", 64)
    demand = wanted()
    twin, other = wanted(vm_id=demand.vm_id), wanted(2, vm_id=demand.vm_id)
    first, second, contrary, neighbour = await behind_others(world.scheduler(), demand, twin, other, wanted())
    assert first == second
    assert isinstance(contrary, AlreadyExists)
    assert neighbour.node.name == "n1"
    await world.check_sums()


async def test_a_key_that_comes_twice_in_one_group_takes_effect_once(world):
    await world.beat("n1", 64)
    key, demand = action(), wanted()
    first, second, third = await behind_others(world.scheduler(), (demand, key), (demand, key), (wanted(), action()))
    assert first == second
    assert third.vm_id != first.vm_id
    assert await world.rows("SELECT count(*) FROM resource_allocations") == [(AHEAD + 2,)]
    assert await world.rows("SELECT count(*) FROM saga_barrier WHERE response IS NULL") == [(0,)]
    await world.check_sums()


async def test_a_reserve_that_was_undone_before_it_came_stays_undone_and_its_group_does_not_notice(world):
    await world.beat("n1", 64)
    scheduler, saga, demand = world.scheduler(), uuid4(), wanted()
    set_current_key(SagaKey(saga, "reserve", "compensation"))
    await scheduler.release(demand.vm_id, messages.RELEASED)
    before, undone, after = await behind_others(
        scheduler, (wanted(), action()), (demand, action(saga)), (wanted(), action())
    )
    assert isinstance(undone, StepCompensated)
    assert len(moments([before, after])) == 1
    await world.check_sums()


async def test_a_group_takes_of_a_quota_what_is_left_of_it_and_others_take_what_there_is(world):
    await world.beat("n1", 64)
    limited, free = uuid4(), uuid4()
    await world.quotas.set(limited, Limits(vms=3), ("vms",))
    asked = [(wanted(tenant=limited if number % 2 else free), action()) for number in range(12)]
    answers = await behind_others(world.scheduler(), *asked)
    refused = [one for one in answers if isinstance(one, BaseException)]
    assert [type(one) for one in refused] == [QuotaExceeded] * 3
    made = Counter(one.tenant_id for one in answers if not isinstance(one, BaseException))
    assert made == {str(limited): 3, str(free): 6}
    assert (await world.quotas.get(limited, None)).used.vms == 3
    # Who was refused left no key behind: with room in the quota the same request is carried out.
    await world.quotas.set(limited, Limits(vms=6), ("vms",))
    again = await together(
        world.scheduler(), *(one for one, told in zip(asked, answers, strict=True) if told in refused)
    )
    assert not [one for one in again if isinstance(one, BaseException)]
    await world.check_sums()


async def test_a_quota_that_shrinks_between_the_look_and_the_claim_is_kept(world):
    await world.beat("n1", 64)
    limited, scheduler = uuid4(), world.scheduler()
    await world.quotas.set(limited, Limits(vms=9), ("vms",))
    async with world.database.connection() as connection, connection.transaction():
        await connection.execute("UPDATE tenant_quotas SET limit_vms = 0 WHERE tenant_id = %s", (limited,))
        asked = [(wanted(tenant=limited), action()) for _ in range(5)]
        calls = under_way(together(scheduler, *asked, (wanted(), action())))
        await eventually(lambda: world.rows(_WAITING))
    answers = await calls
    assert [type(one) for one in answers[:-1]] == [QuotaExceeded] * 5
    assert answers[-1].node.name == "n1"
    assert (await world.quotas.get(limited, None)).used.vms == 0
    await world.check_sums()


async def test_nodes_that_another_scheduler_filled_or_closed_are_no_error_of_a_late_one(world):
    for name, cpu in (("n1", 64), ("n2", 32), ("n3", 4)):  # the third is never the best
        await world.beat(name, cpu)
    late, other = world.scheduler(), world.scheduler()
    assert (await reserve(late, wanted())).node.name == "n1"
    await reserve(other, wanted(63, node="n1"))
    await world.nodes.drain("n2", messages.NODE, undo=False)
    made = await together(late, *((wanted(), action()) for _ in range(4)))
    assert [one.node.name for one in made] == ["n3"] * 4
    decision = await late.decision(UUID(made[-1].vm_id), None)
    assert decision.removed_by_filter == {"maintenance": 1, "resources": 1}
    await world.check_sums()


async def test_a_node_that_is_fuller_than_known_takes_those_of_a_group_that_still_fit(world):
    await world.beat("n1", 8)
    late, other = world.scheduler(), world.scheduler()
    await reserve(late, wanted())
    await reserve(other, wanted(3))
    answers = await together(late, *((wanted(), action()) for _ in range(9)))
    assert sum(isinstance(one, NoCapacity) for one in answers) == 5
    assert await world.rows("SELECT allocated_cpu_cores FROM nodes") == [(8,)]
    assert await world.rows("SELECT count(*) FROM saga_barrier") == [(4,)]
    await world.check_sums()


async def test_that_nothing_fits_is_never_said_by_an_inventory_that_is_late(world):
    await world.beat("n1", 2)
    late, other = world.scheduler(), world.scheduler()
    held = await reserve(late, wanted(2))
    await other.release(UUID(held.vm_id), messages.RELEASED)
    assert (await reserve(late, wanted(2))).node.name == "n1"
    with pytest.raises(NoCapacity):
        await reserve(late, wanted(1))
    await world.beat("n2", 2)
    assert (await reserve(late, wanted(1))).node.name == "n2"


async def test_an_inventory_in_use_hears_of_others_by_itself(world):
    await world.beat("n1", 2)
    scheduler = world.scheduler(fresh_seconds=0.05)
    await reserve(scheduler, wanted(vm_id=(gone := uuid4())))
    await world.beat("n2", 64)
    await world.beat("n1", 2, reserved=Resources(1, 64))
    await world.nodes.drain("n1", messages.NODE, undo=False)
    await scheduler.release(gone, messages.RELEASED)

    async def seen():
        made = await reserve(scheduler, wanted())
        said = await scheduler.decision(UUID(made.vm_id), None)
        return said.removed_by_filter == {"maintenance": 1} and len(said.candidates) == 1

    await eventually(seen)


async def test_a_vm_that_is_given_a_place_elsewhere_meanwhile_takes_no_second_and_its_group_gets_through(world):
    await world.beat("n1", 64)
    await world.beat("n2", 4)
    scheduler, store, demand = world.scheduler(), ReservationStore(), wanted()
    async with world.database.connection() as connection:
        # The twin's claim: written, and not committed when the group looks.
        snapshot = await store.begin(connection, demand.vm_id, demand.tenant_id)
        place = next(offer for offer in snapshot.offers if offer.name == "n2")
        ranking = placement.rank(demand, [place])
        decision = decide(demand, ranking, ranking.candidates[0], "the twin's")
        assert await store.claim(connection, demand, place, decision, quota.charge(demand.need))
        calls = under_way(behind_others(scheduler, demand, *((wanted(), action()) for _ in range(3))))
        await eventually(lambda: world.rows(_WAITING))
        await connection.execute("COMMIT")
    twin, *others = await calls
    assert twin.node.name == "n2"
    assert len(others) == 3
    assert not [one for one in others if isinstance(one, BaseException)]
    await world.check_sums()


async def test_a_group_whose_connection_breaks_is_repeated_and_each_takes_its_place_once(world):
    await world.beat("n1", 64)
    scheduler = world.scheduler()
    asked = [(wanted(), action()) for _ in range(6)]
    async with world.database.connection() as connection, connection.transaction():
        await connection.execute("SELECT FROM nodes FOR UPDATE")
        calls = under_way(together(scheduler, *asked))
        await eventually(lambda: world.rows(_WAITING))
        while not calls.done():
            await world.rows("SELECT pg_terminate_backend(pid) FROM (" + _WAITING + ") waiting")
    answers = await calls
    assert {type(one) for one in answers} == {Unavailable}
    again = await together(scheduler, *asked)
    assert len({one.vm_id for one in again}) == 6
    assert await world.rows("SELECT count(*), sum(cpu_cores)::bigint FROM resource_allocations") == [(6, 6)]
    await world.check_sums()


async def test_who_gives_up_waiting_takes_nobody_along(world):
    await world.beat("n1", 64)
    scheduler = world.scheduler()
    async with world.database.connection() as connection, connection.transaction():
        await connection.execute("SELECT FROM nodes FOR UPDATE")
        calls = [asyncio.create_task(reserve(scheduler, wanted(), action())) for _ in range(6)]
        await eventually(lambda: world.rows(_WAITING))
        for call in calls[::2]:
            call.cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in answers[::2])
    assert {one.node.name for one in answers[1::2]} == {"n1"}
    await world.check_sums()


@pytest.mark.parametrize(
    "said",
    [
        {"rules": {"spread_over": "availability_zone"}},
        {"anti_affinity_rules": ({"kind": "anti_affinity"},)},
        {"anti_affinity_rules": ({"kind": "anti_affinity", "over": "availability_zone"},)},
        {"anti_affinity_rules": ({"kind": "anti_affinity", "required": True},)},
    ],
    ids=["spread", "apart by node", "apart by zone", "apart by node, always"],
)
async def test_vms_of_one_group_see_one_another_where_their_policy_looks_at_neighbours(world, said):
    for number, cpu in enumerate((1000, 8, 8)):
        await world.beat(f"n{number}", cpu, zone=f"z{number}")
    policy = Policy(uuid4(), TENANT, "apart", PolicyType.PLACEMENT, **said)
    await Policies(world.database, PolicyStore(), TOKENS).create(policy, None)
    others = [(wanted(tenant=uuid4()), action()) for _ in range(3)]
    answers = await behind_others(world.scheduler(), *((wanted(), action()) for _ in range(3)), *others)
    assert {one.node.name for one in answers[3:]} == {"n0"}
    placed = await world.rows("SELECT count(*) FROM resource_allocations WHERE tenant_id = %s GROUP BY node_id", TENANT)
    assert placed == [(1,)] * 3
    await world.check_sums()


async def test_a_node_whose_lease_passed_unnoticed_takes_nothing(world):
    await world.beat("n1", 64)
    scheduler = world.scheduler()
    await reserve(scheduler, wanted())
    await world.rows("UPDATE nodes SET lease_until = now() - interval '1 s' RETURNING id")
    with pytest.raises(NoCapacity, match="not ready"):
        await reserve(scheduler, wanted())
    assert (await world.nodes.get("n1")).status is NodeStatus.NOT_READY
