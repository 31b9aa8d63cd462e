"""Each saga of the vm service, broken and repeated at each of its steps: whatever happens, nothing is left over."""

from uuid import UUID

import pytest

from novacron.api.scheduler.v1 import ReleaseReservationRequest, ReservationServiceStub
from novacron.api.vm.v1 import (
    DeleteVmRequest,
    MoveVmRequest,
    RebootVmRequest,
    ResizeVmRequest,
    StartVmRequest,
    StopVmRequest,
    VmSpec,
)
from novacron.testing.sagas import fail_at_every_step, repeat_every_step
from novacron_vm.sagas import (
    CREATE_VM,
    DELETE_VM,
    MOVE_VM,
    PREEMPT_VM,
    READMIT_VM,
    REBOOT_VM,
    RESIZE_VM,
    START_VM,
    STOP_VM,
    room,
)
from novacron_vm.sagas.preempt_vm import preempt_saga_id

from .house import rows


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

    async def preempt_vm(self):
        low, high = await self.preempting()
        return await self.house.ended(preempt_saga_id(UUID(high.vm_id), UUID(low.vm_id)))

    async def create_vm_that_preempts(self):
        _, high = await self.preempting()
        return await self.house.ended(high.vm_id)

    async def preempting(self):
        """A VM that gives way to another, whose create has ended by now: one host is full of it, the other of a higher one."""
        with self.house.disturbed.spared():
            left = await rows(self.house.vm_database, "SELECT id FROM vms WHERE deleted_at IS NULL")
            for (vm_id,) in left:
                await self.house.delete(str(vm_id))
            await self.house.create(spec=whole_host(9))
            low = await self.house.create(spec=whole_host(0))
        high = await self.house.create(spec=whole_host(5), return_immediately=True)
        await self.house.ended(high.vm_id)
        return low, high

    async def readmit_vm(self):
        vm = await self.house.create()
        await self.vms.StopVm(StopVmRequest(vm_id=vm.vm_id))
        scheduler = ReservationServiceStub(self.house.servers.as_service(self.house.scheduler, "vm"))
        await scheduler.ReleaseReservation(ReleaseReservationRequest(vm_id=vm.vm_id))
        gave_way = "UPDATE vms SET displaced_at = now() WHERE id = %s RETURNING id"
        await rows(self.house.vm_database, gave_way, vm.vm_id)
        return await self.order(self.vms.StartVm, StartVmRequest, vm)

    async def order(self, rpc, request, vm, **how):
        begun = await rpc(request(vm_id=vm.vm_id, return_immediately=True, **how))
        return await self.house.ended(begun.saga_id)


def whole_host(priority):
    return VmSpec(cpu_cores=64, memory_mib=128, storage_gib=1, base_image="novacron-guest", priority=priority)


SAGAS = [CREATE_VM, DELETE_VM, START_VM, STOP_VM, REBOOT_VM, RESIZE_VM, MOVE_VM, PREEMPT_VM, READMIT_VM]


@pytest.fixture
async def run(house, request, monkeypatch):
    monkeypatch.setattr(room, "_LOOK_SECONDS", 0.02)
    await house.add_host("n2")
    await house.let_lower_give_way()
    saga = request.getfixturevalue("saga")
    return getattr(Runs(house), saga.name.replace("-", "_"))


@pytest.mark.parametrize("saga", SAGAS, ids=lambda saga: saga.name)
async def test_a_saga_that_fails_at_any_step_leaves_nothing_over(house, saga, run):
    assert await fail_at_every_step(saga, house.disturbed, run, house.nothing_is_left_over) >= 3


@pytest.mark.parametrize("saga", SAGAS, ids=lambda saga: saga.name)
async def test_a_saga_whose_steps_come_twice_or_too_late_has_one_effect(house, saga, run):
    assert await repeat_every_step(saga, house.disturbed, run, house.nothing_is_left_over) >= 1


@pytest.mark.faults_all
async def test_a_create_that_others_give_way_to_fails_or_succeeds_whole_at_any_step(house, monkeypatch):
    monkeypatch.setattr(room, "_LOOK_SECONDS", 0.02)
    await house.add_host("n2")
    await house.let_lower_give_way()
    run = Runs(house).create_vm_that_preempts
    await fail_at_every_step(CREATE_VM, house.disturbed, run, house.nothing_is_left_over)
    await repeat_every_step(CREATE_VM, house.disturbed, run, house.nothing_is_left_over)
