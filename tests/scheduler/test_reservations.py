"""Reserve, confirm, release: through a real server, as the vm service calls it."""

import asyncio
from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import (
    RESERVATION_STATE_CONFIRMED,
    RESERVATION_STATE_RESERVED,
    ConfirmReservationRequest,
    GetReservationRequest,
    GetSchedulingDecisionRequest,
    ListReservationsRequest,
    ReleaseReservationRequest,
)
from novacron.api.types.v1 import ALLOCATION_TYPE_BURSTABLE, ALLOCATION_TYPE_GUARANTEED, HYPERVISOR_TYPE_XEN
from novacron.errors import AlreadyExists, InvalidArgument, NoCapacity, NotFound, PermissionDenied, StepCompensated
from novacron.ids import derived_id
from novacron.saga.key import SagaKey, set_current_key


def confirm(scheduler, vm_id):
    return scheduler.reservations.ConfirmReservation(ConfirmReservationRequest(vm_id=str(vm_id)))


def release(scheduler, vm_id):
    return scheduler.reservations.ReleaseReservation(ReleaseReservationRequest(vm_id=str(vm_id)))


def held(scheduler, vm_id, user=None):
    stub = scheduler.reservations if user is None else scheduler.reservations_as(user)
    return stub.GetReservation(GetReservationRequest(vm_id=str(vm_id)))


async def free_cpu(scheduler, node="n1"):
    rows = await scheduler.rows("SELECT allocatable_cpu_cores - allocated_cpu_cores FROM nodes WHERE name = %s", node)
    return rows[0][0]


async def test_a_reservation_names_the_node_and_takes_its_resources(scheduler, resources, tenant):
    await scheduler.beat("n1")
    vm_id = str(uuid4())
    made = await scheduler.reserve(vm_id, resources=resources(3, 2048, 20))
    assert (made.vm_id, made.tenant_id) == (vm_id, tenant)
    assert (made.node.name, made.node.node_id) == ("n1", str(derived_id("node", "n1")))
    assert made.node.agent_address == "192.0.2.7:7470"
    assert made.node.allocated == made.resources == resources(3, 2048, 20)
    assert made.state == RESERVATION_STATE_RESERVED
    assert made.allocation_type == ALLOCATION_TYPE_BURSTABLE
    assert await held(scheduler, vm_id) == made
    await scheduler.check_sums()


async def test_the_same_request_again_is_the_same_reservation(scheduler):
    await scheduler.beat("n1")
    vm_id = uuid4()
    made = await scheduler.reserve(vm_id, node_labels={}, availability_zone="")
    assert await scheduler.reserve(vm_id) == made
    assert await free_cpu(scheduler) == 7


async def test_the_same_request_again_is_answered_even_when_the_cluster_is_full_by_now(scheduler, resources):
    await scheduler.beat("n1")
    vm_id = uuid4()
    made = await scheduler.reserve(vm_id, resources=resources(8))
    assert await scheduler.reserve(vm_id, resources=resources(8)) == made


@pytest.mark.parametrize(
    "change",
    [{"cpu": 2}, {"allocation_type": ALLOCATION_TYPE_GUARANTEED}, {"tenant_id": str(uuid4())}, {"region": "eu"}],
    ids=lambda change: next(iter(change)),
)
async def test_another_request_for_the_same_vm_is_refused_and_changes_nothing(scheduler, resources, change):
    await scheduler.beat("n1", region="eu")
    vm_id = uuid4()
    made = await scheduler.reserve(vm_id)
    if "cpu" in change:
        change = {"resources": resources(**change)}
    with pytest.raises(
        AlreadyExists, match=r"holds 1 vCPU, 1024 MiB memory, 10 GiB storage on n1, reserved by another"
    ):
        await scheduler.reserve(vm_id, **change)
    assert await held(scheduler, vm_id) == made
    await scheduler.check_sums()


async def test_many_at_once_with_one_id_are_one_reservation(scheduler):
    await scheduler.beat("n1")
    await scheduler.beat("n2")
    vm_id = uuid4()
    made = await asyncio.gather(*(scheduler.reserve(vm_id) for _ in range(24)))
    assert len({one.decision_id for one in made}) == 1
    assert await free_cpu(scheduler, "n1") + await free_cpu(scheduler, "n2") == 15
    await scheduler.check_sums()


async def test_a_confirmed_reservation_stays_confirmed_whatever_is_repeated(scheduler):
    await scheduler.beat("n1")
    vm_id = uuid4()
    await scheduler.reserve(vm_id)
    confirmed = await confirm(scheduler, vm_id)
    assert confirmed.state == RESERVATION_STATE_CONFIRMED
    assert await confirm(scheduler, vm_id) == confirmed
    assert (await scheduler.reserve(vm_id)).state == RESERVATION_STATE_CONFIRMED


async def test_nothing_is_confirmed_that_is_not_held(scheduler):
    await scheduler.beat("n1")
    vm_id = uuid4()
    with pytest.raises(NotFound, match=f"reservation {vm_id} not found"):
        await confirm(scheduler, vm_id)
    await scheduler.reserve(vm_id)
    await release(scheduler, vm_id)
    with pytest.raises(NotFound):
        await confirm(scheduler, vm_id)


async def test_a_release_frees_what_was_held_exactly_once(scheduler, resources):
    await scheduler.beat("n1")
    vm_id, other = uuid4(), uuid4()
    await scheduler.reserve(vm_id, resources=resources(3, 2048, 20))
    await scheduler.reserve(other)
    freed = await asyncio.gather(*(release(scheduler, vm_id) for _ in range(8)))
    assert sorted(one.released for one in freed) == [False] * 7 + [True]
    assert await free_cpu(scheduler) == 7
    with pytest.raises(NotFound):
        await held(scheduler, vm_id)
    await scheduler.check_sums()


async def test_releasing_what_was_never_held_is_no_error(scheduler):
    assert not (await release(scheduler, uuid4())).released


async def test_what_was_released_can_be_reserved_again_with_other_contents(scheduler, resources):
    await scheduler.beat("n1")
    vm_id = uuid4()
    first = await scheduler.reserve(vm_id)
    await release(scheduler, vm_id)
    again = await scheduler.reserve(vm_id, resources=resources(5))
    assert again.decision_id != first.decision_id
    assert await free_cpu(scheduler) == 3


async def test_a_release_and_a_reserve_that_cross_leave_sums_that_agree(scheduler, resources):
    await scheduler.beat("n1", capacity=resources(4, 16384, 500))
    for _ in range(15):
        vms = [uuid4() for _ in range(4)]
        await asyncio.gather(*(scheduler.reserve(vm) for vm in vms))
        await asyncio.gather(*(f(vm) for vm in vms for f in (lambda vm: release(scheduler, vm), scheduler.reserve)))
        await scheduler.check_sums()
        await asyncio.gather(*(release(scheduler, vm) for vm in vms))
    assert await free_cpu(scheduler) == 4


async def test_a_reserve_that_arrives_after_its_release_is_refused_and_takes_nothing(scheduler):
    await scheduler.beat("n1")
    vm_id, saga = uuid4(), uuid4()
    set_current_key(SagaKey(saga, "reserve", "compensation"))
    assert not (await release(scheduler, vm_id)).released
    set_current_key(SagaKey(saga, "reserve", "action"))
    with pytest.raises(StepCompensated, match="was undone before this arrived"):
        await scheduler.reserve(vm_id)
    assert await free_cpu(scheduler) == 8
    assert await scheduler.rows("SELECT FROM scheduling_decisions") == []


async def test_a_repeated_step_of_a_saga_gets_the_answer_of_the_first(scheduler):
    await scheduler.beat("n1")
    vm_id, saga = uuid4(), uuid4()
    set_current_key(SagaKey(saga, "reserve", "action"))
    made = await scheduler.reserve(vm_id)
    assert await asyncio.gather(*(scheduler.reserve(vm_id) for _ in range(5))) == [made] * 5
    set_current_key(SagaKey(saga, "reserve", "compensation"))
    answers = [await release(scheduler, vm_id) for _ in range(3)]
    assert [one.released for one in answers] == [True] * 3
    assert await free_cpu(scheduler) == 8


async def test_a_refused_step_leaves_no_key_and_succeeds_once_there_is_room(scheduler):
    vm_id = uuid4()
    set_current_key(SagaKey(uuid4(), "reserve", "action"))
    with pytest.raises(NoCapacity):
        await scheduler.reserve(vm_id)
    assert await scheduler.rows("SELECT FROM saga_barrier") == []
    await scheduler.beat("n1")
    assert (await scheduler.reserve(vm_id)).node.name == "n1"


@pytest.mark.parametrize(
    ("field", "said", "change"),
    [
        ("resources.cpu_cores", "must be at least 1: a VM needs some", {"resources": {"cpu_cores": 0}}),
        ("resources.memory_mib", "must be at least 1", {"resources": {"memory_mib": 0}}),
        ("resources.memory_mib", "greater than or equal to 0", {"resources": {"memory_mib": -1}}),
        ("resources.cpu_cores", "less than or equal to 1048576", {"resources": {"cpu_cores": 2**31 - 1}}),
        ("resources.gpu_type", "names a GPU, but gpu_count is 0", {"resources": {"gpu_type": "a100"}}),
        ("resources", "required", {"resources": None}),
        ("tenant_id", "UUID", {"tenant_id": "mine"}),
        ("hypervisor_type", "defined", {"hypervisor_type": 99}),
        ('node_labels["k"]', "at most 253 characters", {"node_labels": {"k": "v" * 254}}),
        ("tolerations[0].key", "at least 1", {"tolerations": [{"value": "v"}]}),
        ("region", "at most 100", {"region": "r" * 10_000}),
    ],
)
async def test_a_bad_request_names_its_field_and_changes_nothing(scheduler, resources, field, said, change):
    await scheduler.beat("n1")
    if change.get("resources"):
        whole = resources()
        for name, value in change["resources"].items():
            setattr(whole, name, value)
        change = {"resources": whole}
    with pytest.raises(InvalidArgument, match=said) as caught:
        await scheduler.reserve(**change)
    assert [one.field for one in caught.value.violations] == [field]
    assert await free_cpu(scheduler) == 8
    assert await scheduler.rows("SELECT FROM scheduling_decisions") == []


async def test_an_amount_beyond_every_integer_is_refused_for_lack_of_room_and_for_nothing_else(scheduler, resources):
    await scheduler.beat("n1", capacity=resources(8, 16384, 500, network_bandwidth_mbps=2**31 - 1))
    await scheduler.reserve(resources=resources(network_bandwidth_mbps=2**31 - 1))
    with pytest.raises(NoCapacity, match=r"lacks 2147483647 Mbit/s bandwidth \(free: 0 of 2147483647\)"):
        await scheduler.reserve(resources=resources(network_bandwidth_mbps=2**31 - 1))


async def test_a_gpu_of_another_type_does_not_do(scheduler, resources):
    await scheduler.beat("n1", capacity=resources(8, 16384, 500, gpu_count=2, gpu_type="l4"))
    with pytest.raises(NoCapacity, match="1 without GPUs of the type a100"):
        await scheduler.reserve(resources=resources(gpu_count=1, gpu_type="a100"))
    made = await scheduler.reserve(resources=resources(gpu_count=2, gpu_type="l4"))
    assert (made.node.allocated.gpu_count, made.node.allocated.gpu_type) == (2, "l4")
    with pytest.raises(NoCapacity, match=r"lacks 1 GPU \(free: 0 of 2\)"):
        await scheduler.reserve(resources=resources(gpu_count=1))


async def test_what_filled_a_node_is_not_counted_against_the_next_and_placement_goes_on_there(scheduler, resources):
    for name in ("n1", "n2", "n3"):
        await scheduler.beat(name, capacity=resources(2, 16384, 500))
    made = [await scheduler.reserve() for _ in range(6)]
    assert sorted(one.node.name for one in made) == ["n1", "n1", "n2", "n2", "n3", "n3"]
    with pytest.raises(NoCapacity):
        await scheduler.reserve()


async def test_no_user_reserves_confirms_or_releases(scheduler):
    await scheduler.beat("n1")
    stub = scheduler.reservations_as(scheduler.user("*:*"))
    for call in (
        stub.ConfirmReservation(ConfirmReservationRequest(vm_id=str(uuid4()))),
        stub.ReleaseReservation(ReleaseReservationRequest(vm_id=str(uuid4()))),
    ):
        with pytest.raises(PermissionDenied):
            await call


async def test_a_tenant_reads_its_own_reservation_and_nothing_of_the_host(scheduler, tenant):
    await scheduler.beat("n1")
    vm_id = uuid4()
    await scheduler.reserve(vm_id)
    seen = await held(scheduler, vm_id, scheduler.user("reservation:read", tenant_id=tenant))
    assert (seen.node.name, seen.node.hostname, seen.node.allocated.cpu_cores) == ("n1", "", 0)
    seen = await held(scheduler, vm_id, scheduler.user("reservation:read", "node:read", tenant_id=tenant))
    assert (seen.node.hostname, seen.node.allocated.cpu_cores) == ("n1.example", 1)


async def test_another_tenants_reservation_and_one_that_is_not_there_read_alike(scheduler):
    await scheduler.beat("n1")
    stranger = scheduler.user("reservation:read")
    vm_id, nobody = uuid4(), uuid4()
    await scheduler.reserve(vm_id)
    said = []
    for one in (vm_id, nobody):
        with pytest.raises(NotFound) as caught:
            await held(scheduler, one, stranger)
        said.append(caught.value.message.replace(str(one), "ID"))
        with pytest.raises(NotFound) as caught:
            await scheduler.reservations_as(stranger).GetSchedulingDecision(
                GetSchedulingDecisionRequest(vm_id=str(one))
            )
        said.append(caught.value.message.replace(str(one), "ID"))
    assert said[:2] == said[2:]
    assert (await held(scheduler, vm_id, scheduler.user("reservation:read", "tenant:any"))).vm_id == str(vm_id)


async def listed(stub, size=0):
    """The VMs of all pages, and how many pages there were."""
    found, token, pages = [], "", 0
    while token or not pages:
        answer = await stub.ListReservations(ListReservationsRequest(page_size=size, page_token=token))
        found += answer.reservations
        token, pages = answer.next_page_token, pages + 1
    return found, pages


async def test_a_list_has_every_reservation_once_by_vm_and_nothing_that_was_released(scheduler, resources):
    await scheduler.beat("n1", capacity=resources(8, 16384, 500))
    made = [await scheduler.reserve() for _ in range(6)]
    await release(scheduler, made.pop().vm_id)
    admin = scheduler.reservations_as(scheduler.user("reservation:read", "node:read", "tenant:any"))
    found, pages = await listed(admin, 2)
    assert [one.vm_id for one in found] == sorted(one.vm_id for one in made)
    assert pages == 3
    whole = await held(scheduler, found[0].vm_id)
    assert (found[0].node.name, found[0].resources, found[0].state) == ("n1", whole.resources, whole.state)
    assert await listed(admin) == (found, 1)


async def test_a_tenant_lists_its_own_reservations_and_cannot_go_on_with_anothers_token(scheduler, tenant):
    await scheduler.beat("n1")
    mine = [await scheduler.reserve() for _ in range(2)]
    await scheduler.reserve(tenant_id=str(uuid4()))
    own = scheduler.reservations_as(scheduler.user("reservation:read", tenant_id=tenant))
    found, _ = await listed(own)
    assert [one.vm_id for one in found] == sorted(one.vm_id for one in mine)
    assert {one.node.hostname for one in found} == {""}
    stranger = scheduler.reservations_as(scheduler.user("reservation:read"))
    assert await listed(stranger) == ([], 1)
    token = (await own.ListReservations(ListReservationsRequest(page_size=1))).next_page_token
    for bad in (token, "forged"):
        with pytest.raises(InvalidArgument, match="page_token: not a token of this list"):
            await stranger.ListReservations(ListReservationsRequest(page_token=bad))
    with pytest.raises(PermissionDenied):
        await scheduler.reservations_as(scheduler.user("node:read")).ListReservations(ListReservationsRequest())


async def test_conditions_choose_the_node(scheduler):
    await scheduler.beat("n1", region="eu", availability_zone="eu-1", labels={"disk": "ssd"})
    await scheduler.beat("n2", region="eu", availability_zone="eu-2", hypervisor_types=[HYPERVISOR_TYPE_XEN])
    await scheduler.beat("n3", region="us", taints=[{"key": "only", "value": "gpu"}])

    async def chosen(**conditions):
        return (await scheduler.reserve(**conditions)).node.name

    assert await chosen(node_labels={"disk": "ssd"}) == "n1"
    assert await chosen(hypervisor_type=HYPERVISOR_TYPE_XEN) == "n2"
    assert await chosen(region="eu", availability_zone="eu-2") == "n2"
    assert await chosen(region="us", tolerations=[{"key": "only", "value": "gpu"}]) == "n3"
    with pytest.raises(NoCapacity, match="2 outside the region us, 1 with a taint that is not tolerated"):
        await chosen(region="us")
