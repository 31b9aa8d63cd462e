"""VMs whose node is lost: nobody knows what they are, and they are what they were when it is heard again."""

import asyncio
from uuid import UUID

import pytest

from novacron.api.agent.v1 import AgentServiceStub, StartVmRequest
from novacron.api.scheduler.v1 import add_NodeEventServiceServicer_to_server
from novacron.api.vm.v1 import (
    VM_STATE_DELETED,
    VM_STATE_RUNNING,
    VM_STATE_STOPPED,
    VM_STATE_UNKNOWN,
    ListVmsRequest,
    StopVmRequest,
    WatchVmRequest,
)
from novacron.api.vm.v1 import StartVmRequest as StartRequest
from novacron.clock import SystemClock
from novacron.errors import SagaFailed, StaleEpoch, Unavailable, WrongState
from novacron.testing.patience import eventually
from novacron_scheduler.losses import Losses
from novacron_scheduler.node_event_servicer import NodeEventServicer
from novacron_vm.clients import NodeEventClient
from novacron_vm.loss import NodeEvent, newest
from novacron_vm.loss_store import LossStore
from novacron_vm.losses import LossFollower

from .house import rows


class Losing:
    """The house, and what tells its vm service of lost nodes."""

    def __init__(self, house, events, follower):
        self.house, self.events, self.follower = house, events, follower

    def another(self):
        """One more replica's follower."""
        return LossFollower(LossStore(self.house.vm_database), self.events)

    async def lose(self, name="n1"):
        """The scheduler has declared it lost, and the vm service has heard of it."""
        await self.house.hosts[name].heartbeat.stop()
        await rows(
            self.house.scheduler_database,
            """WITH lost AS (UPDATE nodes SET lost_at = now(), lease_until = now(), epoch = epoch + 1 WHERE name = %s
                             RETURNING id, epoch)
               INSERT INTO node_events (node_id, kind, epoch) SELECT id, 'lost', epoch FROM lost RETURNING node_id""",
            name,
        )
        await self.turn()

    async def comes_back(self, name="n1"):
        host = self.house.hosts[name]
        before = host.lease.epoch
        await host.heartbeat.start()
        await eventually(lambda: _true(host.lease.epoch > before))
        await eventually(lambda: self._heard(name))
        await self.turn()

    async def turn(self):
        while await self.follower.read_once():
            pass
        await LossStore(self.house.vm_database).settle()

    async def _heard(self, name):
        query = "SELECT 1 FROM nodes WHERE name = %s AND lost_at IS NULL"
        return bool(await rows(self.house.scheduler_database, query, name))


async def _true(value):
    return value


@pytest.fixture
async def losing(house):
    registration = (
        add_NodeEventServiceServicer_to_server,
        NodeEventServicer(Losses(house.scheduler_database, SystemClock(), 60, 30)),
    )
    server = await house.servers.start("scheduler", [registration])
    events = NodeEventClient(house.servers.as_service(server, "vm"))
    return Losing(house, events, LossFollower(LossStore(house.vm_database), events))


async def states(house, *vms):
    return [(await house.get(vm.vm_id)).state for vm in vms]


async def test_vms_of_a_lost_node_are_unknown_and_are_what_they_were_when_it_is_heard_again(losing):
    house = losing.house
    running, stopped = await house.create(), await house.create()
    await house.vms().StopVm(StopVmRequest(vm_id=stopped.vm_id))
    await losing.lose()
    assert await states(house, running, stopped) == [VM_STATE_UNKNOWN, VM_STATE_UNKNOWN]
    lost = await house.get(running.vm_id)
    assert lost.error == "nothing is heard of its node n1: whether it runs is not known"
    found = (await house.vms().ListVms(ListVmsRequest(filter="state = unknown"))).vms
    assert {vm.vm_id for vm in found} == {running.vm_id, stopped.vm_id}

    await losing.comes_back()
    assert await states(house, running, stopped) == [VM_STATE_RUNNING, VM_STATE_STOPPED]
    assert not (await house.get(running.vm_id)).error
    told = []
    async for event in house.vms().WatchVm(WatchVmRequest(vm_id=running.vm_id)):
        told.append((event.to_state, event.reason))
        if len(told) == 4:
            break
    assert told[2:] == [(VM_STATE_UNKNOWN, "its node n1 is lost"), (VM_STATE_RUNNING, "its node is heard again")]
    assert (await house.vms().StopVm(StopVmRequest(vm_id=running.vm_id))).state == VM_STATE_STOPPED
    await house.nothing_is_left_over()


async def test_nothing_but_a_delete_begins_on_a_vm_of_a_lost_node_and_the_delete_waits_for_it(losing):
    house = losing.house
    vm = await house.create()
    await losing.lose()
    await house.host.goes_down()
    with pytest.raises(WrongState, match=f"VM {vm.name} is unknown; stop-vm needs it running"):
        await house.vms().StopVm(StopVmRequest(vm_id=vm.vm_id))
    with pytest.raises(WrongState, match="is unknown; start-vm needs it stopped"):
        await house.vms().StartVm(StartRequest(vm_id=vm.vm_id))
    deleting = asyncio.create_task(house.delete(vm.vm_id))
    await eventually(lambda: _busy(house, vm))
    await house.host.comes_back()
    await losing.comes_back()
    assert (await deleting).state == VM_STATE_DELETED
    await house.is_gone(vm.vm_id)


async def _busy(house, vm):
    return (await house.get(vm.vm_id)).saga_id


async def test_a_vm_that_a_saga_works_on_when_its_node_is_lost_is_unknown_when_that_has_ended(losing):
    house = losing.house
    vm = await house.create()
    held = "UPDATE vms SET saga_id = %s, operation = %s WHERE id = %s RETURNING id"
    await rows(house.vm_database, held, UUID(int=7), "reboot-vm", vm.vm_id)
    await losing.lose()
    assert await states(house, vm) == [VM_STATE_RUNNING], "the saga has it"
    await rows(house.vm_database, held, None, None, vm.vm_id)
    await losing.turn()
    assert await states(house, vm) == [VM_STATE_UNKNOWN]


async def test_a_create_whose_node_was_lost_before_the_domain_was_made_is_undone(losing):
    house = losing.house
    ordered = house.host.lease.epoch
    house.host.lease.renew(ordered + 1, house.host.lease.now(), 3600)  # lost and back, as far as the agent knows
    with pytest.raises(SagaFailed, match="decided in epoch 1 of the node, which was lost since"):
        await house.vms().CreateVm(house.request())


async def test_an_agent_that_holds_no_lease_takes_no_orders(losing):
    house = losing.house
    vm = await house.create()
    house.host.lease.renew(2, house.host.lease.now(), 0)
    agent = AgentServiceStub(house.servers.as_service(house.host.server, "vm", attempts=1))
    with pytest.raises(Unavailable, match="holds no lease of its node now"):
        await agent.StartVm(StartVmRequest(vm_id=vm.vm_id, epoch=1))
    house.host.lease.renew(2, house.host.lease.now(), 3600)
    with pytest.raises(StaleEpoch):
        await agent.StartVm(StartVmRequest(vm_id=vm.vm_id, epoch=1))


async def test_any_number_of_replicas_note_each_event_once_and_go_on_where_the_last_one_was(losing):
    house = losing.house
    vm = await house.create()
    await losing.lose()
    await losing.comes_back()
    await rows(house.vm_database, "UPDATE node_event_cursor SET sequence = 0 RETURNING sequence")
    noted = await asyncio.gather(*(losing.another().read_once() for _ in range(4)))
    assert sorted(noted) == [0, 0, 0, 2]
    assert await losing.another().read_once() == 0
    await losing.turn()
    assert await states(house, vm) == [VM_STATE_RUNNING], "what was told again changes nothing"
    changes = await rows(house.vm_database, "SELECT count(*) FROM vm_state_transitions WHERE to_state = 'unknown'")
    assert changes == [(1,)]


def test_only_the_newest_event_of_each_node_says_how_it_stands():
    one, other = UUID(int=1), UUID(int=2)
    events = [NodeEvent(3, one, "a", False), NodeEvent(1, one, "a", True), NodeEvent(2, other, "b", True)]
    assert sorted((event.node_name, event.lost) for event in newest(events)) == [("a", False), ("b", True)]
