"""What was decided before a node was lost is never carried out: by the agent's own clock, and by the node's epoch."""

import os
import signal
import subprocess
import sys
from uuid import uuid4

import pytest

from novacron.api.agent.v1 import (
    POWER_STATE_RUNNING,
    AgentServiceStub,
    CreateVmRequest,
    DeleteVmRequest,
    GetVmRequest,
    ListVmsRequest,
    RebootVmRequest,
    StartVmRequest,
    StopVmRequest,
)
from novacron.clock import SystemClock
from novacron.embedded.process import free_port
from novacron.errors import LeasePassed, StaleEpoch
from novacron.rpc import Channel
from novacron.saga.key import SagaKey, set_current_key
from novacron.testing.patience import eventually
from novacron_agent.barrier import HostBarrier
from novacron_agent.lease import Lease
from novacron_scheduler.losses import Losses

from ..vm.house import SCHEDULER, rows, serve_scheduler

LEASE, GRACE = 2.0, 1.0
NODE = "SELECT epoch, lost_at IS NOT NULL, lease_until > now() FROM nodes"


class Time:
    seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def time():
    return Time()


def create(**changes):
    said = {"vm_id": str(uuid4()), "name": "web", "cpu_cores": 1, "memory_mib": 128, "storage_gib": 1}
    return CreateVmRequest(**{"base_image": "novacron-guest", **said, **changes})


def test_an_agent_that_was_never_heard_takes_no_orders(time):
    with pytest.raises(LeasePassed, match="holds no lease of its node now"):
        Lease(time).admit(0)


def test_a_lease_holds_from_when_it_was_asked_for_and_not_from_when_the_answer_came(time):
    lease = Lease(time)
    asked_at, time.seconds = lease.now(), 9.0
    lease.renew(1, asked_at, 10)
    lease.admit(1)
    time.seconds = 10.0
    with pytest.raises(LeasePassed):
        lease.admit(1)


def test_only_orders_of_the_present_epoch_are_admitted(time):
    lease = Lease(time)
    lease.renew(1, lease.now(), 10)
    lease.renew(2, lease.now(), 0)
    with pytest.raises(LeasePassed):
        lease.admit(2)
    lease.renew(2, lease.now(), 10)
    lease.admit(2)
    lease.admit(0)
    with pytest.raises(StaleEpoch, match=r"decided in epoch 1 of the node, which was lost since and is in epoch 2 now"):
        lease.admit(1)


async def test_an_order_that_waited_for_its_turn_is_judged_when_the_turn_has_come(time, tmp_path):
    lease, barrier, vm_id, done = Lease(time), HostBarrier(tmp_path / "barrier"), uuid4(), []
    lease.renew(1, lease.now(), 10)
    await barrier.open()

    async def first(_):
        done.append("first")
        time.seconds = 11.0  # the lease passes while it works
        return DeleteVmRequest()

    async def second(_):
        done.append("second")
        return DeleteVmRequest()

    await barrier.once(vm_id, DeleteVmRequest, first, admit=lambda: lease.admit(1))
    key = SagaKey(uuid4(), "reboot", "action")
    set_current_key(key)
    with pytest.raises(LeasePassed):
        await barrier.once(vm_id, DeleteVmRequest, second, admit=lambda: lease.admit(1))
    lease.renew(1, lease.now(), 10)

    async def told_whether_again(again):
        done.append(again)
        return DeleteVmRequest()

    await barrier.once(vm_id, DeleteVmRequest, told_whether_again, admit=lambda: lease.admit(1))
    set_current_key(None)
    await barrier.close()
    assert done == ["first", False], "a refusal leaves no mark of having been tried"


@pytest.fixture
async def control(servers, new_database):
    """A scheduler with a short lease, and what declares losses."""
    database = await new_database(*SCHEDULER)
    server = await serve_scheduler(servers, database, lease_seconds=LEASE)
    losses = Losses(database, SystemClock(), LEASE, GRACE)
    await losses.start()
    yield server, database
    await losses.stop()


@pytest.fixture
async def agent(control, ca, tmp_path):
    """``(process, port)`` of a real agent on the simulated hypervisor."""
    issued, port = ca.identity("agent/n1"), free_port()
    said = {
        "ENVIRONMENT": "testing",
        "MESH_LISTEN": f"127.0.0.1:{port}",
        "TLS_CA": issued.ca,
        "TLS_CERT": issued.certificate,
        "TLS_KEY": issued.key,
        "SCHEDULER_ADDRESS": f"localhost:{control[0].mesh_port}",
        "NODE_NAME": "n1",
        "AGENT_ADVERTISE": f"localhost:{port}",
        "DRIVER": "simulated",
        "STATE_DIRECTORY": tmp_path / "state",
        "IMAGE_DIRECTORY": tmp_path / "images",
    }
    environment = {**os.environ, **{f"NOVACRON_{name}": str(value) for name, value in said.items()}}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "novacron_agent"], env=environment, stdout=log, stderr=log)
    yield process, port
    process.kill()
    process.wait()


async def ordered(order):
    """What came of it, once the agent had its lease: on a busy machine it may lack one for a moment."""
    while True:
        try:
            return await order()
        except LeasePassed:
            continue


async def test_an_agent_that_slept_through_the_loss_of_its_node_does_nothing_and_refuses_what_was_decided_before(
    control, agent, servers
):
    database, (process, port) = control[1], agent
    identification, address = servers.identification("vm").client(), f"localhost:{port}"

    async def stands(*wanted):
        return (*(await rows(database, NODE)),) == (wanted,)

    await eventually(lambda: stands(1, False, True), within=30)
    async with Channel(address, address, identification) as channel, Channel(address, address, identification) as late:
        stub = AgentServiceStub(channel)
        made = await ordered(lambda: stub.CreateVm(create(epoch=1), timeout=10))
        assert made.power_state == POWER_STATE_RUNNING
        await AgentServiceStub(late).GetVm(GetVmRequest(vm_id=made.vm_id), timeout=10)

        os.kill(process.pid, signal.SIGSTOP)
        # On its way while the agent sleeps: it lies in the socket until the agent wakes, long after the node was lost.
        order = AgentServiceStub(late).DeleteVm(DeleteVmRequest(vm_id=made.vm_id, epoch=1), timeout=30)
        await eventually(lambda: stands(2, True, False), within=20, message="the node is lost, in a new epoch")
        os.kill(process.pid, signal.SIGCONT)

        with pytest.raises((StaleEpoch, LeasePassed)):
            await order
        await eventually(lambda: stands(2, False, True), within=20, message="it is taken back")
        domains = (await stub.ListVms(ListVmsRequest(), timeout=10)).domains
        assert [one.power_state for one in domains] == [POWER_STATE_RUNNING], "nothing was done to it"
        for stale in (
            lambda: stub.StopVm(StopVmRequest(vm_id=made.vm_id, epoch=1)),
            lambda: stub.RebootVm(RebootVmRequest(vm_id=made.vm_id, epoch=1)),
            lambda: stub.StartVm(StartVmRequest(vm_id=made.vm_id, epoch=1)),
            lambda: stub.CreateVm(create(epoch=1)),
        ):
            with pytest.raises(StaleEpoch, match="lost since and is in epoch 2 now"):
                await ordered(stale)
        assert (await ordered(lambda: stub.DeleteVm(DeleteVmRequest(vm_id=made.vm_id, epoch=2)))).deleted
    events = await rows(database, "SELECT kind, epoch FROM node_events ORDER BY sequence")
    assert events == [("lost", 2), ("returned", 2)]
