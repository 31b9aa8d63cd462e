"""Groups that a VM belongs to: kept with it, and told to the scheduler wherever a place is claimed for it."""

import pytest

from novacron.api.vm.v1 import CreateTemplateRequest, MoveVmRequest, VmSpec
from novacron.errors import InvalidArgument

from .house import rows

HELD = "SELECT groups FROM resource_allocations WHERE vm_id = %s AND status <> 'deallocated'"


def spec(**changes):
    return VmSpec(**{"cpu_cores": 1, "memory_mib": 128, "storage_gib": 1, "base_image": "novacron-guest", **changes})


async def test_the_groups_of_a_vm_go_with_every_claim_of_a_place_for_it(house):
    vm = await house.create(spec=spec(groups=["web", "front"]))
    assert list(vm.spec.groups) == ["web", "front"]
    assert await rows(house.scheduler_database, HELD, vm.vm_id) == [(["front", "web"],)]
    await house.add_host("n2")
    operator = house.someone("node:*", "vm:*", tenant_id=house.user.tenant_id)
    moved = await house.vms(operator).MoveVm(MoveVmRequest(vm_id=vm.vm_id))
    assert moved.node_id != vm.node_id
    assert await rows(house.scheduler_database, HELD, vm.vm_id) == [(["front", "web"],)]


async def test_the_groups_of_a_template_are_its_vms_unless_they_say_others(house):
    request = CreateTemplateRequest(name="small", spec=spec(groups=["web"]))
    await house.templates().CreateTemplate(request)
    made = [
        await house.create(template="small", spec=None),
        await house.create(template="small", spec=VmSpec(groups=["db"])),
    ]
    assert [list(vm.spec.groups) for vm in made] == [["web"], ["db"]]


async def test_a_group_has_a_name_and_is_named_once(house):
    for groups, says in (
        (["web", "web"], "spec.groups: repeated value must contain unique items"),
        ([""], "spec.groups"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await house.create(spec=spec(groups=groups))
        assert refused.value.message.startswith(says)
