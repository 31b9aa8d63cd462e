"""How many VMs share a host, by the type of their allocations."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.api.scheduler.v1 import (
    BatchServiceStub,
    ExplainPlacementRequest,
    GetNodeRequest,
    ReserveResourcesRequest,
)
from novacron.api.scheduler.v1 import ReserveResourcesBatchRequest as BatchRequest
from novacron.api.scheduler.v1 import add_BatchServiceServicer_to_server as add_batches
from novacron.api.types.v1 import (
    ALLOCATION_TYPE_BEST_EFFORT,
    ALLOCATION_TYPE_BURSTABLE,
    ALLOCATION_TYPE_GUARANTEED,
)
from novacron.errors import NoCapacity
from novacron_scheduler.batch_servicer import BatchServicer
from novacron_scheduler.batches import Batches
from novacron_scheduler.footprints import Footprints
from novacron_scheduler.inventory.live import Inventory
from novacron_scheduler.overcommit import Overcommit
from novacron_scheduler.reservation import AllocationType
from novacron_scheduler.resources import Ratios, Resources
from novacron_scheduler.store import DecisionStore

RATIO = st.sampled_from([1.0, 1.5, 2.0, 3.0, 4.0, 7.0, 16.0])
RATIOS = st.tuples(RATIO, RATIO, RATIO).map(lambda ratios: Ratios(*ratios))
AMOUNTS = st.builds(Resources, *(st.integers(0, 1 << 20) for _ in range(5)))
OWN = {"allocation_type": ALLOCATION_TYPE_GUARANTEED}
SHARED = Overcommit(Ratios(cpu_cores=4.0), Ratios(cpu_cores=2.0))  # n1 has 8 vCPUs, which count as 32


@given(st.builds(Overcommit, RATIOS, RATIOS), st.sampled_from(AllocationType), AMOUNTS)
def test_the_most_that_room_is_for_fits_into_it_and_one_more_of_anything_does_not(overcommit, kind, room):
    weights = overcommit.weights(kind)
    most = weights.most(room)
    assert room.covers(weights.footprint(most))
    for name in Resources._fields:
        assert not room.covers(weights.footprint(most._replace(**{name: getattr(most, name) + 1})))


@given(
    st.builds(Overcommit, RATIOS, RATIOS),
    st.integers(1, 64),
    st.lists(st.tuples(st.sampled_from(AllocationType), st.integers(1, 32)), max_size=40),
)
def test_whatever_fits_keeps_every_promise_at_once(overcommit, cores, vms):
    left = overcommit.allocation.allocatable(Resources(cores), Resources()).cpu_cores
    taken = dict.fromkeys(AllocationType, 0)
    for kind, wanted in vms:
        footprint = overcommit.weights(kind).footprint(Resources(wanted)).cpu_cores
        if footprint <= left:
            left -= footprint
            taken[kind] += wanted
    shared = overcommit.allocation.cpu_cores
    own = taken[AllocationType.GUARANTEED]
    others = taken[AllocationType.BURSTABLE]
    rest = taken[AllocationType.BEST_EFFORT] / overcommit.best_effort.cpu_cores
    assert own + (others + rest) / shared <= cores


@pytest.fixture
async def scheduler(start_scheduler):
    made = await start_scheduler(overcommit=SHARED)
    await made.beat("n1")
    return made


async def taken(scheduler):
    return (await scheduler.nodes().GetNode(GetNodeRequest(node="n1"))).allocated.cpu_cores


async def test_each_type_takes_its_own_share_and_gives_back_exactly_that(scheduler, resources):
    vms = {}
    for kind, footprint in (
        (ALLOCATION_TYPE_GUARANTEED, 8),
        (ALLOCATION_TYPE_BURSTABLE, 2),
        (ALLOCATION_TYPE_BEST_EFFORT, 1),
    ):
        before = await taken(scheduler)
        made = await scheduler.reserve(str(uuid4()), resources=resources(2), allocation_type=kind)
        assert (made.resources.cpu_cores, made.footprint.cpu_cores) == (2, footprint)
        assert await taken(scheduler) == before + footprint
        vms[made.vm_id] = footprint
    await scheduler.check_sums()
    for vm_id, footprint in vms.items():
        before = await taken(scheduler)
        await scheduler.release(vm_id)
        assert await taken(scheduler) == before - footprint


async def test_a_guaranteed_vm_shares_its_cores_with_nobody(scheduler, resources):
    await scheduler.reserve(str(uuid4()), resources=resources(7), **OWN)
    await scheduler.reserve(str(uuid4()), resources=resources(4), allocation_type=ALLOCATION_TYPE_BURSTABLE)
    for kind in (ALLOCATION_TYPE_GUARANTEED, ALLOCATION_TYPE_BURSTABLE, ALLOCATION_TYPE_BEST_EFFORT):
        with pytest.raises(NoCapacity):
            await scheduler.reserve(str(uuid4()), resources=resources(1), allocation_type=kind)


async def test_a_refusal_tells_what_is_free_as_a_vm_of_that_type_could_have_it(scheduler, resources, tenant):
    await scheduler.reserve(str(uuid4()), resources=resources(6), **OWN)  # 8 of 32 are left
    for kind, asked, words in (
        (ALLOCATION_TYPE_GUARANTEED, 3, r"lacks 1 vCPU \(free: 2 of 8\): it would fit with 1 vCPU less"),
        (ALLOCATION_TYPE_BURSTABLE, 9, r"lacks 1 vCPU \(free: 8 of 32\)"),
        # Sixteen would fit as often as shares go; the host has eight.
        (ALLOCATION_TYPE_BEST_EFFORT, 16, r"lacks 8 vCPU \(free: 8 of 64\)"),
    ):
        with pytest.raises(NoCapacity, match=words) as refused:
            await scheduler.reserve(str(uuid4()), resources=resources(asked), allocation_type=kind)
        dry = ExplainPlacementRequest(resources=resources(asked), allocation_type=kind)
        told = await scheduler.placements(tenant_id=tenant).ExplainPlacement(dry)
        assert told.explanation == refused.value.message


async def test_a_crowd_of_all_types_fills_the_host_to_the_last_share_and_no_further(scheduler, resources):
    kinds = [ALLOCATION_TYPE_GUARANTEED] * 4 + [ALLOCATION_TYPE_BURSTABLE] * 8 + [ALLOCATION_TYPE_BEST_EFFORT] * 16
    asked = [scheduler.reserve(str(uuid4()), resources=resources(2, 16, 1), allocation_type=kind) for kind in kinds]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(one) for one in made if isinstance(one, Exception)} == {NoCapacity}
    await scheduler.check_sums()
    held = sum(one.footprint.cpu_cores for one in made if not isinstance(one, Exception))
    assert held == await taken(scheduler) <= 32
    footprints = {ALLOCATION_TYPE_GUARANTEED: 8, ALLOCATION_TYPE_BURSTABLE: 2, ALLOCATION_TYPE_BEST_EFFORT: 1}
    refused = [footprints[kind] for kind, one in zip(kinds, made, strict=True) if isinstance(one, Exception)]
    assert 32 - held < min(refused)


async def test_a_batch_counts_them_as_one_by_one_does(scheduler, resources, tenant):
    batches = Batches(scheduler.database, DecisionStore())
    server = await scheduler.servers.start("scheduler", [(add_batches, BatchServicer(batches, SHARED))])
    kinds = (ALLOCATION_TYPE_GUARANTEED, ALLOCATION_TYPE_BURSTABLE, ALLOCATION_TYPE_BEST_EFFORT)
    requests = [
        ReserveResourcesRequest(
            vm_id=str(uuid4()), tenant_id=tenant, resources=resources(4, 16, 1), allocation_type=kind
        )
        for kind in kinds
    ]
    stub = BatchServiceStub(scheduler.servers.as_service(server, "vm"))
    answers = (await stub.ReserveResourcesBatch(BatchRequest(requests=requests))).answers
    assert [one.reservation.footprint.cpu_cores for one in answers] == [16, 4, 2]
    assert await taken(scheduler) == 22
    await scheduler.check_sums()


async def test_when_the_ratio_changes_the_promises_to_those_who_are_there_still_stand(
    start_scheduler, scheduler, resources
):
    kept = [(await scheduler.reserve(str(uuid4()), resources=resources(2), **OWN)).vm_id for _ in range(2)]
    await scheduler.reserve(str(uuid4()), resources=resources(3), allocation_type=ALLOCATION_TYPE_BURSTABLE)
    assert await taken(scheduler) == 2 * 8 + 3
    denser = Overcommit(Ratios(cpu_cores=8.0), SHARED.best_effort)
    other = await start_scheduler(scheduler.database, overcommit=denser)
    await other.beat("n1")
    footprints = Footprints(scheduler.database, denser, Inventory(scheduler.database))
    assert await footprints.count_anew() == 2
    assert await taken(scheduler) == 2 * 16 + 3
    assert await footprints.count_anew() == 0
    await other.check_sums()
    await other.release(kept[0])
    assert await taken(scheduler) == 16 + 3


async def test_who_is_amid_a_resize_is_counted_anew_when_that_has_ended(scheduler, resources):
    vm_id = (await scheduler.reserve(str(uuid4()), resources=resources(2), **OWN)).vm_id
    await scheduler.rows(
        "UPDATE resource_allocations SET resize_id = %s, resized_from = '{2,0,0,0,0}', resized_to = '{3,0,0,0,0}'"
        " WHERE vm_id = %s RETURNING 1",
        uuid4(),
        vm_id,
    )
    footprints = Footprints(scheduler.database, Overcommit(Ratios(cpu_cores=8.0)), Inventory(scheduler.database))
    assert await footprints.count_anew() == 0
    await scheduler.rows(
        "UPDATE resource_allocations SET resized_from = NULL, resized_to = NULL WHERE vm_id = %s RETURNING 1", vm_id
    )
    assert await footprints.count_anew() == 1
    await scheduler.check_sums()
