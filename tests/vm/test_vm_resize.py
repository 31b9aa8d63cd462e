"""A VM gets another size on its node: once, whole, and what it was where that cannot be."""

import asyncio
from uuid import UUID, uuid4

import numpy as np
import pytest

from novacron.api.scheduler.v1 import GetScalingRecommendationRequest, ScalingServiceStub
from novacron.api.vm.v1 import VM_STATE_DELETED, VM_STATE_RUNNING, VM_STATE_STOPPED, ResizeVmRequest, StopVmRequest
from novacron.errors import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    InvalidArgument,
    NoCapacity,
    NotFound,
    PermissionDenied,
    SagaFailed,
    WrongState,
)
from novacron.testing.patience import eventually
from novacron_agent.drivers.driver import HostCapacity
from novacron_scheduler.resources import Resources
from novacron_scheduler.scaling.history import HOUR, History
from novacron_scheduler.scaling.recommendation import recommend
from novacron_scheduler.store.scaling import ScalingStore

from .house import rows


@pytest.fixture
async def resized(house):
    """A VM of 1 vCPU and 128 MiB that runs, and ``resized(cpu, memory, **how)`` that gives it another size."""
    vm = await house.create()

    async def resize(cpu=0, memory=0, **how):
        request = ResizeVmRequest(vm_id=vm.vm_id, cpu_cores=cpu, memory_mib=memory, **how)
        return await house.vms().ResizeVm(request)

    resize.vm = vm
    return resize


def size(vm):
    return vm.spec.cpu_cores, vm.spec.memory_mib


async def history(house, vm):
    query = "SELECT to_state::text, reason FROM vm_state_transitions WHERE vm_id = %s ORDER BY sequence"
    return (await rows(house.vm_database, query, vm.vm_id))[2:]


async def test_a_running_vm_is_restarted_with_its_new_size(house, resized):
    vm = await resized(4, 512, restart=True)
    assert (size(vm), vm.state, vm.saga_id, vm.error) == ((4, 512), VM_STATE_RUNNING, "", "")
    assert (vm.spec.storage_gib, vm.spec.base_image, vm.node_id) == (1, "novacron-guest", resized.vm.node_id)
    assert vm.ip_address
    assert await history(house, vm) == [("running", "resized to 4 vCPU, 512 MiB memory")]
    assert (await house.sizes())[UUID(vm.vm_id)] == [(4, 512)] * 3
    await house.nothing_is_left_over()


async def test_a_stopped_vm_is_resized_and_stays_stopped(house, resized):
    await house.vms().StopVm(StopVmRequest(vm_id=resized.vm.vm_id))
    vm = await resized(memory=64)
    assert (size(vm), vm.state) == ((1, 64), VM_STATE_STOPPED)
    assert (await history(house, vm))[-1] == ("stopped", "resized to 1 vCPU, 64 MiB memory")
    await house.nothing_is_left_over()


async def test_a_running_vm_is_left_alone_unless_it_may_be_restarted(house, resized):
    with pytest.raises(
        WrongState, match="is running, and its size changes only while it is off: stop it first, or say"
    ):
        await resized(2)
    assert await house.get(resized.vm.vm_id) == resized.vm
    assert (await resized(1, 128)) == resized.vm, "it has that size: nothing is done"


async def test_what_its_node_has_no_room_for_is_refused_and_a_move_is_named(house, resized):
    await house.add_host("n2", HostCapacity(vcpus=128, memory_mib=64 * 1024, disk_gib=1024))
    with pytest.raises(NoCapacity) as refused:
        await resized(100, restart=True)
    assert "it lacks 36 vCPU" in refused.value.message
    assert "a move would help: n2 takes the VM at that size" in refused.value.message
    now = await house.get(resized.vm.vm_id)
    assert (size(now), now.state, now.saga_id) == ((1, 128), VM_STATE_RUNNING, "")
    assert "a move would help" in now.error
    await house.nothing_is_left_over()


async def test_a_vm_that_does_not_start_at_its_new_size_runs_at_its_old_one(house, resized):
    driver, start = house.host.driver, house.host.driver.start

    async def boot(vm_id):
        if (await driver.get(vm_id)).vcpus > 1:
            raise FailedPrecondition("the host cannot give it that much")
        return await start(vm_id)

    driver.start = boot
    with pytest.raises(SagaFailed, match="resize-vm failed at step start: the host cannot give it that much"):
        await resized(4, restart=True)
    now = await house.get(resized.vm.vm_id)
    assert (size(now), now.state) == ((1, 128), VM_STATE_RUNNING)
    await house.nothing_is_left_over()


async def test_the_same_request_resizes_once_and_one_that_waits_attaches(house, resized):
    request_id = str(uuid4())
    vm = await resized(2, restart=True, request_id=request_id)
    await resized(3, restart=True)
    again = await resized(2, restart=True, request_id=request_id)
    assert size(again) == (3, 128), "it was done, and is not done again"
    with pytest.raises(AlreadyExists, match="is taken by another request"):
        await resized(2, restart=True, request_id=vm.vm_id)  # its create's
    house.host.driver.faults._latency_seconds = {"resize": 0.3}
    answers = await asyncio.gather(*(resized(4, restart=True) for _ in range(3)))
    assert {size(one) for one in answers} == {(4, 128)}
    assert len(await history(house, vm)) == 3
    await house.nothing_is_left_over()


async def test_another_size_has_to_wait_for_the_one_under_way(house, resized):
    house.host.driver.faults._latency_seconds = {"resize": 0.5}
    await resized(2, restart=True, return_immediately=True)
    with pytest.raises(Conflict, match="resize-vm is under way on VM"):
        await resized(3, restart=True)
    assert size(await house.reaches(resized.vm.vm_id, VM_STATE_RUNNING)) == (2, 128)


async def test_a_delete_during_a_resize_turns_it_round_or_follows_it(house, resized):
    house.host.driver.faults._latency_seconds = {"resize": 0.3}
    await resized(2, restart=True, return_immediately=True)

    async def stopped():
        return (await house.host.driver.list())[0].power_state == "stopped"

    await eventually(stopped)
    assert (await house.delete(resized.vm.vm_id)).state == VM_STATE_DELETED
    await house.is_gone(resized.vm.vm_id)


async def test_a_bad_request_says_what_is_wrong(house, resized):
    with pytest.raises(InvalidArgument, match="nothing is asked for"):
        await resized()
    with pytest.raises(InvalidArgument, match="memory_mib"):
        await resized(memory=63)
    with pytest.raises(InvalidArgument, match="set neither cpu_cores nor memory_mib beside it"):
        await resized(2, recommendation_id=str(uuid4()))
    with pytest.raises(NotFound, match="recommendation"):
        await resized(recommendation_id=str(uuid4()))
    with pytest.raises(PermissionDenied, match="vm:resize"):
        await house.vms(house.someone("vm:read")).ResizeVm(ResizeVmRequest(vm_id=resized.vm.vm_id, cpu_cores=2))
    with pytest.raises(NotFound, match="vm"):
        await house.vms(house.someone()).ResizeVm(ResizeVmRequest(vm_id=resized.vm.vm_id, cpu_cores=2))


@pytest.fixture
async def advised(house, resized):
    """``await advised(cpu, memory, vm_id=...)``: a recommendation that was made of a steady need when the VM was so large."""

    async def advise(cpu, memory, vm_id=None):
        recommendation_id = uuid4()
        steady = History(np.full(24 * 14, 0.7), HOUR), History(np.full(24 * 14, 50.0), HOUR)
        made = recommend(Resources(cpu, memory), *steady)
        async with house.scheduler_database.connection() as connection:
            await ScalingStore().keep(
                connection, recommendation_id, UUID(vm_id or resized.vm.vm_id), house.user.tenant_id, made
            )
        return str(recommendation_id), (made.recommended.cpu_cores, made.recommended.memory_mib)

    return advise


async def test_a_recommendation_is_applied_and_says_when(house, resized, advised):
    await resized(4, 2048, restart=True)
    recommendation_id, then = await advised(4, 2048)
    assert then < (4, 2048)
    vm = await resized(recommendation_id=recommendation_id, restart=True)
    assert size(vm) == then
    scaling = ScalingServiceStub(house.servers.as_service(house.scheduler, "vm"))
    kept = await scaling.GetScalingRecommendation(GetScalingRecommendationRequest(recommendation_id=recommendation_id))
    assert kept.HasField("applied_at")
    assert await resized(recommendation_id=recommendation_id) == vm, "and once"
    await house.nothing_is_left_over()


async def test_a_recommendation_for_what_the_vm_no_longer_is_or_for_another_is_not_applied(house, resized, advised):
    recommendation_id, _ = await advised(4, 2048)
    with pytest.raises(FailedPrecondition, match="was made for 4 vCPU, 2048 MiB memory, and VM vm-1 has 1 vCPU, 128"):
        await resized(recommendation_id=recommendation_id, restart=True)
    other, _ = await advised(4, 2048, vm_id=str(uuid4()))
    with pytest.raises(NotFound, match=f"recommendation {other} not found"):
        await resized(recommendation_id=other, restart=True)
