"""StartVm, StopVm, RebootVm, DeleteVm and the console: what each may do from each state, and what is told when it may not."""

import asyncio
from uuid import UUID, uuid4

import pytest

from novacron.api.vm.v1 import (
    VM_STATE_CREATING,
    VM_STATE_DELETED,
    VM_STATE_ERROR,
    VM_STATE_RUNNING,
    VM_STATE_STOPPED,
    DeleteVmRequest,
    GetVmConsoleRequest,
    RebootVmRequest,
    StartVmRequest,
    StopVmRequest,
    WatchVmRequest,
)
from novacron.errors import AlreadyExists, Conflict, InvalidArgument, NoCapacity, NotFound, SagaFailed, WrongState
from novacron.saga import failpoint
from novacron.testing.patience import eventually

HISTORY = "SELECT from_state::text, to_state::text, reason FROM vm_state_transitions WHERE vm_id = %s ORDER BY sequence"


async def boots(house, vm):
    return (await house.host.driver.console(UUID(vm.vm_id), offset=0, limit=1 << 20)).count(b"vCPU")


async def history(house, vm):
    async with house.vm_database.connection() as connection:
        return await (await connection.execute(HISTORY, (vm.vm_id,))).fetchall()


async def test_a_vm_is_stopped_started_rebooted_and_deleted_and_each_change_is_noted(house):
    vm = await house.create()
    vms = house.vms()
    assert (await vms.StopVm(StopVmRequest(vm_id=vm.vm_id))).state == VM_STATE_STOPPED
    assert await house.domains() == {UUID(vm.vm_id): "stopped"}
    assert UUID(vm.vm_id) in await house.reserved(), "its place is kept"
    assert (await vms.StartVm(StartVmRequest(vm_id=vm.vm_id))).state == VM_STATE_RUNNING
    assert (await vms.RebootVm(RebootVmRequest(vm_id=vm.vm_id))).state == VM_STATE_RUNNING
    assert await boots(house, vm) == 3
    deleted = await house.delete(vm.vm_id)
    assert deleted.state == VM_STATE_DELETED
    assert deleted.HasField("deleted_at")
    assert await history(house, vm) == [
        (None, "creating", "asked for"),
        ("creating", "running", "created"),
        ("running", "stopped", "stopped"),
        ("stopped", "running", "started"),
        ("running", "running", "rebooted"),
        ("running", "deleted", "deleted"),
    ]
    await house.nothing_is_left_over()


async def test_what_is_so_already_is_returned_as_it_is(house):
    vm = await house.create()
    assert await house.vms().StartVm(StartVmRequest(vm_id=vm.vm_id)) == vm
    stopped = await house.vms().StopVm(StopVmRequest(vm_id=vm.vm_id))
    assert await house.vms().StopVm(StopVmRequest(vm_id=vm.vm_id)) == stopped


async def test_a_guest_is_asked_first_unless_no_grace_is_given(house):
    asked, pulled = await house.create(), await house.create()
    await house.vms().StopVm(StopVmRequest(vm_id=asked.vm_id))
    await house.vms().StopVm(StopVmRequest(vm_id=pulled.vm_id, grace_seconds=0))

    async def said(vm):
        return await house.host.driver.console(UUID(vm.vm_id), offset=0, limit=10_000)

    assert b"Power down" in await said(asked)
    assert b"Power down" not in await said(pulled)


async def test_a_reboot_is_one_for_each_request_id(house):
    vm, request_id = await house.create(), str(uuid4())
    for _ in range(3):
        await house.vms().RebootVm(RebootVmRequest(vm_id=vm.vm_id, request_id=request_id))
    assert await boots(house, vm) == 2
    await house.vms().RebootVm(RebootVmRequest(vm_id=vm.vm_id))
    assert await boots(house, vm) == 3
    with pytest.raises(AlreadyExists, match="is taken by another request: choose a new id"):
        await house.vms().RebootVm(RebootVmRequest(vm_id=vm.vm_id, request_id=request_id, grace_seconds=1))


async def test_a_wrong_state_is_told_with_the_right_one(house, empty_house):
    vm = await house.create()
    await house.vms().StopVm(StopVmRequest(vm_id=vm.vm_id))
    with pytest.raises(WrongState) as refused:
        await house.vms().RebootVm(RebootVmRequest(vm_id=vm.vm_id))
    assert refused.value.message == f"VM {vm.name} is stopped; reboot-vm needs it running"
    await house.delete(vm.vm_id)
    for rpc, request, needs in (
        (house.vms().StartVm, StartVmRequest, "start-vm needs it stopped"),
        (house.vms().StopVm, StopVmRequest, "stop-vm needs it running"),
        (house.vms().RebootVm, RebootVmRequest, "reboot-vm needs it running"),
    ):
        with pytest.raises(WrongState) as refused:
            await rpc(request(vm_id=vm.vm_id))
        assert refused.value.message == f"VM {vm.name} is deleted; {needs}"
    with pytest.raises(InvalidArgument, match=r"^grace_seconds: must be greater than or equal to 0 and less than"):
        await house.vms().StopVm(StopVmRequest(vm_id=vm.vm_id, grace_seconds=601))


async def test_a_second_order_waits_for_the_first_or_is_told_to(empty_house):
    await empty_house.add_host(latency_seconds={"stop": 0.8})
    vm = await empty_house.create()
    vms = empty_house.vms()
    stopping = await vms.StopVm(StopVmRequest(vm_id=vm.vm_id, return_immediately=True))
    assert (stopping.state, stopping.operation) == (VM_STATE_RUNNING, "stop-vm")
    for call in (StartVmRequest, RebootVmRequest):
        with pytest.raises(Conflict) as refused:
            await getattr(vms, call.DESCRIPTOR.name.removesuffix("Request"))(call(vm_id=vm.vm_id))
        assert refused.value.message == f"stop-vm is under way on VM {vm.name}: wait for it, then repeat"
    assert (await vms.StopVm(StopVmRequest(vm_id=vm.vm_id))).state == VM_STATE_STOPPED, "the same order attaches"


async def test_an_order_to_a_node_that_is_down_changes_nothing_and_says_so(house):
    vm = await house.create()
    await house.host.goes_down()
    with pytest.raises(SagaFailed, match=r"^stop-vm failed at step stop: the agent of node n1 cannot be reached"):
        await house.vms().StopVm(StopVmRequest(vm_id=vm.vm_id))
    still = await house.get(vm.vm_id)
    assert (still.state, still.operation) == (VM_STATE_RUNNING, "")
    assert still.error == "stop: the agent of node n1 cannot be reached"
    await house.host.comes_back()


async def test_deleting_twice_is_deleting_once(house):
    vm = await house.create()
    first, second = await asyncio.gather(house.delete(vm.vm_id), house.delete(vm.vm_id))
    assert first.state == second.state == VM_STATE_DELETED
    assert await house.delete(vm.vm_id) == first
    assert len(await history(house, vm)) == 3


async def test_a_stopped_vm_and_one_in_error_can_be_deleted(house):
    vm = await house.create()
    await house.vms().StopVm(StopVmRequest(vm_id=vm.vm_id))
    assert (await house.delete(vm.vm_id)).state == VM_STATE_DELETED
    request = house.request()
    request.spec.base_image = "gone"
    with pytest.raises(SagaFailed):
        await house.vms().CreateVm(request)
    assert (await house.get(request.vm_id)).state == VM_STATE_ERROR
    assert (await house.delete(request.vm_id)).state == VM_STATE_DELETED
    await house.nothing_is_left_over()


async def test_a_delete_turns_a_create_round(empty_house):
    await empty_house.add_host(latency_seconds={"create": 0.5})
    vm = await empty_house.create(return_immediately=True)

    async def provisioning():
        return UUID(vm.vm_id) in await empty_house.reserved()

    await eventually(provisioning)
    deleted = await empty_house.delete(vm.vm_id)
    assert deleted.state == VM_STATE_DELETED
    assert [to for _, to, _ in await history(empty_house, vm)] == ["creating", "error", "deleted"]
    await empty_house.is_gone(vm.vm_id)


async def test_a_delete_that_comes_too_late_to_turn_the_create_round_follows_it(house):
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def hold(point, detail):
        if (point, detail) == ("send", "create-vm/activate/action"):
            reached.set()
            await go_on.wait()

    failpoint.install(hold)
    try:
        vm = await house.create(return_immediately=True)
        await asyncio.wait_for(reached.wait(), 10)
        asked = await house.vms().DeleteVm(DeleteVmRequest(vm_id=vm.vm_id, return_immediately=True))
        assert asked.state == VM_STATE_CREATING
        go_on.set()
        deleted = await house.delete(vm.vm_id)
    finally:
        failpoint.install(None)
    assert deleted.state == VM_STATE_DELETED
    assert [to for _, to, _ in await history(house, vm)] == ["creating", "running", "deleted"]
    await house.is_gone(vm.vm_id)


async def test_a_delete_during_another_order_comes_after_it(empty_house):
    await empty_house.add_host(latency_seconds={"stop": 0.5})
    vm = await empty_house.create()
    await empty_house.vms().StopVm(StopVmRequest(vm_id=vm.vm_id, return_immediately=True))
    assert (await empty_house.delete(vm.vm_id)).state == VM_STATE_DELETED
    await empty_house.is_gone(vm.vm_id)


async def test_the_console_is_read_in_parts(house):
    vm = await house.create()
    whole = await house.vms().GetVmConsole(GetVmConsoleRequest(vm_id=vm.vm_id))
    assert b"novacron" in whole.data.lower()
    assert whole.next_offset == len(whole.data)
    part = await house.vms().GetVmConsole(GetVmConsoleRequest(vm_id=vm.vm_id, offset=5, limit=7))
    assert (part.data, part.next_offset) == (whole.data[5:12], 12)
    none = await house.vms().GetVmConsole(GetVmConsoleRequest(vm_id=vm.vm_id, offset=1 << 40))
    assert (none.data, none.next_offset) == (b"", 1 << 40)
    with pytest.raises(InvalidArgument, match=r"^offset: must be greater than or equal to 0"):
        await house.vms().GetVmConsole(GetVmConsoleRequest(vm_id=vm.vm_id, offset=-1))
    with pytest.raises(NotFound):
        await house.vms(house.someone()).GetVmConsole(GetVmConsoleRequest(vm_id=vm.vm_id))


async def test_a_watcher_sees_every_change_and_goes_on_where_it_was(house):
    vm = await house.create(return_immediately=True)
    watch = house.vms().WatchVm(WatchVmRequest(vm_id=vm.vm_id))
    events = [await anext(watch), await anext(watch)]
    assert [one.to_state for one in events] == [VM_STATE_CREATING, VM_STATE_RUNNING]
    await watch.aclose()
    await house.vms().StopVm(StopVmRequest(vm_id=vm.vm_id))
    await house.delete(vm.vm_id)
    resumed = WatchVmRequest(vm_id=vm.vm_id, resume_token=events[1].resume_token)
    rest = [one async for one in house.vms().WatchVm(resumed)]
    assert [one.to_state for one in rest] == [VM_STATE_STOPPED, VM_STATE_DELETED], "and the stream ends by itself"
    done = WatchVmRequest(vm_id=vm.vm_id, resume_token=rest[-1].resume_token)
    assert [one async for one in house.vms().WatchVm(done)] == []


async def test_a_watchers_token_serves_its_own_vm_only(house):
    vm, other = await house.create(), await house.create()
    event = await anext(house.vms().WatchVm(WatchVmRequest(vm_id=vm.vm_id)))
    for token in (event.resume_token, "forged"):
        with pytest.raises(InvalidArgument) as refused:
            await anext(house.vms().WatchVm(WatchVmRequest(vm_id=other.vm_id, resume_token=token)))
        assert refused.value.violations[0].field == "resume_token"


async def test_a_stuck_saga_is_told_to_whoever_deletes_its_vm(empty_house):
    with pytest.raises(NoCapacity):
        await empty_house.create(name="first")
    vm = await empty_house.create(name="second", return_immediately=True)
    await empty_house.ended(vm.vm_id)
    # As an undo that was tried in vain until its attempts were spent leaves it.
    async with empty_house.vm_database.connection() as connection:
        await connection.execute("ALTER TABLE saga DISABLE TRIGGER saga_guard")
        await connection.execute("UPDATE saga SET state = 'stuck' WHERE saga_id = %s", (vm.vm_id,))
        await connection.execute(
            "UPDATE vms SET state = 'creating', saga_id = id, operation = 'create-vm' WHERE id = %s", (vm.vm_id,)
        )
    from novacron.errors import SagaStuck

    with pytest.raises(SagaStuck) as told:
        await asyncio.wait_for(empty_house.delete(vm.vm_id), 5)
    assert f"an operator sees it with `novacron saga show {vm.vm_id}`" in told.value.message
