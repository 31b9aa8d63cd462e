"""Moving a VM to another node: with its disk, once, and back to what it was where that cannot be."""

import asyncio
from uuid import UUID, uuid4

import pytest

from novacron.api.vm.v1 import (
    VM_STATE_DELETED,
    VM_STATE_MIGRATING,
    VM_STATE_RUNNING,
    VM_STATE_STOPPED,
    GetVmConsoleRequest,
    MoveVmRequest,
    StopVmRequest,
)
from novacron.errors import AlreadyExists, NoCapacity, NotFound, PermissionDenied, SagaFailed, WrongState
from novacron.testing.patience import eventually

from .house import rows


@pytest.fixture
async def moved(house):
    """A VM that runs on `n1`, with `n2` beside it, and ``moved(**how)`` that moves it."""
    vm = await house.create()
    await house.add_host("n2")
    operator = house.someone("node:*", tenant_id=house.user.tenant_id)

    async def move(**how):
        return await house.vms(operator).MoveVm(MoveVmRequest(vm_id=vm.vm_id, **how))

    move.vm = vm
    return move


def node_of(house, name):
    return str(house.hosts[name].node_id)


async def history(house, vm):
    query = "SELECT to_state::text, reason FROM vm_state_transitions WHERE vm_id = %s ORDER BY sequence"
    return await rows(house.vm_database, query, vm.vm_id)


async def test_a_running_vm_runs_on_another_node_with_what_was_on_its_disk(house, moved):
    before = house.hosts["n1"].driver._guests[UUID(moved.vm.vm_id)]
    vm = await moved()
    assert (vm.state, vm.node_id, vm.saga_id, vm.error) == (VM_STATE_RUNNING, node_of(house, "n2"), "", "")
    assert vm.ip_address
    after = house.hosts["n2"].driver._guests[UUID(vm.vm_id)]
    assert after.written == before.written
    assert await history(house, vm) == [
        ("creating", "asked for"),
        ("running", "created"),
        ("migrating", "moving to another node"),
        ("running", "moved to n2"),
    ]
    console = (await house.vms().GetVmConsole(GetVmConsoleRequest(vm_id=vm.vm_id))).data
    assert console.count(b"vCPU") == 2, "the console goes on where it was"
    (monitored,) = await rows(house.monitoring_database, "SELECT node_id FROM vm_monitoring")
    assert str(monitored[0]) == vm.node_id
    await house.nothing_is_left_over()


async def test_a_stopped_vm_is_moved_and_stays_stopped(house, moved):
    await house.vms().StopVm(StopVmRequest(vm_id=moved.vm.vm_id))
    vm = await moved()
    assert (vm.state, vm.node_id) == (VM_STATE_STOPPED, node_of(house, "n2"))
    await house.nothing_is_left_over()


async def test_a_vm_for_which_no_node_has_room_goes_on_running_where_it_is(house):
    vm = await house.create()
    operator = house.someone("node:*", tenant_id=house.user.tenant_id)
    with pytest.raises(NoCapacity, match="1 node: 1 where it is now"):
        await house.vms(operator).MoveVm(MoveVmRequest(vm_id=vm.vm_id))
    now = await house.get(vm.vm_id)
    assert (now.state, now.node_id, now.saga_id) == (VM_STATE_RUNNING, vm.node_id, "")
    assert "no node takes" in now.error
    assert (await history(house, vm))[-1] == ("running", "move was undone")
    await house.nothing_is_left_over()


async def test_a_vm_whose_target_fails_runs_again_on_its_node(house, moved):
    house.hosts["n2"].driver.faults.fail_next("receive", 1000)
    with pytest.raises(SagaFailed, match="move-vm failed at step bring"):
        await moved()
    now = await house.get(moved.vm.vm_id)
    assert (now.state, now.node_id) == (VM_STATE_RUNNING, node_of(house, "n1"))
    await house.nothing_is_left_over()


async def test_a_guest_runs_again_though_the_target_that_failed_cannot_be_cleared(house, moved):
    house.hosts["n2"].driver.faults.fail_next("receive", 1000)
    house.hosts["n2"].driver.faults.fail_next("delete", 4)
    began = await moved(return_immediately=True)

    async def runs_again():
        left = house.hosts["n2"].driver.faults._next["before"]["delete"]
        return left and left < 4 and (await house.domains())[UUID(began.vm_id)] == "running"

    assert began.state == VM_STATE_MIGRATING
    await eventually(runs_again, every=0.001)
    await house.reaches(began.vm_id, VM_STATE_RUNNING)
    await house.nothing_is_left_over()


async def test_the_same_request_moves_once(house, moved):
    request_id = str(uuid4())
    vm = await moved(request_id=request_id)
    assert await moved(request_id=request_id) == vm
    assert (await moved(request_id=str(uuid4()))).node_id == node_of(house, "n1"), "another request moves it back"
    with pytest.raises(AlreadyExists, match="is taken by another request"):
        await moved(request_id=vm.vm_id)  # its create's


async def test_the_node_may_be_named_and_must_be_there(house, moved):
    await house.add_host("n3")
    assert (await moved(node="n3")).node_id == node_of(house, "n3")
    assert (await moved(node=node_of(house, "n2"))).node_id == node_of(house, "n2")
    at = (await house.get(moved.vm.vm_id)).etag
    assert (await moved(node="n2")).etag == at, "it is there: nothing is done"
    with pytest.raises(NotFound, match="node n9 not found"):
        await moved(node="n9")


async def test_a_delete_during_a_move_turns_it_round_or_follows_it(house, moved):
    house.hosts["n1"].driver.faults._latency_seconds = {"export": 0.3}
    await moved(return_immediately=True)

    async def stopped():
        return (await house.hosts["n1"].driver.list())[0].power_state == "stopped"

    await eventually(stopped)
    assert (await house.delete(moved.vm.vm_id)).state == VM_STATE_DELETED
    await house.is_gone(moved.vm.vm_id)


async def test_moves_of_one_vm_that_race_are_one_move(house, moved):
    answers = await asyncio.gather(*(moved() for _ in range(3)))
    assert len({(vm.node_id, vm.etag) for vm in answers}) == 1
    assert len(await history(house, moved.vm)) == 4
    await house.nothing_is_left_over()


async def test_who_may_not_drain_nodes_moves_nothing(house, moved):
    with pytest.raises(PermissionDenied, match="node:drain"):
        await house.vms().MoveVm(MoveVmRequest(vm_id=moved.vm.vm_id))


async def test_a_vm_that_is_nowhere_is_not_moved(empty_house):
    with pytest.raises(NoCapacity):
        await empty_house.create(name="nowhere")
    ((vm_id,),) = await rows(empty_house.vm_database, "SELECT id FROM vms")
    operator = empty_house.someone("node:*", tenant_id=empty_house.user.tenant_id)
    with pytest.raises(WrongState, match="VM nowhere is error; move-vm needs it running or stopped"):
        await empty_house.vms(operator).MoveVm(MoveVmRequest(vm_id=str(vm_id)))
