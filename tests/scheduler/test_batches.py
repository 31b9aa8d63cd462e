"""Many VMs at once: all of them or as many as fit, in one transaction, each with its own answer."""

import asyncio
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novacron.api.errors.v1 import REASON_ALREADY_EXISTS, REASON_NO_CAPACITY, REASON_QUOTA_EXCEEDED
from novacron.api.scheduler.v1 import (
    BATCH_MODE_BEST_EFFORT,
    BatchServiceStub,
    CreateSchedulingPolicyRequest,
    GetSchedulingDecisionRequest,
    ReleaseReservationsBatchRequest,
    ReserveResourcesBatchRequest,
    SetQuotaRequest,
    add_BatchServiceServicer_to_server,
)
from novacron.errors import AlreadyExists, InvalidArgument, NoCapacity, QuotaExceeded, StepCompensated
from novacron.saga.key import SagaKey, set_current_key
from novacron_scheduler.batch import largest_first, plan
from novacron_scheduler.batch_servicer import BatchServicer
from novacron_scheduler.batches import Batches
from novacron_scheduler.node import NodeStatus, NodeType
from novacron_scheduler.overcommit import UNSHARED
from novacron_scheduler.placement import Offer
from novacron_scheduler.quota import Limits, Quota, Usage
from novacron_scheduler.reservation import Demand
from novacron_scheduler.resources import Resources
from novacron_scheduler.store import DecisionStore


class Reserving:
    """The service as the vm service sees it."""

    def __init__(self, scheduler, stub):
        self.scheduler, self.stub = scheduler, stub

    async def reserve(self, demands, **mode):
        request = ReserveResourcesBatchRequest(requests=demands, **mode)
        return (await self.stub.ReserveResourcesBatch(request)).answers

    async def best_effort(self, demands):
        return await self.reserve(demands, mode=BATCH_MODE_BEST_EFFORT)

    async def release(self, demands):
        request = ReleaseReservationsBatchRequest(vm_ids=[one.vm_id for one in demands])
        return list((await self.stub.ReleaseReservationsBatch(request)).released_vm_ids)

    async def held(self):
        found = await self.scheduler.rows("SELECT vm_id::text FROM resource_allocations WHERE status = 'active'")
        return {vm_id for (vm_id,) in found}


@pytest.fixture
async def batch(scheduler):
    """Two nodes with 8 vCPU and 16 GiB each."""
    await scheduler.beat("n1")
    await scheduler.beat("n2")
    batches = Batches(scheduler.database, DecisionStore())
    server = await scheduler.servers.start(
        "scheduler", [(add_BatchServiceServicer_to_server, BatchServicer(batches, UNSHARED))]
    )
    return Reserving(scheduler, BatchServiceStub(scheduler.servers.as_service(server, "vm")))


@pytest.fixture
def vms(scheduler, resources):
    """``vms(4, 2)``: demands of so many vCPUs each."""
    return lambda *cores, **more: [scheduler.demand(resources=resources(one, 512), **more) for one in cores]


def nodes_of(answers):
    return [one.reservation.node.name for one in answers]


async def test_all_vms_get_their_places_in_the_order_of_the_request(scheduler, batch, vms):
    demands = vms(2, 6, 6, 2)
    answers = await batch.reserve(demands)
    assert [one.vm_id for one in answers] == [one.vm_id for one in demands]
    assert sorted(nodes_of(answers)) == ["n1", "n1", "n2", "n2"]
    assert answers[1].reservation.node.name != answers[2].reservation.node.name
    assert all(one.reservation.node.agent_address for one in answers)
    await scheduler.check_sums()
    assert await batch.reserve(demands) == answers, "and the same again is the same"
    await scheduler.check_sums()


async def test_a_batch_that_does_not_fit_claims_nothing_and_says_whose_fault_it_is(scheduler, batch, vms):
    demands = vms(8, 8, 3)
    with pytest.raises(NoCapacity) as refused:
        await batch.reserve(demands)
    assert (
        f"1 of 3 VMs cannot be reserved, so none is: VM {demands[2].vm_id}: no node takes 3 vCPU"
        in refused.value.message
    )
    assert refused.value.metadata["vm_id"] == demands[2].vm_id
    assert await batch.held() == set()
    reader = scheduler.reservations_as(scheduler.user("reservation:read", "tenant:any"))
    decision = await reader.GetSchedulingDecision(GetSchedulingDecisionRequest(vm_id=demands[2].vm_id))
    assert decision.explanation.startswith("no node takes 3 vCPU")
    await scheduler.check_sums()


async def test_with_best_effort_the_first_come_first_and_the_others_are_told_why_not(scheduler, batch, vms):
    demands = vms(3, 8, 8, 3)
    answers = await batch.best_effort(demands)
    assert [one.WhichOneof("outcome") for one in answers] == ["reservation", "reservation", "refusal", "reservation"]
    assert answers[2].refusal.reason == REASON_NO_CAPACITY
    assert "no node takes 8 vCPU" in answers[2].refusal.message
    assert answers[2].refusal.metadata["lacking.cpu_cores"] == "3"
    assert await batch.held() == {one.vm_id for one in (demands[0], demands[1], demands[3])}
    await scheduler.check_sums()


async def test_a_quota_is_counted_vm_by_vm(scheduler, batch, vms, tenant):
    await scheduler.quotas().SetQuota(SetQuotaRequest(tenant_id=tenant, limits={"cpu_cores": 5}))
    with pytest.raises(
        QuotaExceeded, match=r"1 of 3 VMs cannot be reserved, so none is: VM .*2 vCPU asked, 4 of 5 used"
    ):
        await batch.reserve(vms(2, 2, 2))
    answers = await batch.best_effort(vms(2, 4, 3))
    assert [one.refusal.reason for one in answers] == [0, REASON_QUOTA_EXCEEDED, 0]
    assert await scheduler.rows("SELECT used_vms, used_cpu_cores FROM tenant_quotas") == [(2, 5)]
    await scheduler.check_sums()


async def test_a_vm_that_holds_something_else_is_refused_and_the_same_is_its_answer(scheduler, batch, vms, resources):
    first, other = vms(2, 2)
    await scheduler.reservations.ReserveResources(first)
    answers = await batch.reserve([first, other])
    assert answers[0].reservation.vm_id == first.vm_id
    first.resources.CopyFrom(resources(3, 512))
    with pytest.raises(AlreadyExists, match="reserved by another request"):
        await batch.reserve([first, *vms(1)])
    (refused, made) = await batch.best_effort([first, *vms(1)])
    assert refused.refusal.reason == REASON_ALREADY_EXISTS
    assert made.HasField("reservation")
    await scheduler.check_sums()


async def test_vms_of_a_batch_keep_the_rules_between_them(scheduler, batch, vms, tenant):
    rule = {"kind": "anti_affinity", "over": "node", "group": "db", "required": True}
    policy = {"name": "apart", "policy_type": "POLICY_TYPE_PLACEMENT", "anti_affinity_rules": [rule]}
    await scheduler.policies(tenant_id=tenant).CreateSchedulingPolicy(
        CreateSchedulingPolicyRequest(policy={**policy, "rules": {"groups": ["db"]}, "enabled": True})
    )
    answers = await batch.best_effort(vms(1, 1, 1, groups=["db"]))
    assert sorted(nodes_of(answers[:2])) == ["n1", "n2"]
    assert "against the rules between VMs of the policy apart" in answers[2].refusal.message


async def test_a_batch_is_of_first_places_of_one_tenants_vms_each_once(scheduler, batch, vms):
    one = vms(1)[0]
    moving, foreign, none = vms(1, move_id=str(uuid4())), vms(1, tenant_id=str(uuid4())), vms(0)
    with pytest.raises(InvalidArgument) as refused:
        await batch.reserve([one, one, *moving, *foreign, *none])
    assert [violation.field for violation in refused.value.violations] == [
        "requests[1].vm_id",
        "requests[2].move_id",
        "requests[3].tenant_id",
        "requests[4].resources.cpu_cores",
    ]
    with pytest.raises(InvalidArgument, match="requests"):
        await batch.reserve([])


async def test_a_batch_is_given_back_by_one_call_and_once(scheduler, batch, vms, tenant):
    await scheduler.quotas().SetQuota(SetQuotaRequest(tenant_id=tenant, limits={"cpu_cores": 16}))
    demands = vms(2, 6, 6)
    await batch.reserve(demands)
    assert sorted(await batch.release([*demands, *vms(1)])) == sorted(one.vm_id for one in demands)
    assert await batch.release(demands) == []
    assert await scheduler.rows("SELECT FROM nodes WHERE allocated_cpu_cores > 0 OR allocated_memory_mb > 0") == []
    assert await scheduler.rows("SELECT used_vms, used_cpu_cores FROM tenant_quotas") == [(0, 0)]


async def test_a_batch_under_a_sagas_key_is_claimed_once_and_never_after_its_undoing(scheduler, batch, vms):
    demands, saga_id = vms(2, 8, 8), uuid4()
    set_current_key(SagaKey(saga_id, "reserve", "action"))
    first = await batch.best_effort(demands)
    await scheduler.beat("n3")
    assert await batch.best_effort(demands) == first, "a repeat is the answer of then, with what was refused"
    set_current_key(SagaKey(saga_id, "reserve", "compensation"))
    assert len(await batch.release(demands)) == 2
    set_current_key(SagaKey(saga_id, "reserve", "action"))
    assert await batch.best_effort(demands) == first
    late = uuid4()
    set_current_key(SagaKey(late, "reserve", "compensation"))
    assert await batch.release(demands) == []
    set_current_key(SagaKey(late, "reserve", "action"))
    with pytest.raises(StepCompensated):
        await batch.reserve(demands)
    set_current_key(None)
    assert await batch.held() == set()


async def test_batches_that_race_for_the_last_room_are_whole_or_nothing(scheduler, batch, vms, tenant):
    await scheduler.quotas().SetQuota(SetQuotaRequest(tenant_id=tenant, limits={"cpu_cores": 14}))
    racing = [vms(2, 3) for _ in range(4)]
    answers = await asyncio.gather(*(batch.reserve(one) for one in racing), return_exceptions=True)
    assert sum(not isinstance(one, Exception) for one in answers) == 2, answers
    assert all(isinstance(one, QuotaExceeded) for one in answers if isinstance(one, Exception))
    assert len(await batch.held()) == 4
    await scheduler.check_sums()


def node(name, cpu, taken=0, ratio=1):
    has = Resources(cpu, 1 << 20, 1 << 20, 0, 0)
    allocatable = has._replace(cpu_cores=cpu * ratio)
    free = has._replace(cpu_cores=allocatable.cpu_cores - taken)
    kind = (NodeStatus.READY, NodeType.COMPUTE, ("kvm",), "", "", {}, (), "")
    return Offer(UUID(int=int(name[1:])), name, 1, *kind, free, allocatable, has)


def want(cpu):
    return Demand(uuid4(), UUID(int=7), Resources(cpu, 1))


def test_the_largest_come_first_so_that_what_fits_together_is_not_refused():
    demands, nodes = [want(2), want(2), want(2), want(6)], [node("n1", 6), node("n2", 6)]
    assert any(one.error for one in plan(demands, nodes, None))
    assert not any(one.error for one in plan(largest_first(demands, nodes), nodes, None))


def test_a_shared_host_takes_more_vms_in_one_batch_than_it_has_cores():
    verdicts = plan([want(8), want(8), want(8), want(9)], [node("n1", 8, ratio=3)], None)
    assert [one.error is None for one in verdicts] == [True, True, True, False]


NODES = st.lists(st.tuples(st.integers(1, 16), st.integers(1, 3)), min_size=1, max_size=5)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), NODES, st.none() | st.integers(0, 40))
def test_a_plan_never_takes_more_than_there_is_or_than_the_tenant_may(cores, sizes, limit):
    nodes = [node(f"n{number}", cpu, ratio=ratio) for number, (cpu, ratio) in enumerate(sizes)]
    allowed = None if limit is None else Quota(UUID(int=7), Limits(cpu_cores=limit), Usage())
    verdicts = plan([want(one) for one in cores], nodes, allowed)
    taken: dict[UUID, int] = {}
    for verdict in verdicts:
        if verdict.error is None:
            chosen = verdict.ranking.candidates[0].offer.node_id
            taken[chosen] = taken.get(chosen, 0) + verdict.demand.need.cpu_cores
    whole = {one.node_id: one.allocatable.cpu_cores for one in nodes}
    assert all(amount <= whole[node_id] for node_id, amount in taken.items())
    assert limit is None or sum(taken.values()) <= limit
    for verdict in verdicts:  # whatever was refused for want of room does not fit beside what was placed before it
        if isinstance(verdict.error, NoCapacity):
            assert all(
                min(whole[one.node_id] - taken.get(one.node_id, 0), one.capacity.cpu_cores)
                < verdict.demand.need.cpu_cores
                for one in nodes
            )


def test_a_plan_changes_nothing_that_it_was_given():
    offered = node("n1", 4)
    plan([want(4)], [offered], None)
    assert offered.free.cpu_cores == 4
