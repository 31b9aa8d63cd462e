"""Expired reservations are given back by themselves, and never what somebody may still need."""

from uuid import UUID, uuid4

import pytest

from novacron.api.scheduler.v1 import ReservationServiceStub, ReserveResourcesRequest
from novacron.api.types.v1 import Resources
from novacron.api.vm.v1 import VM_STATE_RUNNING, ListRepairsRequest, RepairServiceStub
from novacron.paging import PageTokens
from novacron.testing.patience import eventually
from novacron_agent.drivers.driver import DomainSpec
from novacron_vm.agents import Agents
from novacron_vm.clients import MonitoringClient, SchedulerClient
from novacron_vm.orphan_sweep import OrphanSweep
from novacron_vm.repair_clients import LeakClient
from novacron_vm.repair_store import RepairStore
from novacron_vm.repairs import Repairs
from novacron_vm.store import VmStore

from .house import rows


class Orphans:
    """Reservations of which no saga knows, and the sweep."""

    def __init__(self, house):
        self.house, mesh = house, house.mesh
        leaks = LeakClient(mesh.channel("scheduler"), mesh.channel("monitoring"))
        hands = SchedulerClient(mesh.channel("scheduler")), leaks, MonitoringClient(mesh.channel("monitoring"))
        self._sweep = OrphanSweep(
            leaks, Repairs(RepairStore(VmStore(house.vm_database)), *hands, Agents(mesh), PageTokens(bytes(32)))
        )

    async def reserve(self, vm_id=None):
        """Claimed, and then its caller forgot all about it."""
        vm_id = vm_id or uuid4()
        stub = ReservationServiceStub(self.house.mesh.channel("scheduler"))
        amounts = Resources(cpu_cores=1, memory_mib=64, storage_gib=1)
        await stub.ReserveResources(
            ReserveResourcesRequest(vm_id=str(vm_id), tenant_id=str(uuid4()), resources=amounts)
        )
        return vm_id

    async def expire(self):
        await rows(
            self.house.scheduler_database,
            "UPDATE resource_allocations SET allocated_at = allocated_at - interval '1 hour' RETURNING 1",
        )

    async def sweep(self):
        return set(await self._sweep.sweep())

    async def repairs(self):
        stub = RepairServiceStub(self.house.servers.as_user(self.house.server, self.house.someone("*:*")))
        return [(one.action, one.outcome) for one in (await stub.ListRepairs(ListRepairsRequest())).repairs]


@pytest.fixture
def orphans(house):
    return Orphans(house)


async def test_what_nobody_needs_goes_once_it_has_expired_and_stays_until_then(house, orphans):
    kept = await house.create()
    lost = {await orphans.reserve() for _ in range(3)}
    assert await orphans.sweep() == set()
    await orphans.expire()
    assert await orphans.sweep() == lost
    assert await house.reserved() == {UUID(kept.vm_id)}
    assert await orphans.repairs() == [("release-reservation", "done")] * 3
    assert await orphans.sweep() == set()
    assert len(await orphans.repairs()) == 3


async def test_what_a_saga_works_on_never_expires_under_it(empty_house):
    house, orphans = empty_house, Orphans(empty_house)
    await house.add_host(latency_seconds={"create": 1.0})
    vm = await house.create(return_immediately=True)

    async def reserved():
        return UUID(vm.vm_id) in await house.reserved()

    await eventually(reserved)
    await orphans.expire()
    assert await orphans.sweep() == set()
    await house.reaches(vm.vm_id, VM_STATE_RUNNING)
    assert await orphans.repairs() == []
    await house.nothing_is_left_over()


async def test_a_domain_that_nobody_knows_keeps_what_it_uses(house, orphans):
    used, unused = await orphans.reserve(), await orphans.reserve()
    spec = DomainSpec(used, "lost", vcpus=1, memory_mib=64, disk_gib=1, base_image="novacron-guest")
    await house.host.driver.create(spec)
    await orphans.expire()
    assert await orphans.sweep() == {unused}
    assert await house.reserved() == {used}


async def test_while_the_host_cannot_be_asked_nothing_is_taken(house, orphans):
    lost = await orphans.reserve()
    await orphans.expire()
    await house.host.goes_down()
    assert await orphans.sweep() == set()
    assert await house.reserved() == {lost}
    assert await orphans.repairs() == []
