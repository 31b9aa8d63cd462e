"""An agent as the vm service meets it: orders over the mesh, behind the barrier, on the simulated hypervisor."""

from uuid import UUID, uuid4

import grpc
import pytest

from novacron.api.agent.v1 import (
    POWER_STATE_RUNNING,
    POWER_STATE_STOPPED,
    AgentServiceStub,
    CreateVmRequest,
    DeleteVmRequest,
    ExportVmRequest,
    GetVmConsoleRequest,
    GetVmRequest,
    ImportVmRequest,
    ListVmsRequest,
    RebootVmRequest,
    ResizeVmRequest,
    StartVmRequest,
    StopVmRequest,
    add_AgentServiceServicer_to_server,
)
from novacron.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    StepCompensated,
    Unavailable,
)
from novacron.foundation import Mesh
from novacron.saga.key import SagaKey, set_current_key
from novacron.settings import ProcessSettings
from novacron_agent.barrier import HostBarrier
from novacron_agent.clients import Peers
from novacron_agent.drivers.simulated import SimulatedDriver, SimulatedSettings
from novacron_agent.exports import Exports
from novacron_agent.lease import Lease
from novacron_agent.servicer import AgentServicer


class Agent:
    """One agent process, which may end and be started again on the same files."""

    def __init__(self, servers, directory, node="n1"):
        self.servers, self.directory, self.node = servers, directory, node

    async def start(self):
        self.driver = SimulatedDriver(SimulatedSettings(), self.directory / "simulated.state")
        self.barrier = HostBarrier(self.directory / "barrier")
        await self.driver.open()
        self.exports = Exports(self.directory / "exports")
        await self.barrier.open()
        await self.exports.open()
        identification = self.servers.identification(f"agent/{self.node}")
        self.mesh = Mesh(ProcessSettings(environment="testing"), identification)
        self.lease = Lease()
        self.lease.renew(1, self.lease.now(), 3600)
        servicer = AgentServicer(self.driver, self.barrier, self.exports, Peers(self.mesh), self.lease)
        registration = (add_AgentServiceServicer_to_server, servicer)
        self.server = await self.servers.start(f"agent/{self.node}", [registration], listen="")
        self.stub = AgentServiceStub(self.servers.as_service(self.server, "vm", attempts=1))

    async def stop(self):
        await self.server.stop()
        await self.mesh.close()
        await self.driver.close()
        await self.barrier.close()
        await self.exports.close()

    async def boots(self, vm_id):
        return (await self.driver.console(UUID(vm_id), offset=0, limit=1 << 20)).count(b"vCPU")


def request(**changes):
    said = {"vm_id": str(uuid4()), "name": "web", "cpu_cores": 1, "memory_mib": 128, "storage_gib": 1}
    return CreateVmRequest(**{"base_image": "novacron-guest", **said, **changes})


@pytest.fixture
async def agent(servers, tmp_path):
    agent = Agent(servers, tmp_path)
    await agent.start()
    yield agent
    set_current_key(None)
    await agent.stop()


@pytest.fixture
async def other(agent, tmp_path):
    """The agent of another host."""
    other = Agent(agent.servers, tmp_path / "n2", "n2")
    await other.start()
    yield other
    await other.stop()


async def test_a_domain_is_made_stopped_started_and_removed(agent):
    made = await agent.stub.CreateVm(request(cpu_cores=2))
    assert (made.power_state, made.cpu_cores, made.name) == (POWER_STATE_RUNNING, 2, "web")
    assert (await agent.stub.StopVm(StopVmRequest(vm_id=made.vm_id))).power_state == POWER_STATE_STOPPED
    assert (await agent.stub.StartVm(StartVmRequest(vm_id=made.vm_id))).power_state == POWER_STATE_RUNNING
    assert (
        await agent.stub.GetVm(GetVmRequest(vm_id=made.vm_id))
        == (await agent.stub.ListVms(ListVmsRequest())).domains[0]
    )
    assert b"novacron" in (await agent.stub.GetVmConsole(GetVmConsoleRequest(vm_id=made.vm_id))).data.lower()
    assert (await agent.stub.DeleteVm(DeleteVmRequest(vm_id=made.vm_id))).deleted
    assert not (await agent.stub.DeleteVm(DeleteVmRequest(vm_id=made.vm_id))).deleted
    with pytest.raises(NotFound, match=f"^VM {made.vm_id} not found$"):
        await agent.stub.GetVm(GetVmRequest(vm_id=made.vm_id))


async def test_only_the_vm_service_gives_orders(agent):
    for service in ("scheduler", "monitoring", "agent/n2"):
        stub = AgentServiceStub(agent.servers.as_service(agent.server, service))
        with pytest.raises(PermissionDenied, match=r"may not call /novacron.api.agent.v1.AgentService/DeleteVm"):
            await stub.DeleteVm(DeleteVmRequest(vm_id=str(uuid4())))


async def test_without_a_certificate_there_is_not_even_a_connection(agent):
    ca = agent.servers.identification("operator").ca
    address = f"localhost:{agent.server.mesh_port}"
    async with grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(ca)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await AgentServiceStub(channel).ListVms(ListVmsRequest(), timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert agent.server.port == 0, "and no port for users"


async def test_bad_orders_are_told_by_their_field(agent):
    for changes, says in (
        ({"memory_mib": -1}, "memory_mib: must be greater than or equal to 64"),
        ({"vm_id": "x"}, "vm_id: must be a valid UUID"),
        ({"base_image": "../../etc/passwd"}, "base_image: "),
        ({"name": "x" * 64}, "name: must be at most 63 characters"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await agent.stub.CreateVm(request(**changes))
        assert refused.value.message.startswith(says)
    assert not (await agent.stub.ListVms(ListVmsRequest())).domains


async def test_one_id_is_one_domain(agent):
    first = request()
    made = await agent.stub.CreateVm(first)
    assert await agent.stub.CreateVm(first) == made
    with pytest.raises(AlreadyExists, match="exists on this host with another specification"):
        await agent.stub.CreateVm(request(vm_id=first.vm_id, cpu_cores=2))


async def test_a_reboot_whose_answer_was_lost_is_not_done_twice_across_a_restart_of_the_agent(agent):
    made = await agent.stub.CreateVm(request())
    set_current_key(SagaKey(uuid4(), "reboot", "action"))
    agent.driver.faults.fail_next("reboot", moment="after")
    with pytest.raises(Unavailable, match="was carried out and its answer lost"):
        await agent.stub.RebootVm(RebootVmRequest(vm_id=made.vm_id))
    await agent.stop()
    await agent.start()
    assert (await agent.stub.RebootVm(RebootVmRequest(vm_id=made.vm_id))).power_state == POWER_STATE_RUNNING
    assert await agent.boots(made.vm_id) == 2
    set_current_key(SagaKey(uuid4(), "reboot", "action"))
    await agent.stub.RebootVm(RebootVmRequest(vm_id=made.vm_id))
    assert await agent.boots(made.vm_id) == 3


async def test_a_resize_that_comes_after_its_undoing_is_refused_and_the_domain_keeps_its_size(agent):
    made = request()
    await agent.stub.CreateVm(made)
    await agent.stub.StopVm(StopVmRequest(vm_id=made.vm_id))
    saga_id = uuid4()
    set_current_key(SagaKey(saga_id, "redefine", "action"))
    assert (await agent.stub.ResizeVm(ResizeVmRequest(vm=request(vm_id=made.vm_id, cpu_cores=4)))).cpu_cores == 4
    set_current_key(SagaKey(saga_id, "redefine", "compensation"))
    assert (await agent.stub.ResizeVm(ResizeVmRequest(vm=made))).cpu_cores == 1
    set_current_key(SagaKey(saga_id, "redefine", "action"))
    with pytest.raises(StepCompensated):
        await agent.stub.ResizeVm(ResizeVmRequest(vm=request(vm_id=made.vm_id, cpu_cores=4)))
    assert (await agent.stub.GetVm(GetVmRequest(vm_id=made.vm_id))).cpu_cores == 1


async def test_a_create_that_comes_after_its_undoing_makes_nothing(agent):
    late, saga_id = request(), uuid4()
    set_current_key(SagaKey(saga_id, "provision", "compensation"))
    await agent.stub.DeleteVm(DeleteVmRequest(vm_id=late.vm_id))
    await agent.stop()
    await agent.start()
    set_current_key(SagaKey(saga_id, "provision", "action"))
    with pytest.raises(StepCompensated):
        await agent.stub.CreateVm(late)
    assert not (await agent.stub.ListVms(ListVmsRequest())).domains


def bring(source, vm):
    return ImportVmRequest(vm=vm, source_address=f"localhost:{source.server.mesh_port}")


async def off(agent):
    """A VM that ran on this host, is off, and may go to the other."""
    vm = request()
    await agent.stub.CreateVm(vm)
    await agent.stub.StopVm(StopVmRequest(vm_id=vm.vm_id, export_to="n2"))
    return vm


async def test_a_vm_comes_from_another_host_with_its_disk_and_that_host_keeps_it(agent, other):
    vm = await off(agent)
    brought = await other.stub.ImportVm(bring(agent, vm))
    assert brought == await agent.stub.GetVm(GetVmRequest(vm_id=vm.vm_id))
    guests = [one._guests[UUID(vm.vm_id)] for one in (agent.driver, other.driver)]
    assert guests[0].disk() == guests[1].disk()
    assert await other.stub.ImportVm(bring(agent, vm)) == brought
    assert (await other.stub.StartVm(StartVmRequest(vm_id=vm.vm_id))).power_state == POWER_STATE_RUNNING


async def test_a_vm_that_runs_is_not_sent_and_none_is_made_of_it(agent, other):
    vm = await off(agent)
    await agent.driver.start(UUID(vm.vm_id))  # by a hand on the host itself
    with pytest.raises(FailedPrecondition, match="runs on this host: stop it before it is moved"):
        await other.stub.ImportVm(bring(agent, vm))
    assert not await other.driver.list()


@pytest.mark.parametrize("named", ["", "n3"])
async def test_a_vm_leaves_only_for_the_node_that_the_stop_named(agent, other, named):
    vm = request()
    await agent.stub.CreateVm(vm)
    await agent.stub.StopVm(StopVmRequest(vm_id=vm.vm_id, export_to=named))
    with pytest.raises(PermissionDenied, match="is not being moved from here to the node n2"):
        await other.stub.ImportVm(bring(agent, vm))
    with pytest.raises(PermissionDenied, match="is not being moved"):
        await other.stub.ImportVm(bring(agent, request()))
    assert not await other.driver.list()


async def test_a_vm_that_runs_again_is_on_its_way_nowhere(agent, other):
    vm = await off(agent)
    await agent.stub.StartVm(StartVmRequest(vm_id=vm.vm_id))
    await agent.stub.StopVm(StopVmRequest(vm_id=vm.vm_id))
    with pytest.raises(PermissionDenied):
        await other.stub.ImportVm(bring(agent, vm))


async def test_an_agent_that_is_restarted_amid_a_move_still_sends(agent, other):
    vm = await off(agent)
    await agent.stop()
    await agent.start()
    assert (await other.stub.ImportVm(bring(agent, vm))).power_state == POWER_STATE_STOPPED


async def test_only_agents_read_disks(agent):
    vm = await off(agent)
    with pytest.raises(PermissionDenied, match="may not call"):
        await anext(agent.stub.ExportVm(ExportVmRequest(vm_id=vm.vm_id)))


async def test_a_copy_that_breaks_off_is_begun_anew_under_the_same_key(agent, other):
    vm = await off(agent)
    set_current_key(SagaKey(uuid4(), "bring", "action"))
    agent.driver.faults.fail_next("export", moment="after")
    with pytest.raises(Unavailable):
        await other.stub.ImportVm(bring(agent, vm))
    assert not await other.driver.list()
    await other.stop()
    await other.start()
    assert (await other.stub.ImportVm(bring(agent, vm))).power_state == POWER_STATE_STOPPED


async def test_a_copy_that_comes_after_its_undoing_is_refused(agent, other):
    vm, saga_id = await off(agent), uuid4()
    set_current_key(SagaKey(saga_id, "bring", "compensation"))
    assert not (await other.stub.DeleteVm(DeleteVmRequest(vm_id=vm.vm_id))).deleted
    set_current_key(SagaKey(saga_id, "bring", "action"))
    with pytest.raises(StepCompensated):
        await other.stub.ImportVm(bring(agent, vm))
    assert not await other.driver.list()
