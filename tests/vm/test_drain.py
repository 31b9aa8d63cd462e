"""Emptying a node: its VMs go elsewhere, a few at a time, and those that cannot are named with their reasons."""

import asyncio
from uuid import UUID, uuid4

import pytest

from novacron.api.scheduler.v1 import NODE_STATUS_MAINTENANCE, NODE_STATUS_READY, GetNodeRequest, NodeServiceStub
from novacron.api.scheduler.v1 import DrainNodeRequest as CloseNode
from novacron.api.vm.v1 import (
    NODE_DRAIN_STATE_CANCELLED,
    NODE_DRAIN_STATE_CANCELLING,
    NODE_DRAIN_STATE_DRAINED,
    NODE_DRAIN_STATE_FAILED,
    NODE_DRAIN_STATE_RUNNING,
    VM_STATE_RUNNING,
    CancelNodeDrainRequest,
    DrainNodeRequest,
    GetNodeDrainRequest,
    StopVmRequest,
)
from novacron.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from novacron.testing.patience import eventually
from novacron.testing.sagas import fail_at_every_step, repeat_every_step
from novacron_agent.drivers.driver import HostCapacity
from novacron_vm import drains as drain_commands
from novacron_vm.sagas import DRAIN_NODE, drain_node

from .house import rows

UNDER_WAY = (NODE_DRAIN_STATE_RUNNING, NODE_DRAIN_STATE_CANCELLING)


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr(drain_node, "_LOOK_SECONDS", 0.02)


def nodes(house):
    return NodeServiceStub(house.servers.as_user(house.scheduler, house.someone("node:*")))


async def status(house, node="n1"):
    return (await nodes(house).GetNode(GetNodeRequest(node=node))).status


async def drain(house, node="n1", **how):
    return await house.drains().DrainNode(DrainNodeRequest(node=node, **how))


async def over(house, drain_id):
    async def ended():
        found = await house.drains().GetNodeDrain(GetNodeDrainRequest(drain=drain_id))
        return None if found.state in UNDER_WAY else found

    return await eventually(ended, within=30, message=f"drain {drain_id} is over")


@pytest.fixture
async def full(house):
    """Three VMs on `n1`, one of them stopped, and room for them on `n2`."""
    vms = [await house.create() for _ in range(3)]
    await house.vms().StopVm(StopVmRequest(vm_id=vms[2].vm_id))
    await house.add_host("n2")
    house.on_n1 = vms
    return house


async def test_a_drained_node_is_empty_closed_and_its_vms_are_what_they_were(full):
    begun = await drain(full)
    assert (begun.state, begun.node_name, begun.budget) == (NODE_DRAIN_STATE_RUNNING, "n1", 2)
    ended = await over(full, begun.drain_id)
    assert (ended.state, ended.moved, ended.left, ended.error) == (NODE_DRAIN_STATE_DRAINED, 3, 0, "")
    assert await full.hosts["n1"].driver.list() == []
    assert sorted((await full.domains()).values()) == ["running", "running", "stopped"]
    assert await status(full) == NODE_STATUS_MAINTENANCE
    assert await full.drains().GetNodeDrain(GetNodeDrainRequest(drain="n1")) == ended
    await full.nothing_is_left_over()


async def test_no_more_vms_are_off_at_once_than_the_budget_says(full):
    full.hosts["n1"].driver.faults._latency_seconds = {"export": 0.1}
    begun = await drain(full, budget=1)
    seen = set()

    async def ended():
        now = await full.drains().GetNodeDrain(GetNodeDrainRequest(drain=begun.drain_id))
        (busy,) = await rows(full.vm_database, "SELECT count(*) FROM vms WHERE state = 'migrating'")
        seen.add(busy[0])
        return now.state not in UNDER_WAY

    await eventually(ended, within=30)
    assert seen <= {0, 1}
    assert 1 in seen


async def test_vms_that_cannot_be_moved_are_named_and_the_others_are_moved(house):
    big = [await house.create() for _ in range(2)]
    await house.add_host("n2", capacity=HostCapacity(1, 64 * 1024, 1024))
    ended = await over(house, (await drain(house)).drain_id)
    assert (ended.state, ended.moved, ended.left) == (NODE_DRAIN_STATE_FAILED, 1, 1)
    (behind,) = ended.left_behind
    assert behind.vm_id in {vm.vm_id for vm in big}
    assert behind.reason == "NO_CAPACITY"
    assert "no node takes 1 vCPU" in behind.message
    assert ended.error.startswith(f"1 VM could not be moved off n1: {behind.name}: no node takes")
    reader = house.drains(house.someone("node:read", "vm:read"))
    told = await reader.GetNodeDrain(GetNodeDrainRequest(drain=ended.drain_id))
    assert [(one.vm_id, one.name, one.reason, one.message) for one in told.left_behind] == [("", "", "NO_CAPACITY", "")]
    assert behind.name not in str(told), "whose VMs they are is nothing to a tenant that reads nodes"
    assert (await house.get(behind.vm_id)).state == VM_STATE_RUNNING
    assert await status(house) == NODE_STATUS_MAINTENANCE, "what is left is for an operator to say"
    await house.nothing_is_left_over()
    await house.add_host("n3")
    assert (await over(house, (await drain(house)).drain_id)).state == NODE_DRAIN_STATE_DRAINED


async def test_a_vm_whose_disk_cannot_be_copied_runs_on_and_is_named(full):
    full.hosts["n2"].driver.faults.fail_next("receive", 1000)
    ended = await over(full, (await drain(full)).drain_id)
    assert (ended.state, ended.moved, ended.left) == (NODE_DRAIN_STATE_FAILED, 0, 3)
    assert {one.reason for one in ended.left_behind} == {"UNAVAILABLE"}
    await full.nothing_is_left_over()


async def test_a_cancelled_drain_ends_its_moves_and_opens_the_node(full):
    full.hosts["n1"].driver.faults._latency_seconds = {"export": 0.3}
    begun = await drain(full, budget=1)

    async def moving():
        return (await full.drains().GetNodeDrain(GetNodeDrainRequest(drain=begun.drain_id))).under_way == 1

    await eventually(moving)
    told = await full.drains().CancelNodeDrain(CancelNodeDrainRequest(drain="n1"))
    assert told.state == NODE_DRAIN_STATE_CANCELLING
    ended = await over(full, begun.drain_id)
    assert (ended.state, ended.moved, ended.left, ended.error) == (NODE_DRAIN_STATE_CANCELLED, 1, 2, "")
    assert await status(full) == NODE_STATUS_READY
    assert await full.drains().CancelNodeDrain(CancelNodeDrainRequest(drain="n1")) == ended
    await full.nothing_is_left_over()


async def test_a_cancelled_drain_leaves_a_node_closed_that_was_closed_before(full):
    await nodes(full).DrainNode(CloseNode(node="n1"))
    full.hosts["n1"].driver.faults._latency_seconds = {"export": 0.3}
    begun = await drain(full)
    await full.drains().CancelNodeDrain(CancelNodeDrainRequest(drain=begun.drain_id))
    assert (await over(full, begun.drain_id)).state == NODE_DRAIN_STATE_CANCELLED
    assert await status(full) == NODE_STATUS_MAINTENANCE


async def test_a_vm_that_was_placed_before_the_node_closed_and_came_after_is_moved_too(empty_house):
    await empty_house.add_host("n1", latency_seconds={"create": 0.5})
    late = await empty_house.create(return_immediately=True)

    async def placed():
        return UUID(late.vm_id) in await empty_house.reserved()

    await eventually(placed)
    await empty_house.add_host("n2")
    ended = await over(empty_house, (await drain(empty_house)).drain_id)
    assert (ended.state, ended.moved) == (NODE_DRAIN_STATE_DRAINED, 1)
    assert (await empty_house.get(late.vm_id)).node_id == str(empty_house.hosts["n2"].node_id)
    await empty_house.nothing_is_left_over()


async def test_an_order_under_way_is_waited_for(full):
    full.hosts["n1"].driver.faults._latency_seconds = {"stop": 0.3}
    await full.vms().StopVm(StopVmRequest(vm_id=full.on_n1[0].vm_id, return_immediately=True))
    ended = await over(full, (await drain(full)).drain_id)
    assert (ended.state, ended.moved) == (NODE_DRAIN_STATE_DRAINED, 3)
    await full.nothing_is_left_over()


async def test_an_empty_node_is_drained_at_once(house):
    assert (await over(house, (await drain(house)).drain_id)).state == NODE_DRAIN_STATE_DRAINED


async def test_a_node_is_drained_once_at_a_time_and_the_same_request_is_one_drain(full):
    full.hosts["n1"].driver.faults._latency_seconds = {"export": 0.2}
    user, request_id = full.someone("node:*"), str(uuid4())
    same = DrainNodeRequest(node="n1", request_id=request_id)
    first = await full.drains(user).DrainNode(same)
    assert (await full.drains(user).DrainNode(same)).drain_id == first.drain_id == request_id
    assert (await drain(full)).drain_id == request_id, "who asks meanwhile is told of the one under way"
    await over(full, request_id)
    assert (await full.drains(user).DrainNode(same)).state == NODE_DRAIN_STATE_DRAINED
    with pytest.raises(AlreadyExists, match="is taken by another request"):
        await full.drains(user).DrainNode(DrainNodeRequest(node="n2", request_id=request_id))
    assert (await drain(full)).drain_id != request_id, "the next one is another"


async def test_what_cannot_be_asked_is_told(full, monkeypatch):
    with pytest.raises(NotFound, match="node n9 not found"):
        await drain(full, "n9")
    with pytest.raises(NotFound, match="drain n1 not found"):
        await full.drains().GetNodeDrain(GetNodeDrainRequest(drain="n1"))
    with pytest.raises(InvalidArgument, match="budget: must be "):
        await drain(full, budget=65)
    with pytest.raises(PermissionDenied, match="node:drain"):
        await full.drains(full.user).DrainNode(DrainNodeRequest(node="n1"))
    monkeypatch.setattr(drain_commands, "_MOST_AT_ONCE", 0)
    with pytest.raises(FailedPrecondition, match="0 nodes are being drained already: wait until one is done"):
        await drain(full)


async def test_a_drain_broken_or_repeated_at_any_step_ends_whole(full):
    """From one node to the other and back: each run drains the one that has the VMs, and opens it again."""
    at = ["n1", "n2"]

    async def run():
        begun = await drain(full, at[0])
        record = await full.ended(begun.drain_id)
        ended = await over(full, begun.drain_id)
        if ended.state == NODE_DRAIN_STATE_DRAINED:
            await nodes(full).DrainNode(CloseNode(node=at[0], undo=True))
            at.reverse()
        else:
            assert await status(full, at[0]) == NODE_STATUS_READY
            assert ended.state == NODE_DRAIN_STATE_FAILED
            if not await full.hosts[at[0]].driver.list():  # turned back after its work was done
                at.reverse()
        return record

    assert await fail_at_every_step(DRAIN_NODE, full.disturbed, run, full.nothing_is_left_over) >= 8
    assert await repeat_every_step(DRAIN_NODE, full.disturbed, run, full.nothing_is_left_over) >= 3


async def test_two_nodes_that_are_drained_at_once_do_not_throw_their_vms_at_each_other(full):
    await full.add_host("n3")
    begun = await asyncio.gather(drain(full, "n1"), drain(full, "n2"))
    ended = [await over(full, one.drain_id) for one in begun]
    assert [one.state for one in ended] == [NODE_DRAIN_STATE_DRAINED] * 2
    assert len(await full.hosts["n3"].driver.list()) == 3
    await full.nothing_is_left_over()
