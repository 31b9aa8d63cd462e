"""A VM changes its size where it is: it holds the larger of both until one of them is kept, and never more than there is."""

import asyncio
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novacron.api.scheduler.v1 import (
    ConfirmReservationRequest,
    ConfirmResizeRequest,
    DrainNodeRequest,
    GetReservationRequest,
    GetSchedulingDecisionRequest,
    ResizeReservationRequest,
    ResizeServiceStub,
    SetQuotaRequest,
    UndoResizeRequest,
    add_ResizeServiceServicer_to_server,
)
from novacron.api.types.v1 import ALLOCATION_TYPE_BURSTABLE, ALLOCATION_TYPE_GUARANTEED
from novacron.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NoCapacity,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    StepCompensated,
)
from novacron.saga.key import SagaKey, set_current_key
from novacron_scheduler.overcommit import UNSHARED, Overcommit
from novacron_scheduler.placements import Placements
from novacron_scheduler.resize_servicer import ResizeServicer
from novacron_scheduler.resizes import Resizes
from novacron_scheduler.resources import Ratios, Resources
from novacron_scheduler.store import DecisionStore, QuotaStore, ReservationStore


class Resizing:
    """The service as the vm service sees it, and a VM of 2 vCPU and 4 GiB on `n1`, which has 8 and 16."""

    def __init__(self, scheduler, stub, vm_id):
        self.scheduler, self.stub, self.vm_id = scheduler, stub, vm_id

    async def claim(self, cpu=2, memory=4096, storage=10, resize_id=None, **more):
        size = {"cpu_cores": cpu, "memory_mib": memory, "storage_gib": storage, **more}
        ids = {"vm_id": self.vm_id, "resize_id": str(resize_id or uuid4())}
        return await self.stub.ResizeReservation(ResizeReservationRequest(**ids, resources=size))

    async def confirm(self, resize_id):
        return await self.stub.ConfirmResize(ConfirmResizeRequest(vm_id=self.vm_id, resize_id=str(resize_id)))

    async def undo(self, resize_id):
        return (await self.stub.UndoResize(UndoResizeRequest(vm_id=self.vm_id, resize_id=str(resize_id)))).undone

    async def held(self):
        held = await self.scheduler.reservations.GetReservation(GetReservationRequest(vm_id=self.vm_id))
        return size_of(held)

    async def used(self):
        """What the tenant's quota counts."""
        columns = "used_vms, used_cpu_cores, used_memory_mb, used_storage_gb"
        (row,) = await self.scheduler.rows(f"SELECT {columns} FROM tenant_quotas")
        return row


def size_of(held):
    return held.resources.cpu_cores, held.resources.memory_mib, held.resources.storage_gib


async def serve(scheduler, overcommit=UNSHARED):
    placements = Placements(scheduler.database, ReservationStore(), QuotaStore())
    resizes = Resizes(scheduler.database, DecisionStore(), placements, overcommit)
    registration = (add_ResizeServiceServicer_to_server, ResizeServicer(resizes))
    return await scheduler.servers.start("scheduler", [registration])


@pytest.fixture
async def vm(scheduler, resources):
    await scheduler.beat("n1")
    vm_id = str(uuid4())
    await scheduler.reserve(vm_id, resources=resources(2, 4096, 10))
    await scheduler.reservations.ConfirmReservation(ConfirmReservationRequest(vm_id=vm_id))
    server = await serve(scheduler)
    return Resizing(scheduler, ResizeServiceStub(scheduler.servers.as_service(server, "vm")), vm_id)


async def test_a_vm_holds_the_larger_of_both_sizes_and_then_the_new_one(scheduler, vm):
    resize_id = uuid4()
    assert size_of(await vm.claim(4, 2048, 20, resize_id)) == (4, 4096, 20)
    await scheduler.check_sums()
    confirmed = await vm.confirm(resize_id)
    assert size_of(confirmed) == (4, 2048, 20) == await vm.held()
    assert await vm.confirm(resize_id) == confirmed, "and once"
    assert not await vm.undo(resize_id), "what is kept is not undone"
    await scheduler.check_sums()


async def test_an_undone_resize_gives_back_exactly_what_was_claimed(scheduler, vm):
    resize_id = uuid4()
    await vm.claim(8, 1024, 20, resize_id)
    assert await vm.undo(resize_id)
    assert await vm.held() == (2, 4096, 10)
    assert not await vm.undo(resize_id)
    with pytest.raises(NotFound, match="resize"):
        await vm.confirm(resize_id)
    await scheduler.check_sums()
    assert size_of(await vm.claim(8, resize_id=uuid4())) == (8, 4096, 10), "and the room is there again"


async def test_the_same_resize_is_claimed_once_and_no_other_beside_it(scheduler, vm):
    resize_id = uuid4()
    first = await vm.claim(4, resize_id=resize_id)
    assert await vm.claim(4, resize_id=resize_id) == first
    with pytest.raises(AlreadyExists, match="is to another size"):
        await vm.claim(5, resize_id=resize_id)
    with pytest.raises(AlreadyExists, match="is being resized to 4 vCPU"):
        await vm.claim(4)
    await vm.confirm(resize_id)
    assert size_of(await vm.claim(4, resize_id=resize_id)) == (4, 4096, 10), "also when it has ended"
    await scheduler.check_sums()


async def test_a_refusal_says_what_is_missing_and_that_a_move_would_help(scheduler, vm, resources):
    await scheduler.reserve(resources=resources(4, 4096))
    with pytest.raises(NoCapacity) as alone:
        await vm.claim(6)
    assert "node n1, where the VM is, does not take 6 vCPU" in alone.value.message
    assert (
        "it lacks 2 vCPU (free beside what the VM holds: 2 of 8); a move would not help: no node" in alone.value.message
    )
    await scheduler.beat("n2")
    with pytest.raises(NoCapacity) as helped:
        await vm.claim(6)
    assert "a move would help: n2 takes the VM at that size, have it moved there" in helped.value.message
    assert helped.value.metadata["lacking.cpu_cores"] == "2"
    assert helped.value.metadata["move_to"] == "n2"
    reader = scheduler.reservations_as(scheduler.user("reservation:read", "tenant:any"))
    decision = await reader.GetSchedulingDecision(GetSchedulingDecisionRequest(vm_id=vm.vm_id))
    assert (decision.decision_algorithm, decision.explanation) == ("resize-v1", helped.value.message)
    assert await vm.held() == (2, 4096, 10)
    await scheduler.check_sums()


async def test_a_move_helps_only_where_the_vm_may_be(scheduler, resources):
    await scheduler.beat("n1", labels={"disk": "ssd"})
    await scheduler.beat("n2")
    vm_id = str(uuid4())
    await scheduler.reserve(vm_id, resources=resources(6), node_labels={"disk": "ssd"})
    vm = Resizing(scheduler, ResizeServiceStub(scheduler.servers.as_service(await serve(scheduler), "vm")), vm_id)
    with pytest.raises(NoCapacity, match=r"a move would not help: no node takes 9 vCPU.*1 without the labels disk=ssd"):
        await vm.claim(9, 1024)


async def test_no_vm_becomes_larger_than_its_host_whatever_the_ratio(start_scheduler, resources):
    shared = Overcommit(Ratios(cpu_cores=4.0))
    scheduler = await start_scheduler(overcommit=shared)
    await scheduler.beat("n1")
    vm_id = str(uuid4())
    await scheduler.reserve(vm_id, resources=resources(2), allocation_type=ALLOCATION_TYPE_BURSTABLE)
    vm = Resizing(
        scheduler, ResizeServiceStub(scheduler.servers.as_service(await serve(scheduler, shared), "vm")), vm_id
    )
    with pytest.raises(NoCapacity, match="it lacks 1 vCPU"):
        await vm.claim(9, 1024)
    assert size_of(await vm.claim(8, 1024)) == (8, 1024, 10)


async def test_a_guaranteed_vm_grows_by_the_whole_of_what_others_would_share(start_scheduler, resources):
    shared = Overcommit(Ratios(cpu_cores=4.0))
    scheduler = await start_scheduler(overcommit=shared)
    await scheduler.beat("n1")  # of 8 vCPUs, which count as 32
    vm_id, other = str(uuid4()), str(uuid4())
    await scheduler.reserve(vm_id, resources=resources(2), allocation_type=ALLOCATION_TYPE_GUARANTEED)
    await scheduler.reserve(other, resources=resources(7), allocation_type=ALLOCATION_TYPE_BURSTABLE)
    vm = Resizing(
        scheduler, ResizeServiceStub(scheduler.servers.as_service(await serve(scheduler, shared), "vm")), vm_id
    )
    with pytest.raises(NoCapacity, match=r"it lacks 1 vCPU \(free beside what the VM holds: 4 of 8\)"):
        await vm.claim(7, 1024)
    resize_id = uuid4()
    assert (await vm.claim(6, 1024, 10, resize_id)).footprint.cpu_cores == 24
    await scheduler.check_sums()
    await vm.undo(resize_id)
    await scheduler.check_sums()
    await vm.claim(6, 1024, 10, resize_id := uuid4())
    assert (await vm.confirm(resize_id)).footprint.cpu_cores == 24
    await scheduler.check_sums()


async def test_a_quota_counts_the_larger_size_until_one_is_kept(scheduler, vm, tenant):
    await scheduler.quotas().SetQuota(SetQuotaRequest(tenant_id=tenant, limits={"cpu_cores": 4, "memory_mib": 8192}))
    resize_id = uuid4()
    with pytest.raises(QuotaExceeded, match="3 vCPU asked, 2 of 4 used"):
        await vm.claim(5)
    await vm.claim(4, 1024, 10, resize_id)
    assert await vm.used() == (1, 4, 4096, 10)
    await vm.undo(resize_id)
    assert await vm.used() == (1, 2, 4096, 10)
    await vm.claim(4, 1024, 12, resize_id)
    await vm.confirm(resize_id)
    assert await vm.used() == (1, 4, 1024, 12)
    await scheduler.release(vm.vm_id)
    assert await vm.used() == (0, 0, 0, 0)
    await scheduler.check_sums()


async def test_a_vm_deleted_amid_a_resize_gives_back_all_that_it_held(scheduler, vm, tenant):
    await scheduler.quotas().SetQuota(SetQuotaRequest(tenant_id=tenant, limits={"cpu_cores": 8}))
    resize_id = uuid4()
    await vm.claim(6, resize_id=resize_id)
    assert await scheduler.release(vm.vm_id)
    assert await scheduler.rows("SELECT FROM nodes WHERE allocated_cpu_cores > 0") == []
    assert await vm.used() == (0, 0, 0, 0)
    assert not await vm.undo(resize_id)
    with pytest.raises(NotFound):
        await vm.confirm(resize_id)


async def test_a_node_in_maintenance_lets_its_vms_become_smaller_and_not_larger(scheduler, vm):
    await scheduler.nodes().DrainNode(DrainNodeRequest(node="n1"))
    with pytest.raises(FailedPrecondition, match="n1, where the VM is, is in maintenance and takes nothing more"):
        await vm.claim(3)
    resize_id = uuid4()
    await vm.claim(1, 1024, resize_id=resize_id)
    assert size_of(await vm.confirm(resize_id)) == (1, 1024, 10)
    await scheduler.nodes().DrainNode(DrainNodeRequest(node="n1", undo=True))
    await scheduler.lapse("n1")
    with pytest.raises(FailedPrecondition, match="is not ready"):
        await vm.claim(3)


async def test_a_vm_on_its_way_is_not_resized_and_one_that_holds_nothing_neither(scheduler, vm, resources):
    await scheduler.beat("n2")
    await scheduler.reserve(vm.vm_id, resources=resources(2, 4096, 10), move_id=str(uuid4()))
    with pytest.raises(FailedPrecondition, match="is on its way to n2"):
        await vm.claim(3)
    vm.vm_id = str(uuid4())
    with pytest.raises(FailedPrecondition, match="holds no place that could be resized"):
        await vm.claim(3)


async def test_a_vm_that_gives_way_to_another_is_not_resized(scheduler, vm):
    await scheduler.rows(
        "UPDATE resource_allocations SET yields_to = %s, yielded = ARRAY[0, 0, 0, 0, 0] WHERE vm_id = %s RETURNING id",
        uuid4(),
        vm.vm_id,
    )
    with pytest.raises(FailedPrecondition, match=r"gives way to VM .*, which has a higher priority"):
        await vm.claim(4)


async def test_a_size_that_no_vm_has_is_refused_by_its_field(scheduler, vm):
    with pytest.raises(InvalidArgument, match=r"resources.cpu_cores: must be at least 1"):
        await vm.claim(0)
    with pytest.raises(InvalidArgument, match="a resize changes no GPUs"):
        await vm.claim(2, gpu_count=1)
    with pytest.raises(PermissionDenied):
        stub = ResizeServiceStub(scheduler.servers.as_user(await serve(scheduler), scheduler.user("*:*")))
        await stub.UndoResize(UndoResizeRequest(vm_id=vm.vm_id, resize_id=str(uuid4())))


async def test_a_claim_that_comes_after_its_undoing_is_refused(vm):
    resize_id = uuid4()
    set_current_key(SagaKey(resize_id, "claim", "compensation"))
    assert not await vm.undo(resize_id)
    set_current_key(SagaKey(resize_id, "claim", "action"))
    with pytest.raises(StepCompensated):
        await vm.claim(4, resize_id=resize_id)
    set_current_key(None)
    assert await vm.held() == (2, 4096, 10)


async def test_resizes_that_race_for_one_node_never_take_more_than_there_is(scheduler, vm, resources):
    others = [str(uuid4()) for _ in range(3)]
    for other in others:
        await scheduler.reserve(other, resources=resources(1, 1024, 10))
    racing = [Resizing(scheduler, vm.stub, one) for one in (vm.vm_id, *others)]
    answers = await asyncio.gather(*(one.claim(4, 4096) for one in racing), return_exceptions=True)
    assert 1 <= sum(not isinstance(one, Exception) for one in answers) <= 2
    assert all(isinstance(one, NoCapacity) for one in answers if isinstance(one, Exception)), answers
    await scheduler.check_sums()


SIZES = st.builds(Resources, st.integers(1, 12), st.integers(512, 20_000), st.integers(0, 600))
STEPS = st.lists(st.tuples(SIZES, st.sampled_from(("confirm", "undo", "twice"))), min_size=1, max_size=5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_any_row_of_resizes_leaves_what_the_last_that_was_kept_said(scheduler, vm, steps):
    expected = await vm.held()
    for size, then in steps:
        resize_id = uuid4()
        try:
            peak = size_of(await vm.claim(*size[:3], resize_id=resize_id))
        except NoCapacity:
            assert size.cpu_cores > 8 or size.memory_mib > 16384 or size.storage_gib > 500
            continue
        assert peak == tuple(map(max, zip(expected, size[:3], strict=True)))
        await scheduler.check_sums()
        if then == "undo":
            await vm.undo(resize_id)
        else:
            await vm.confirm(resize_id)
            expected = tuple(size[:3])
        if then == "twice":
            await vm.confirm(resize_id)
        assert await vm.held() == expected
        await scheduler.check_sums()
