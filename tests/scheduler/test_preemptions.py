"""Room that VMs give up for others: claimed in one transaction, never free for anybody else, and given back whole."""

import asyncio
import random
from uuid import UUID, uuid4

import pytest
from google.protobuf.json_format import ParseDict

from novacron.api.scheduler.v1 import (
    ConfirmReservationRequest,
    CreateSchedulingPolicyRequest,
    ExplainPlacementRequest,
    GetReservationRequest,
    GetSchedulingDecisionRequest,
    QuotaLimits,
    ReleaseReservationRequest,
    ReleaseReservationsBatchResponse,
    SchedulingPolicy,
    SetQuotaRequest,
)
from novacron.errors import FailedPrecondition, NoCapacity, NotFound, QuotaExceeded
from novacron.saga.key import SagaKey, set_current_key
from novacron_scheduler.answer import Answer
from novacron_scheduler.batches import Batches
from novacron_scheduler.store import DecisionStore

# At each commit what a node counts as taken is what its reservations count for, and never, within a transaction either, more
# than there is. A node's row is locked by whoever changes it or its reservations, so the sum is of one instant.
_WITNESS = """
CREATE TABLE witnessed (what text);
CREATE FUNCTION exceeded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO witnessed VALUES ('exceeded'); RETURN NEW; END $$;
CREATE TRIGGER exceeded AFTER INSERT OR UPDATE ON nodes FOR EACH ROW WHEN (
    NEW.allocated_cpu_cores > NEW.allocatable_cpu_cores OR NEW.allocated_memory_mb > NEW.allocatable_memory_mb
    OR NEW.allocated_storage_gb > NEW.allocatable_storage_gb) EXECUTE FUNCTION exceeded();
CREATE FUNCTION miscounted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM nodes LEFT JOIN resource_allocations held ON held.node_id = nodes.id AND held.status <> 'deallocated'
        WHERE nodes.id = NEW.id GROUP BY nodes.id
        HAVING allocated_cpu_cores <> coalesce(sum(footprint[1]), 0) OR allocated_memory_mb <> coalesce(sum(footprint[2]), 0)
            OR allocated_storage_gb <> coalesce(sum(footprint[3]), 0)
    ) THEN INSERT INTO witnessed VALUES ('miscounted'); END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER miscounted AFTER UPDATE ON nodes DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION miscounted();
"""


class House:
    """A scheduler whose tenant lets VMs of lower priority give way, and `n1` with 8 vCPU."""

    def __init__(self, scheduler, tenant, resources):
        self.scheduler, self.tenant, self.resources = scheduler, tenant, resources

    async def ask(self, cpu=1, priority=0, vm_id=None, **more):
        said = {"resources": self.resources(cpu, 1024, 10), "priority": priority, "waits": True, **more}
        return await self.scheduler.reserve(vm_id, **said)

    async def place(self, cpu=1, priority=0, **more):
        """A VM that has its place for good."""
        made = await self.ask(cpu, priority, **more)
        await self.confirm(made.vm_id)
        return made.vm_id

    async def confirm(self, vm_id):
        request = ConfirmReservationRequest(vm_id=str(vm_id))
        return await self.scheduler.reservations.ConfirmReservation(request)

    async def get(self, vm_id):
        return await self.scheduler.reservations.GetReservation(GetReservationRequest(vm_id=str(vm_id)))

    async def give_way(self, vm_id, to):
        request = ReleaseReservationRequest(vm_id=str(vm_id), yields_to=str(to))
        return (await self.scheduler.reservations.ReleaseReservation(request)).released

    async def decision(self, vm_id):
        reader = self.scheduler.reservations_as(self.scheduler.user("reservation:read", tenant_id=self.tenant))
        return await reader.GetSchedulingDecision(GetSchedulingDecisionRequest(vm_id=str(vm_id)))

    async def explain(self, cpu, **more):
        stub = self.scheduler.placements(tenant_id=self.tenant)
        return await stub.ExplainPlacement(ExplainPlacementRequest(resources=self.resources(cpu, 1024, 10), **more))

    async def free(self):
        rows = "SELECT allocatable_cpu_cores - allocated_cpu_cores FROM nodes ORDER BY name"
        return [row[0] for row in await self.scheduler.rows(rows)]

    async def sound(self):
        await self.scheduler.check_sums()
        assert await self.scheduler.rows("SELECT what FROM witnessed") == []


async def allow(scheduler, tenant, **rules):
    said = {"name": "urgent", "policy_type": "POLICY_TYPE_PLACEMENT", "rules": {"preempts": "lower_priority", **rules}}
    request = CreateSchedulingPolicyRequest(policy=ParseDict(said, SchedulingPolicy()))
    await scheduler.policies(tenant_id=tenant).CreateSchedulingPolicy(request)


async def witness(scheduler):
    async with scheduler.database.connection() as connection:
        await connection.execute(_WITNESS.encode())


@pytest.fixture
async def house(scheduler, tenant, resources):
    await scheduler.beat("n1")
    await witness(scheduler)
    await allow(scheduler, tenant)
    house = House(scheduler, tenant, resources)
    yield house
    await house.sound()


async def test_what_is_missing_is_taken_over_from_a_lower_one_and_the_place_waits_for_it(house):
    low, high = await house.place(5, name="batch"), uuid4()
    made = await house.ask(6, 10, high, name="web")
    assert (made.priority, list(made.yielding), made.footprint.cpu_cores) == (10, [low], 6)
    assert await house.free() == [0]
    gives = await house.get(low)
    assert (gives.yields_to, gives.resources.cpu_cores, gives.footprint.cpu_cores) == (str(high), 5, 2)
    assert gives.footprint.memory_mib == 1024, "of what there is enough nothing is taken"
    with pytest.raises(FailedPrecondition, match="1 VM has yet to give way to it"):
        await house.confirm(high)
    assert await house.give_way(low, high)
    assert not (await house.get(high)).yielding
    await house.confirm(high)
    assert await house.free() == [2]


async def test_the_decision_says_who_gives_way_and_a_dry_run_says_the_same_without_doing_it(house):
    low = await house.place(8, -5, name="batch")
    told = await house.explain(2, priority=10)
    assert [(one.vm_id, one.name, one.priority) for one in told.yielding] == [(low, "batch", -5)]
    assert await house.free() == [0]
    assert not (await house.get(low)).yields_to
    high = uuid4()
    await house.ask(2, 10, high)
    decision = await house.decision(high)
    assert (
        decision.explanation
        == told.explanation
        == (
            "n1: preempts batch (priority -5), as the policy urgent lets priority 10 do; no node has the room free (1 node:"
            " 1 short of room)"
        )
    )
    assert [one.name for one in decision.candidates] == ["n1"]


async def test_a_claim_that_is_undone_gives_back_what_was_taken_from_those_who_have_not_left(house):
    first, second, high = await house.place(3), await house.place(4), uuid4()
    made = await house.ask(8, 10, high)
    assert sorted(made.yielding) == sorted([first, second])
    assert await house.give_way(first, high)
    await house.scheduler.release(high)
    stays = await house.get(second)
    assert (stays.yields_to, stays.footprint.cpu_cores) == ("", 4)
    assert await house.free() == [4]
    assert not await house.give_way(second, high), "it gives way to nobody any more"
    assert (await house.get(second)).footprint.cpu_cores == 4


async def test_a_release_of_many_at_once_gives_it_back_as_well(house):
    victims = [await house.place(2) for _ in range(4)]
    asked = await house.ask(6, 10)
    gone, *stay = list(asked.yielding)
    batches = Batches(house.scheduler.database, DecisionStore())
    freed = await batches.release([UUID(asked.vm_id), UUID(gone)], Answer(ReleaseReservationsBatchResponse, _released))
    assert set(freed.released_vm_ids) == {asked.vm_id, gone}
    for vm_id in (*stay, *set(victims) - set(asked.yielding)):
        assert (await house.get(vm_id)).footprint.cpu_cores == 2
    assert await house.free() == [2]
    await house.sound()


def _released(vm_ids):
    return ReleaseReservationsBatchResponse(released_vm_ids=map(str, vm_ids))


async def test_one_that_gives_way_is_nobody_elses_to_take_from_nor_one_that_is_only_claimed(house):
    await house.place(8)
    high = await house.ask(4, 10)
    with pytest.raises(NoCapacity, match="nor would it fit if all VMs of a priority below 20 gave way"):
        await house.ask(4, 20)
    assert len((await house.get(high.vm_id)).yielding) == 1


async def test_without_the_policy_or_the_patience_a_refusal_is_what_it_ever_was(scheduler, tenant, resources):
    await scheduler.beat("n1")
    house = House(scheduler, tenant, resources)
    await house.place(8)
    with pytest.raises(NoCapacity) as before:
        await house.ask(1, 10)
    assert before.value.message.endswith(
        "lacks 1 vCPU (free: 0 of 8): no smaller VM and no other condition would fit; release VMs or add a node"
    )
    await allow(scheduler, tenant, groups=["web"])
    with pytest.raises(NoCapacity) as refused:
        await house.ask(1, 10)
    assert refused.value.message == before.value.message
    with pytest.raises(NoCapacity):
        await house.ask(1, 10, groups=["web"], waits=False)
    assert (await house.ask(1, 10, groups=["web"])).yielding


async def test_nobody_gives_way_to_another_tenant(house):
    await house.place(8, tenant_id=str(uuid4()))
    with pytest.raises(NoCapacity):
        await house.ask(1, 1000)


async def test_a_tenant_takes_no_more_than_its_quota_by_it(house):
    await house.place(8)
    limits = SetQuotaRequest(tenant_id=house.tenant, limits=QuotaLimits(cpu_cores=10))
    await house.scheduler.quotas().SetQuota(limits)
    with pytest.raises(QuotaExceeded):
        await house.ask(4, 10)
    assert (await house.ask(2, 10)).yielding


async def test_a_vm_that_gives_way_may_move_away(house):
    low, move, high = await house.place(8), str(uuid4()), uuid4()
    await house.ask(4, 10, high)
    await house.scheduler.beat("n2")
    await house.ask(8, 0, low, move_id=move)
    await house.scheduler.arrive(low, move)
    assert not (await house.get(high)).yielding
    assert (await house.get(low)).yields_to == ""
    assert await house.free() == [4, 0]


async def test_one_that_moves_is_not_asked_to_give_way(house):
    low = await house.place(8)
    await house.scheduler.beat("n2")
    await house.ask(8, 0, low, move_id=str(uuid4()))
    with pytest.raises(NoCapacity):
        await house.ask(1, 10)


async def test_a_step_that_comes_twice_preempts_once_and_too_late_not_at_all(house):
    await house.place(4)
    await house.place(4)
    high, saga_id = uuid4(), uuid4()
    for _ in range(2):
        set_current_key(SagaKey(saga_id, "reserve", "action"))
        assert len((await house.ask(4, 10, high)).yielding) == 1
    set_current_key(None)
    assert len((await house.get(high)).yielding) == 1
    late, saga_id = uuid4(), uuid4()
    set_current_key(SagaKey(saga_id, "reserve", "compensation"))
    await house.scheduler.release(late)
    set_current_key(SagaKey(saga_id, "reserve", "action"))
    with pytest.raises(FailedPrecondition):
        await house.ask(4, 10, late)
    set_current_key(None)
    assert await house.scheduler.rows("SELECT count(*) FROM resource_allocations WHERE yields_to IS NOT NULL") == [(1,)]


async def outcomes(calls):
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for one in (one for one in answers if isinstance(one, BaseException)):
        assert isinstance(one, NoCapacity | NotFound), one
    return [one for one in answers if not isinstance(one, BaseException)]


async def test_of_many_who_race_for_the_same_ones_as_many_get_a_place_as_there_is_room_for(house):
    lows = [await house.place(2) for _ in range(4)]
    made = await outcomes(house.ask(2, 10) for _ in range(12))
    assert len(made) == 4
    assert sorted(vm_id for one in made for vm_id in one.yielding) == sorted(lows), "each gives way to one of them"
    await house.sound()


async def test_whatever_comes_between_no_room_counts_twice_or_gets_lost(house):
    """Claims, ends of them, VMs that leave or are deleted amid it: in any order, and by many at once."""
    chance = random.Random(7)
    held: list[str] = []

    async def one(number):
        for _ in range(6):
            what = chance.random()
            try:
                if what < 0.6 or not held:
                    made = await house.ask(chance.randint(1, 4), chance.randint(0, 3))
                    if not made.yielding:
                        await house.confirm(made.vm_id)
                    else:
                        await asyncio.gather(*(house.give_way(vm_id, made.vm_id) for vm_id in made.yielding))
                        if chance.random() < 0.5:
                            await house.confirm(made.vm_id)
                        else:
                            await house.scheduler.release(made.vm_id)
                            continue
                    held.append(made.vm_id)
                else:
                    await house.scheduler.release(held.pop(chance.randrange(len(held))))
            except (NoCapacity, NotFound, FailedPrecondition):
                pass

    await house.scheduler.beat("n2")
    await asyncio.gather(*(one(number) for number in range(12)))
    await house.sound()
    left = await house.scheduler.rows("SELECT vm_id FROM resource_allocations WHERE status <> 'deallocated'")
    for (vm_id,) in left:
        await house.scheduler.release(vm_id)
    assert await house.free() == [8, 8]
