"""A guest has its address some seconds after its create has ended; the VM's row learns it."""

from novacron_vm.addresses import AddressKeeper
from novacron_vm.agents import Agents
from novacron_vm.clients import SchedulerClient
from novacron_vm.store import VmStore


async def test_an_address_that_comes_late_is_found_and_asked_for_no_more(house):
    vm = await house.create()
    async with house.vm_database.connection() as connection:
        await connection.execute("UPDATE vms SET ip_address = NULL")
    scheduler = SchedulerClient(house.servers.as_service(house.scheduler, "vm"))
    keeper = AddressKeeper(VmStore(house.vm_database), scheduler, Agents(house.mesh))
    assert await keeper.look_once() == 1
    assert (await house.get(vm.vm_id)).ip_address == vm.ip_address
    assert await keeper.look_once() == 0


async def test_a_node_that_is_down_holds_nobody_up(house):
    await house.create()
    async with house.vm_database.connection() as connection:
        await connection.execute("UPDATE vms SET ip_address = NULL")
    await house.host.goes_down()
    scheduler = SchedulerClient(house.servers.as_service(house.scheduler, "vm"))
    keeper = AddressKeeper(VmStore(house.vm_database), scheduler, Agents(house.mesh))
    assert await keeper.look_once() == 0
