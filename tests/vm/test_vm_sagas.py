"""Each saga of the vm service, broken and repeated at each of its steps: whatever happens, nothing is left over."""

import pytest

from novacron.api.vm.v1 import (
    DeleteVmRequest,
    MoveVmRequest,
    RebootVmRequest,
    ResizeVmRequest,
    StartVmRequest,
    StopVmRequest,
)
from novacron.testing.sagas import fail_at_every_step, repeat_every_step
from novacron_vm.sagas import CREATE_VM, DELETE_VM, MOVE_VM, REBOOT_VM, RESIZE_VM, START_VM, STOP_VM


class Runs:
    """One run of each saga, from a VM of its own."""

    def __init__(self, house):
        self.house, self.vms = house, house.vms()

    async def create_vm(self):
        vm = await self.house.create(return_immediately=True)
        return await self.house.ended(vm.vm_id)

    async def delete_vm(self):
        vm = await self.house.create()
        return await self.order(self.vms.DeleteVm, DeleteVmRequest, vm)

    async def start_vm(self):
        vm = await self.house.create()
        await self.vms.StopVm(StopVmRequest(vm_id=vm.vm_id))
        return await self.order(self.vms.StartVm, StartVmRequest, vm)

    async def stop_vm(self):
        return await self.order(self.vms.StopVm, StopVmRequest, await self.house.create())

    async def reboot_vm(self):
        return await self.order(self.vms.RebootVm, RebootVmRequest, await self.house.create())

    async def resize_vm(self):
        vm = await self.house.create()
        return await self.order(self.vms.ResizeVm, ResizeVmRequest, vm, cpu_cores=2, memory_mib=64, restart=True)

    async def move_vm(self):
        operator = self.house.vms(self.house.someone("node:drain", tenant_id=self.house.user.tenant_id))
        return await self.order(operator.MoveVm, MoveVmRequest, await self.house.create())

    async def order(self, rpc, request, vm, **how):
        begun = await rpc(request(vm_id=vm.vm_id, return_immediately=True, **how))
        return await self.house.ended(begun.saga_id)


SAGAS = [CREATE_VM, DELETE_VM, START_VM, STOP_VM, REBOOT_VM, RESIZE_VM, MOVE_VM]


@pytest.fixture
async def run(house, request):
    await house.add_host("n2")
    saga = request.getfixturevalue("saga")
    return getattr(Runs(house), saga.name.replace("-", "_"))


@pytest.mark.parametrize("saga", SAGAS, ids=lambda saga: saga.name)
async def test_a_saga_that_fails_at_any_step_leaves_nothing_over(house, saga, run):
    assert await fail_at_every_step(saga, house.disturbed, run, house.nothing_is_left_over) >= 3


@pytest.mark.parametrize("saga", SAGAS, ids=lambda saga: saga.name)
async def test_a_saga_whose_steps_come_twice_or_too_late_has_one_effect(house, saga, run):
    assert await repeat_every_step(saga, house.disturbed, run, house.nothing_is_left_over) >= 1
