"""A VM gives way to one of higher priority: stopped, told why, and given a place again when there is one."""

import asyncio
from uuid import UUID

import pytest

from novacron.api.vm.v1 import (
    VM_STATE_CREATING,
    VM_STATE_DELETED,
    VM_STATE_ERROR,
    VM_STATE_RUNNING,
    VM_STATE_STOPPED,
    CreateTemplateRequest,
    DeleteVmRequest,
    DrainNodeRequest,
    GetNodeDrainRequest,
    GetVmRequest,
    MoveVmRequest,
    ResizeVmRequest,
    StartVmRequest,
    StopVmRequest,
    VmSpec,
)
from novacron.errors import FailedPrecondition, InvalidArgument, NoCapacity, SagaFailed, Unavailable
from novacron.testing.patience import eventually
from novacron_agent.drivers.driver import HostCapacity
from novacron_vm.clients import SchedulerClient
from novacron_vm.sagas import room
from novacron_vm.sagas.preempt_vm import preempt_saga_id

from .house import rows

SMALL = HostCapacity(vcpus=4, memory_mib=16 * 1024, disk_gib=100)


def spec(cpu=4, priority=0, **more):
    said = {"cpu_cores": cpu, "memory_mib": 128, "storage_gib": 1, "base_image": "novacron-guest"}
    return VmSpec(**said, priority=priority, **more)


@pytest.fixture
async def small(empty_house, monkeypatch):
    """A house with one host of 4 vCPU, whose tenant lets VMs of lower priority give way."""
    monkeypatch.setattr(room, "_LOOK_SECONDS", 0.02)
    await empty_house.add_host("n1", SMALL)
    await empty_house.let_lower_give_way()
    return empty_house


async def history(house, vm):
    query = "SELECT to_state::text, reason FROM vm_state_transitions WHERE vm_id = %s ORDER BY sequence"
    return await rows(house.vm_database, query, vm.vm_id)


async def test_a_vm_of_higher_priority_has_the_lower_ones_stopped_and_takes_their_place(small):
    low, other = await small.create(spec=spec(2)), await small.create(spec=spec(2, -5))
    high = await small.create(spec=spec(2, 10), name="web")
    assert (high.state, high.spec.priority) == (VM_STATE_RUNNING, 10)
    gone = await small.get(other.vm_id)
    assert (gone.state, gone.node_id, gone.saga_id, gone.error) == (VM_STATE_STOPPED, other.node_id, "", "")
    assert gone.HasField("displaced_at")
    assert (await history(small, gone))[-1] == ("stopped", "gave way to VM web (priority 10 over -5)")
    assert not (await small.get(low.vm_id)).HasField("displaced_at"), "it could be spared"
    await small.nothing_is_left_over()


async def test_the_sagas_timeline_says_whom_it_waited_for(small):
    low = await small.create(spec=spec())
    high = await small.create(spec=spec(priority=1))
    record = await small.ended(high.vm_id)
    waited, went_on, *_ = record.of("reserve", "action")
    assert (waited.outcome, waited.error.message) == ("unknown", f"waiting for VM {low.name} to give way")
    assert went_on.outcome == "ok"


async def test_who_is_as_high_or_finds_no_lower_ones_is_refused_and_nobody_is_touched(small):
    low = await small.create(spec=spec())
    with pytest.raises(NoCapacity, match="nor would it fit if all VMs of a priority below 0 gave way"):
        await small.create(spec=spec())
    assert await small.get(low.vm_id) == low
    await small.nothing_is_left_over()


async def test_one_that_gave_way_starts_again_once_there_is_room_and_not_before(small):
    low = await small.create(spec=spec())
    high = await small.create(spec=spec(priority=1))
    with pytest.raises(NoCapacity, match=r"no node takes 4 vCPU.*the closest, n1, lacks 4 vCPU"):
        await small.vms().StartVm(StartVmRequest(vm_id=low.vm_id))
    stays = await small.get(low.vm_id)
    assert (stays.state, stays.saga_id, stays.HasField("displaced_at")) == (VM_STATE_STOPPED, "", True)
    assert "no node takes 4 vCPU" in stays.error
    await small.nothing_is_left_over()
    await small.delete(high.vm_id)
    back = await small.vms().StartVm(StartVmRequest(vm_id=low.vm_id))
    assert (back.state, back.HasField("displaced_at"), back.node_id) == (VM_STATE_RUNNING, False, low.node_id)
    assert (await history(small, low))[-1] == ("running", "started, on a place of its own again")
    again = await small.vms().StopVm(StopVmRequest(vm_id=low.vm_id))
    assert not again.HasField("displaced_at"), "a VM that is only stopped keeps its place"
    await small.nothing_is_left_over()


async def test_one_that_starts_again_may_make_others_give_way_in_turn(small):
    middle = await small.create(spec=spec(priority=5))
    high = await small.create(spec=spec(priority=10))
    await small.delete(high.vm_id)
    low = await small.create(spec=spec(priority=0))
    await small.vms().StartVm(StartVmRequest(vm_id=middle.vm_id))
    assert (await small.get(low.vm_id)).HasField("displaced_at")
    await small.nothing_is_left_over()


async def test_starts_that_wait_attach_to_the_one_under_way(small):
    low = await small.create(spec=spec())
    await small.delete((await small.create(spec=spec(priority=1))).vm_id)
    small.host.driver.faults._latency_seconds = {"start": 0.2}
    vms = await asyncio.gather(*(small.vms().StartVm(StartVmRequest(vm_id=low.vm_id)) for _ in range(3)))
    assert {vm.state for vm in vms} == {VM_STATE_RUNNING}
    assert len(await history(small, low)) == 4


async def test_a_vm_without_a_place_is_neither_moved_nor_resized_nor_forgotten_by_a_drain(small):
    low = await small.create(spec=spec())
    high = await small.create(spec=spec(priority=1))
    await small.add_host("n2", SMALL)
    operator = small.vms(small.someone("node:drain", "vm:*", tenant_id=small.user.tenant_id))
    for order in (
        operator.MoveVm(MoveVmRequest(vm_id=low.vm_id)),
        operator.ResizeVm(ResizeVmRequest(vm_id=low.vm_id, cpu_cores=1)),
    ):
        with pytest.raises(FailedPrecondition, match=f"start it first, .*novacron vm start {low.name}"):
            await order
    begun = await small.drains().DrainNode(DrainNodeRequest(node="n1"))

    async def over():
        drain = await small.drains().GetNodeDrain(GetNodeDrainRequest(drain=begun.drain_id))
        return drain if drain.HasField("finished_at") else None

    drain = await eventually(over)
    assert (drain.moved, [one.vm_id for one in drain.left_behind]) == (1, [low.vm_id])
    assert "has only its disk there: open the node and start it" in drain.error
    assert (await small.get(high.vm_id)).node_id != low.node_id
    await small.nothing_is_left_over()


async def test_one_that_gave_way_can_be_deleted(small):
    low = await small.create(spec=spec())
    await small.create(spec=spec(priority=1))
    assert (await small.delete(low.vm_id)).state == VM_STATE_DELETED
    await small.is_gone(low.vm_id)
    await small.nothing_is_left_over()


async def test_a_stopped_vm_gives_way_as_well_and_a_busy_one_is_waited_for(small):
    off, busy = await small.create(spec=spec(2)), await small.create(spec=spec(2))
    await small.vms().StopVm(StopVmRequest(vm_id=off.vm_id))
    small.host.driver.faults._latency_seconds = {"stop": 0.5}
    await small.vms().StopVm(StopVmRequest(vm_id=busy.vm_id, return_immediately=True))
    await small.create(spec=spec(priority=1))
    assert {UUID(off.vm_id), UUID(busy.vm_id)} == await small.displaced()
    await small.nothing_is_left_over()


async def deleting(small, vm_id):
    await small.vms().DeleteVm(DeleteVmRequest(vm_id=vm_id, return_immediately=True))


async def preempting(small, **asked):
    """``(low, high)``: a create under way, and the VM that gives way to it, whose guest takes its time."""
    low = await small.create(spec=spec())
    small.host.driver.faults._latency_seconds = {"stop": 0.5}
    high = await small.create(spec=spec(priority=1), return_immediately=True, **asked)

    async def gives_way():
        return (await small.get(low.vm_id)).operation == "preempt-vm"

    await eventually(gives_way)
    return low, high


async def test_a_create_that_is_deleted_meanwhile_leaves_the_other_its_place_and_it_runs(small):
    low, high = await preempting(small)
    await deleting(small, high.vm_id)
    await small.reaches(high.vm_id, VM_STATE_DELETED)
    kept = await small.reaches(low.vm_id, VM_STATE_RUNNING)
    assert not kept.HasField("displaced_at")
    assert "needs its room no longer" in kept.error
    await small.nothing_is_left_over()


async def test_one_that_is_deleted_while_it_gives_way_makes_room_all_the_same(small):
    low, high = await preempting(small)
    await deleting(small, low.vm_id)
    await small.reaches(high.vm_id, VM_STATE_RUNNING)
    await small.is_gone(low.vm_id)
    await small.nothing_is_left_over()


async def test_one_that_cannot_be_stopped_keeps_its_place_and_the_create_says_why(small):
    low = await small.create(spec=spec())
    driver = small.host.driver

    async def refuse(vm_id, grace_seconds):
        raise FailedPrecondition("the guest does not answer")

    stop, driver.stop = driver.stop, refuse
    with pytest.raises(SagaFailed, match=f"VM {low.name} could not give way: the guest does not answer"):
        await small.create(spec=spec(priority=1))
    driver.stop = stop
    kept = await small.reaches(low.vm_id, VM_STATE_RUNNING)
    assert not kept.HasField("displaced_at")
    await small.nothing_is_left_over()


async def test_a_scheduler_that_does_not_answer_meanwhile_ends_no_wait(small, monkeypatch):
    answers, asked = SchedulerClient.yielding, []

    async def seldom(self, vm_id):
        asked.append(vm_id)
        if len(asked) % 5:
            raise Unavailable("restarting")
        return await answers(self, vm_id)

    monkeypatch.setattr(SchedulerClient, "yielding", seldom)
    await small.create(spec=spec())
    high = await small.create(spec=spec(priority=1))
    assert high.state == VM_STATE_RUNNING
    assert len((await small.ended(high.vm_id)).of("reserve", "action")) == 2
    await small.nothing_is_left_over()


async def test_patience_ends(small, monkeypatch):
    monkeypatch.setattr("novacron_vm.preemption.PATIENCE_SECONDS", 0.3)
    low, high = await preempting(small)
    failed = await small.reaches(high.vm_id, VM_STATE_ERROR)
    assert f"VM {low.name} did not give way within" in failed.error
    kept = await small.reaches(low.vm_id, VM_STATE_RUNNING)
    assert not kept.HasField("displaced_at")
    await small.nothing_is_left_over()


async def test_a_priority_comes_from_the_template_unless_the_request_says_one_and_has_its_bounds(small):
    made = await small.templates().CreateTemplate(CreateTemplateRequest(name="urgent", spec=spec(1, 7)))
    assert (await small.create(template=made.template_id, spec=None)).spec.priority == 7
    back = await small.create(template=made.template_id, spec=VmSpec(priority=0))
    assert back.spec.priority == 0
    with pytest.raises(InvalidArgument, match=r"spec\.priority"):
        await small.create(spec=spec(priority=1001))
    low = await small.vms().GetVm(GetVmRequest(vm_id=back.vm_id))
    assert low.state != VM_STATE_CREATING


async def test_a_vm_gives_way_once_to_the_same_saga(small):
    low = await small.create(spec=spec())
    high = await small.create(spec=spec(priority=1))
    saga_id = preempt_saga_id(UUID(high.vm_id), UUID(low.vm_id))
    assert (await small.ended(saga_id)).state == "succeeded"
    (count,) = await rows(small.vm_database, "SELECT count(*) FROM saga WHERE name = 'preempt-vm'")
    assert count == (1,)
