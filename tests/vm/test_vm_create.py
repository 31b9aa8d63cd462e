"""CreateVm: what runs at the end, and what is told and left when it does not."""

import asyncio
from uuid import UUID, uuid4

import pytest

from novacron.api.saga.v1 import ListSagasRequest, SagaServiceStub
from novacron.api.types.v1 import HYPERVISOR_TYPE_KVM, HYPERVISOR_TYPE_XEN
from novacron.api.vm.v1 import (
    VM_STATE_CREATING,
    VM_STATE_ERROR,
    VM_STATE_RUNNING,
    CreateTemplateRequest,
    DeleteVmRequest,
    GetVmRequest,
    RebootVmRequest,
    StartVmRequest,
    StopVmRequest,
    VmSpec,
    WatchVmRequest,
)
from novacron.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NoCapacity, NotFound, SagaFailed
from novacron.saga import SagaState, failpoint
from novacron.testing.sagas import Case, Disturbance
from novacron_agent.drivers.driver import HostCapacity
from novacron_vm.sagas import CREATE_VM

from .house import rows


def spec(**changes):
    return VmSpec(**{"cpu_cores": 1, "memory_mib": 128, "storage_gib": 1, "base_image": "novacron-guest", **changes})


async def test_a_vm_runs_where_the_scheduler_put_it_and_everybody_knows(house):
    vm = await house.create(display_name="Web", description="the first", tags={"env": "prod"})
    assert vm.state == VM_STATE_RUNNING
    assert vm.node_id == str(house.host.node_id)
    assert (vm.display_name, vm.description, dict(vm.tags)) == ("Web", "the first", {"env": "prod"})
    assert vm.hypervisor_type == HYPERVISOR_TYPE_KVM
    assert (vm.owner_id, vm.tenant_id) == (str(house.user.user_id), str(house.user.tenant_id))
    assert (vm.saga_id, vm.operation, vm.error) == ("", "", "")
    domain = await house.host.driver.get(UUID(vm.vm_id))
    assert vm.ip_address == domain.ip_address
    await house.nothing_is_left_over()
    held = await rows(house.scheduler_database, "SELECT vm_id FROM resource_allocations WHERE confirmed_at IS NOT NULL")
    assert held == [(UUID(vm.vm_id),)]


async def test_the_same_request_again_is_the_same_vm_and_one_saga_however_many_ask_at_once(house):
    request = house.request()
    answers = await asyncio.gather(*(house.vms().CreateVm(request) for _ in range(5)))
    again = await house.vms().CreateVm(request)
    assert all(one == again for one in answers)
    sagas = await SagaServiceStub(house.servers.as_user(house.server, house.user)).ListSagas(ListSagasRequest())
    assert [one.saga_id for one in sagas.sagas] == [request.vm_id]


async def test_an_id_is_made_where_none_is_chosen(house):
    vm = await house.create(vm_id="")
    assert UUID(vm.vm_id).version == 7


async def test_the_same_id_with_other_contents_is_refused_and_changes_nothing(house):
    request = house.request()
    first = await house.vms().CreateVm(request)
    request.spec.memory_mib = 256
    with pytest.raises(AlreadyExists) as refused:
        await house.vms().CreateVm(request)
    assert refused.value.message == (
        f"the id {request.vm_id} is taken by another request: choose a new id, or repeat the same contents"
    )
    assert await house.get(first.vm_id) == first


async def test_the_id_of_another_tenants_vm_is_refused_without_a_word_about_it(house):
    vm = await house.create()
    with pytest.raises(AlreadyExists) as refused:
        await house.vms(house.someone()).CreateVm(house.request(vm_id=vm.vm_id))
    assert refused.value.message == (
        f"the id {vm.vm_id} is taken by another request: choose a new id, or repeat the same contents"
    )


async def test_a_name_is_taken_until_its_vm_is_deleted(house):
    first = await house.create(name="web")
    with pytest.raises(AlreadyExists) as refused:
        await house.create(name="web")
    assert refused.value.message == ("a VM named web exists already (running): choose another name, or delete it first")
    assert (await house.vms(house.someone()).CreateVm(house.request(name="web"))).name == "web", "another tenant's own"
    await house.delete(first.vm_id)
    assert (await house.create(name="web")).state == VM_STATE_RUNNING


async def test_one_of_many_with_one_name_gets_it(house):
    answers = await asyncio.gather(*(house.create(name="web") for _ in range(8)), return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in answers) == 1
    assert sum(isinstance(one, AlreadyExists) for one in answers) == 7
    await house.nothing_is_left_over()


async def test_a_spec_is_laid_over_its_template(house):
    template = await house.templates().CreateTemplate(
        CreateTemplateRequest(
            name="small",
            spec=spec(memory_mib=256, user_data="#cloud-config", node_labels={}, ssh_authorized_keys=["ssh-ed25519 A"]),
        )
    )
    vm = await house.create(template="small", spec=VmSpec(cpu_cores=2))
    assert vm.template_id == template.template_id
    assert (vm.spec.cpu_cores, vm.spec.memory_mib, vm.spec.base_image) == (2, 256, "novacron-guest")
    assert (vm.spec.user_data, list(vm.spec.ssh_authorized_keys)) == ("#cloud-config", ["ssh-ed25519 A"])
    assert (await house.create(template=template.template_id, spec=None)).spec.cpu_cores == 1


async def test_an_unknown_template_is_told_and_where_there_are_others(house):
    with pytest.raises(NotFound) as refused:
        await house.create(template="no-such")
    assert refused.value.message == (
        "template no-such not found; `novacron template list` shows those that you can use"
    )


async def test_another_tenants_template_is_as_unknown_as_none(house):
    await house.templates(house.someone()).CreateTemplate(CreateTemplateRequest(name="theirs", spec=spec()))
    with pytest.raises(NotFound, match=r"^template theirs not found; `novacron template list` shows"):
        await house.create(template="theirs")


async def test_a_base_image_that_no_host_has_is_told_and_nothing_is_left(house):
    await house.templates().CreateTemplate(CreateTemplateRequest(name="old", spec=spec(base_image="gone-1")))
    request = house.request(template="old", spec=None)
    with pytest.raises(SagaFailed) as refused:
        await house.vms().CreateVm(request)
    assert refused.value.message == (
        'create-vm failed at step provision: base image "gone-1" not found: the simulated host has novacron-guest, '
        f"novacron-guest-direct. Nothing was left behind; `novacron saga show {request.vm_id}` tells the whole story"
    )
    vm = await house.get(request.vm_id)
    assert vm.state == VM_STATE_ERROR
    assert vm.error.startswith('provision: base image "gone-1" not found')
    async with house.scheduler_database.connection() as connection:  # for a while other nodes go before it
        assert await (await connection.execute("SELECT failures FROM nodes")).fetchall() == [(1,)]
    await house.nothing_is_left_over()
    with pytest.raises(SagaFailed, match="gone-1"):
        await house.vms().CreateVm(request)


async def test_a_full_cluster_is_told_with_what_is_missing_and_nothing_is_left(empty_house):
    await empty_house.add_host("n1", HostCapacity(vcpus=2, memory_mib=1024, disk_gib=10))
    await empty_house.create(spec=spec(memory_mib=900))
    request = empty_house.request(spec=spec(memory_mib=200))
    with pytest.raises(NoCapacity) as refused:
        await empty_house.vms().CreateVm(request)
    assert refused.value.message == (
        "no node takes 1 vCPU, 200 MiB memory, 1 GiB storage (1 node: 1 short of room); the closest, n1, lacks 76 MiB memory "
        "(free: 124 of 1024): it would fit with 76 MiB memory less (n1)"
    )
    assert (await empty_house.get(request.vm_id)).state == VM_STATE_ERROR
    await empty_house.nothing_is_left_over()


async def test_a_house_without_hosts_has_no_room(empty_house):
    with pytest.raises(NoCapacity) as refused:
        await empty_house.create()
    assert "no node" in refused.value.message.lower()


async def test_a_hypervisor_that_no_node_has_is_no_room(house):
    with pytest.raises(NoCapacity) as refused:
        await house.create(spec=spec(hypervisor_type=HYPERVISOR_TYPE_XEN))
    assert "1 without the hypervisor xen" in refused.value.message


async def test_a_node_that_is_down_turns_the_create_back_and_nothing_is_left(house):
    await house.host.goes_down()
    request = house.request()
    with pytest.raises(SagaFailed) as refused:
        await house.vms().CreateVm(request)
    assert refused.value.message == (
        "create-vm failed at step provision: the agent of node n1 cannot be reached. Nothing was left behind; "
        f"`novacron saga show {request.vm_id}` tells the whole story"
    )
    assert (await house.get(request.vm_id)).state == VM_STATE_ERROR
    await house.nothing_is_left_over()


async def test_a_node_that_goes_down_before_the_undoing_is_cleaned_up_once_it_is_back(house):
    seen = []

    async def fall_and_rise(point, detail):
        seen.append((point, detail))
        if (point, detail) == ("send", "create-vm/monitor/action"):
            await house.host.goes_down()
        undoing = ("send", "create-vm/provision/compensation")
        if (point, detail) == undoing and seen.count(undoing) == 2:
            assert await house.domains(), "while the host is down its domain stays"
            await house.host.comes_back()

    house.disturbed.expect(CREATE_VM, Case((Disturbance("monitor", "action", "is refused"),), SagaState.COMPENSATED))
    failpoint.install(fall_and_rise)
    try:
        with pytest.raises(SagaFailed, match="failed at step monitor"):
            await house.create()
    finally:
        failpoint.install(None)
    assert seen.count(("send", "create-vm/provision/compensation")) > 1
    await house.nothing_is_left_over()


BAD = [
    ("a name of 10,000 characters", {"name": "a" * 10_000}, "name", "name: "),
    ("a name with capitals", {"name": "Web"}, "name", "name: "),
    ("no name", {"name": ""}, "name", "name: "),
    ("an id that is none", {"vm_id": "seven"}, "vm_id", "vm_id: must be a valid UUID"),
    (
        "negative memory",
        {"spec": spec(memory_mib=-1)},
        "spec.memory_mib",
        "spec.memory_mib: must be greater than or equal to 64 and less than or equal to 16777216",
    ),
    (
        "too many CPUs",
        {"spec": spec(cpu_cores=513)},
        "spec.cpu_cores",
        "spec.cpu_cores: must be greater than or equal to 1 and less than or equal to 512",
    ),
    (
        "no memory",
        {"spec": spec(memory_mib=0)},
        "spec.memory_mib",
        "spec.memory_mib: set it, or name a template that does",
    ),
    ("nothing to make", {"spec": None}, "spec.cpu_cores", "spec.cpu_cores: set it, or name a template that does"),
    ("an image outside of the store", {"spec": spec(base_image="../x")}, "spec.base_image", "spec.base_image: "),
    (
        "a hypervisor that is none",
        {"spec": spec(hypervisor_type=99)},
        "spec.hypervisor_type",
        "spec.hypervisor_type: 99 is none of HypervisorType",
    ),
    (
        "oversized user data",
        {"spec": spec(user_data="x" * 65_537)},
        "spec.user_data",
        "spec.user_data: must be at most 65536 bytes",
    ),
    ("an oversized description", {"description": "x" * 4097}, "description", "description: must be at most 4096 "),
    ("an oversized tag", {"tags": {"env": "x" * 1025}}, 'tags["env"]', 'tags["env"]: must be at most 1024 characters'),
]


async def test_bad_input_is_told_by_its_field_and_changes_nothing(house):
    for what, changes, field, says in BAD:
        with pytest.raises(InvalidArgument) as refused:
            await house.create(**changes)
        assert refused.value.violations[0].field == field, what
        assert refused.value.message.startswith(says), f"{what}: {refused.value.message}"
        assert len(refused.value.message) < 300, what
    assert await house.domains() == {}
    sagas = await SagaServiceStub(house.servers.as_user(house.server, house.user)).ListSagas(ListSagasRequest())
    assert not sagas.sagas


async def test_a_foreign_vm_and_none_give_the_same_answer_to_the_byte(house):
    mine, none, stranger = await house.create(), str(uuid4()), house.vms(house.someone())
    requests = (GetVmRequest, StartVmRequest, StopVmRequest, RebootVmRequest, DeleteVmRequest)
    for request in requests:
        rpc = getattr(stranger, request.DESCRIPTOR.name.removesuffix("Request"))
        said = []
        for vm_id in (mine.vm_id, none):
            with pytest.raises(NotFound) as refused:
                await rpc(request(vm_id=vm_id))
            error = refused.value
            said.append(repr((error.message, error.metadata, error.violations)).replace(vm_id, "ID"))
        assert said[0] == said[1]
        assert said[0].startswith("('vm ID not found'")
    with pytest.raises(NotFound, match=f"vm {mine.vm_id} not found"):
        _ = [event async for event in stranger.WatchVm(WatchVmRequest(vm_id=mine.vm_id))]
    assert await house.get(mine.vm_id) == mine


async def test_an_answer_may_come_at_once_and_the_vm_later(house):
    vm = await house.create(return_immediately=True)
    assert (vm.state, vm.operation, vm.saga_id) == (VM_STATE_CREATING, "create-vm", vm.vm_id)
    assert (await house.reaches(vm.vm_id, VM_STATE_RUNNING)).node_id


async def test_a_deadline_shorter_than_the_create_ends_the_call_and_not_the_create(empty_house):
    await empty_house.add_host(latency_seconds={"create": 8.0})
    vm = await empty_house.vms().CreateVm(empty_house.request(), timeout=4)
    assert vm.state == VM_STATE_CREATING
    await empty_house.reaches(vm.vm_id, VM_STATE_RUNNING)


async def test_a_create_needs_the_permission_before_anything_is_looked_at(house):
    from novacron.errors import PermissionDenied

    with pytest.raises(PermissionDenied) as refused:
        await house.vms(house.someone("vm:read")).CreateVm(house.request(name="NOT A NAME"))
    assert refused.value.message == "/novacron.api.vm.v1.VmService/CreateVm needs vm:create"


async def test_a_public_template_needs_a_permission_of_its_own(house):
    from novacron.errors import PermissionDenied

    user = house.someone("template:create")
    with pytest.raises(PermissionDenied) as refused:
        await house.templates(user).CreateTemplate(CreateTemplateRequest(name="all", spec=spec(), is_public=True))
    assert refused.value.message == "a public template needs template:publish"


async def test_the_console_of_a_vm_that_is_nowhere_says_why_there_is_none(empty_house):
    from novacron.api.vm.v1 import GetVmConsoleRequest

    request = empty_house.request()
    with pytest.raises(NoCapacity):
        await empty_house.vms().CreateVm(request)
    with pytest.raises(FailedPrecondition) as refused:
        await empty_house.vms().GetVmConsole(GetVmConsoleRequest(vm_id=request.vm_id))
    assert refused.value.message == f"VM {request.name} is error and on no node: it has no console"
