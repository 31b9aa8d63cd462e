"""RepairService: what is held for nobody goes, what is missing is made, and nothing is taken from what is needed."""

import asyncio
from uuid import UUID, uuid4

import pytest

from novacron.api.scheduler.v1 import ListReservationsRequest, ReservationServiceStub
from novacron.api.vm.v1 import (
    VM_STATE_RUNNING,
    DeleteLeakedMonitoringRequest,
    DestroyLeakedDomainRequest,
    ListNodeDomainsRequest,
    ListRepairsRequest,
    ReleaseLeakedReservationRequest,
    RepairServiceStub,
    RestoreMonitoringRequest,
)
from novacron.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from novacron.testing.patience import eventually
from novacron_agent.drivers.driver import DomainSpec
from novacron_vm.repair_store import RepairStore
from novacron_vm.store import VmStore

from .house import rows

WHY = "left behind by a test"


@pytest.fixture
def admin(house):
    return house.someone("*:*")


@pytest.fixture
def repairs(house, admin):
    return RepairServiceStub(house.servers.as_user(house.server, admin, attempts=1))


async def forget(house, vm):
    """The VM's row goes wrong: it says that the VM is gone, which it is not."""
    await rows(
        house.vm_database,
        "UPDATE vms SET state = 'deleted', deleted_at = now() WHERE id = %s RETURNING id",
        vm.vm_id,
    )


async def held(house, vm_id):
    stub = ReservationServiceStub(house.servers.as_user(house.scheduler, house.someone("*:*")))
    found = (await stub.ListReservations(ListReservationsRequest())).reservations
    return next(one for one in found if one.vm_id == vm_id)


async def release(repairs, reservation):
    request = ReleaseLeakedReservationRequest(
        vm_id=reservation.vm_id,
        node_id=reservation.node.node_id,
        decision_id=reservation.decision_id,
        reason=WHY,
    )
    return (await repairs.ReleaseLeakedReservation(request)).released


async def destroy(house, repairs, vm_id, **more):
    request = DestroyLeakedDomainRequest(vm_id=vm_id, node_id=str(house.host.node_id), reason=WHY, **more)
    return (await repairs.DestroyLeakedDomain(request)).destroyed


async def unmonitor(repairs, vm_id):
    return (await repairs.DeleteLeakedMonitoring(DeleteLeakedMonitoringRequest(vm_id=vm_id, reason=WHY))).deleted


async def outcomes(repairs):
    return [(one.action, one.outcome) for one in (await repairs.ListRepairs(ListRepairsRequest())).repairs]


async def test_all_that_is_left_of_a_vm_that_is_gone_is_taken_back_once(house, repairs, admin):
    kept, vm = await house.create(), await house.create()
    await forget(house, vm)
    reservation = await held(house, vm.vm_id)
    assert await destroy(house, repairs, vm.vm_id)
    assert await unmonitor(repairs, vm.vm_id)
    assert await release(repairs, reservation)
    await house.nothing_is_left_over()
    assert set(await house.domains()) == {UUID(kept.vm_id)}
    again = (await destroy(house, repairs, vm.vm_id), await unmonitor(repairs, vm.vm_id))
    assert (*again, await release(repairs, reservation)) == (False, False, False)
    made = (await repairs.ListRepairs(ListRepairsRequest(page_size=4))).repairs
    assert [(one.action, one.outcome) for one in made] == [
        ("release-reservation", "nothing to do"),
        ("delete-monitoring", "nothing to do"),
        ("destroy-domain", "nothing to do"),
        ("release-reservation", "done"),
    ]
    assert (made[3].vm_id, made[3].node_id) == (vm.vm_id, str(house.host.node_id))
    assert (made[3].initiated_by, made[3].reason) == (str(admin.user_id), WHY)


async def test_a_vm_that_lives_loses_nothing(house, repairs):
    vm = await house.create()
    reservation = await held(house, vm.vm_id)
    for attempt in (
        destroy(house, repairs, vm.vm_id, never_heard_of=True),
        unmonitor(repairs, vm.vm_id),
        release(repairs, reservation),
    ):
        with pytest.raises(FailedPrecondition, match="is running") as refused:
            await attempt
        assert vm.name in refused.value.message
    await house.nothing_is_left_over()
    assert [outcome.partition(":")[0] for _, outcome in await outcomes(repairs)] == ["refused"] * 3


async def test_a_reservation_whose_domain_is_still_there_is_not_free(house, repairs):
    vm = await house.create()
    await forget(house, vm)
    reservation = await held(house, vm.vm_id)
    with pytest.raises(FailedPrecondition, match="destroy it first"):
        await release(repairs, reservation)
    await house.host.goes_down()
    with pytest.raises(FailedPrecondition, match="of node n1 cannot be reached, so what is on it cannot be known"):
        await release(repairs, reservation)
    answer = await repairs.ListNodeDomains(ListNodeDomainsRequest(node_id=str(house.host.node_id)))
    assert (len(answer.domains), answer.unreachable) == (0, "the agent of node n1 cannot be reached")
    assert UUID(vm.vm_id) in await house.reserved()
    assert [outcome.partition(":")[0] for _, outcome in await outcomes(repairs)] == ["refused", "refused"]


async def test_a_reservation_made_since_is_another_one_and_stays(house, repairs):
    vm = await house.create()
    await forget(house, vm)
    assert await destroy(house, repairs, vm.vm_id)
    reservation = await held(house, vm.vm_id)
    reservation.decision_id = str(uuid4())
    assert not await release(repairs, reservation)
    assert UUID(vm.vm_id) in await house.reserved()


async def test_a_domain_of_which_nobody_ever_heard_is_destroyed_only_when_that_is_said(house, repairs):
    spec = DomainSpec(uuid4(), "lost", vcpus=1, memory_mib=128, disk_gib=1, base_image="novacron-guest")
    await house.host.driver.create(spec)
    (domain,) = (await repairs.ListNodeDomains(ListNodeDomainsRequest(node_id=str(house.host.node_id)))).domains
    assert (domain.vm_id, domain.name, domain.power_state) == (str(spec.vm_id), "lost", "running")
    with pytest.raises(FailedPrecondition, match="restored from a backup"):
        await destroy(house, repairs, str(spec.vm_id))
    assert await destroy(house, repairs, str(spec.vm_id), never_heard_of=True)
    assert await house.domains() == {}


async def test_a_running_vm_is_monitored_again_and_no_other(house, repairs):
    vm, gone = await house.create(), str(uuid4())
    await rows(house.monitoring_database, "DELETE FROM vm_monitoring RETURNING vm_id")
    for _ in range(2):
        await repairs.RestoreMonitoring(RestoreMonitoringRequest(vm_id=vm.vm_id, reason=WHY))
    await house.nothing_is_left_over()
    with pytest.raises(FailedPrecondition, match="there is no VM"):
        await repairs.RestoreMonitoring(RestoreMonitoringRequest(vm_id=gone, reason=WHY))


async def test_what_a_saga_works_on_is_left_to_it(empty_house):
    house = empty_house
    await house.add_host(latency_seconds={"create": 1.0})
    repairs = RepairServiceStub(house.servers.as_user(house.server, house.someone("*:*"), attempts=1))
    vm = await house.create(return_immediately=True)

    async def reserved():
        return UUID(vm.vm_id) in await house.reserved()

    await eventually(reserved)
    for attempt in (
        destroy(house, repairs, vm.vm_id, never_heard_of=True),
        unmonitor(repairs, vm.vm_id),
        release(repairs, await held(house, vm.vm_id)),
        repairs.RestoreMonitoring(RestoreMonitoringRequest(vm_id=vm.vm_id, reason=WHY)),
    ):
        with pytest.raises(FailedPrecondition, match=r"create-vm \(running\) works on VM"):
            await attempt
    await house.reaches(vm.vm_id, VM_STATE_RUNNING)
    await house.nothing_is_left_over()


async def test_a_create_of_an_id_that_is_being_mended_waits_and_then_has_all_it_needs(house):
    store, request = RepairStore(VmStore(house.vm_database)), house.request()
    async with store.held(UUID(request.vm_id)) as standing:
        assert standing.vm is None
        creating = asyncio.create_task(house.vms().CreateVm(request))

        async def waits():
            query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            return await rows(house.vm_database, query)

        await eventually(waits)
        assert await house.reserved() == set()
    assert (await creating).state == VM_STATE_RUNNING
    await house.nothing_is_left_over()


async def test_a_repair_behind_a_create_that_began_first_finds_its_saga_at_work(house):
    store, request = RepairStore(VmStore(house.vm_database)), house.request()
    vm = await house.vms().CreateVm(request)
    async with store.held(UUID(vm.vm_id)) as standing:
        assert (standing.vm.name, standing.at_work) == (vm.name, ())
    assert await rows(house.vm_database, "SELECT name FROM saga") == [("create-vm",)]


async def test_only_who_has_the_platform_mends_and_sees_every_tenants_domains(house, repairs):
    operator = house.someone("vm:*", "saga:*", "node:*", "reservation:*", "metrics:*")
    theirs = RepairServiceStub(house.servers.as_user(house.server, operator, attempts=1))
    for attempt in (
        destroy(house, theirs, str(uuid4())),
        unmonitor(theirs, str(uuid4())),
        theirs.ListNodeDomains(ListNodeDomainsRequest(node_id=str(house.host.node_id))),
        theirs.ListRepairs(ListRepairsRequest()),
    ):
        with pytest.raises(PermissionDenied, match="platform:"):
            await attempt
    assert await outcomes(repairs) == []


async def test_a_repair_needs_a_reason_and_a_node_that_there_is(house, repairs):
    with pytest.raises(InvalidArgument, match="reason"):
        await repairs.DeleteLeakedMonitoring(DeleteLeakedMonitoringRequest(vm_id=str(uuid4())))
    with pytest.raises(NotFound, match="node"):
        await repairs.ListNodeDomains(ListNodeDomainsRequest(node_id=str(uuid4())))


async def test_repairs_are_listed_page_by_page_and_never_changed(house, repairs):
    ids = [str(uuid4()) for _ in range(5)]
    for vm_id in ids:
        await unmonitor(repairs, vm_id)
    found, token = [], ""
    while True:
        page = await repairs.ListRepairs(ListRepairsRequest(page_size=2, page_token=token))
        found += [one.vm_id for one in page.repairs]
        if not (token := page.next_page_token):
            break
    assert found == ids[::-1]
    for change in ("UPDATE vm_repairs SET reason = 'none'", "DELETE FROM vm_repairs"):
        with pytest.raises(Exception, match="never changed"):
            await rows(house.vm_database, f"{change} RETURNING repair_id")
