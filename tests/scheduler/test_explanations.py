"""Why a VM would go where it goes, or nowhere, and what would have to change. Run with -s to read three refusals."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.api.scheduler.v1 import (
    DrainNodeRequest,
    ExplainPlacementRequest,
    GetSchedulingDecisionRequest,
    QuotaLimits,
    SetQuotaRequest,
    Taint,
)
from novacron.errors import InvalidArgument, NoCapacity, NotFound
from novacron_scheduler import placement
from novacron_scheduler.node import NodeStatus, NodeType
from novacron_scheduler.placement import Offer
from novacron_scheduler.remedy import remedies
from novacron_scheduler.reservation import Demand
from novacron_scheduler.resources import EVEN, Ratios, Resources


async def explain(scheduler, tenant, resources, **conditions):
    stub = scheduler.placements(tenant_id=tenant)
    return await stub.ExplainPlacement(ExplainPlacementRequest(resources=resources, **conditions))


async def test_a_dry_run_names_the_node_that_a_reserve_takes_and_leaves_nothing_behind(scheduler, tenant, resources):
    await scheduler.beat("n1", capacity=resources(4, 4096, 100))
    await scheduler.beat("n2")
    told = await explain(scheduler, tenant, resources(2, 1024, 10))
    assert await scheduler.rows("SELECT 1 FROM scheduling_decisions") == []
    assert await scheduler.rows("SELECT 1 FROM resource_allocations") == []
    vm_id = uuid4()
    made = await scheduler.reserve(vm_id, resources=resources(2, 1024, 10))
    assert (told.node_name, told.node_id) == ("n2", made.node.node_id)
    reader = scheduler.reservations_as(scheduler.user("reservation:read", tenant_id=tenant))
    decision = await reader.GetSchedulingDecision(GetSchedulingDecisionRequest(vm_id=str(vm_id)))
    assert told.explanation == decision.explanation
    assert list(told.candidates) == list(decision.candidates)
    assert not told.remedies


async def test_a_dry_run_refuses_in_the_words_of_a_reserve_and_for_programs(scheduler, tenant, resources):
    await scheduler.beat("n1")
    await scheduler.beat("n2", capacity=resources(16, 32768, 500))
    await scheduler.nodes("node:drain").DrainNode(DrainNodeRequest(node="n2"))
    told = await explain(scheduler, tenant, resources(10, 1024, 10))
    with pytest.raises(NoCapacity) as refused:
        await scheduler.reserve(resources=resources(10, 1024, 10))
    assert told.explanation == refused.value.message
    assert (told.node_id, told.node_count) == ("", 2)
    assert dict(told.removed_by_filter) == {"maintenance": 1, "resources": 1}
    assert [(one.name, one.lacking.cpu_cores, one.free.cpu_cores) for one in told.closest] == [("n1", 2, 8)]
    assert [(list(one.filters), one.node_name, one.less.cpu_cores) for one in told.remedies] == [
        (["resources"], "n1", 2),
        (["maintenance"], "n2", 0),
    ]


async def test_a_move_is_not_told_to_stay_where_it_is(scheduler):
    await scheduler.beat("n1")
    vm_id = uuid4()
    await scheduler.reserve(vm_id)
    with pytest.raises(
        NoCapacity, match=r"\(1 node: 1 where it is now\): no smaller VM and no other condition would fit"
    ):
        await scheduler.reserve(vm_id, move_id=str(uuid4()))


async def test_a_dry_run_tells_of_the_quota(scheduler, tenant, resources):
    await scheduler.beat("n1")
    request = SetQuotaRequest(tenant_id=tenant, limits=QuotaLimits(cpu_cores=1))
    await scheduler.quotas().SetQuota(request)
    told = await explain(scheduler, tenant, resources(2))
    assert told.explanation.startswith("the tenant's quota does not allow it: 2 vCPU asked, 0 of 1 used")
    assert (list(told.exceeded_quotas), told.node_id) == (["cpu_cores"], "")


async def test_a_dry_run_is_for_the_callers_tenant_and_for_a_possible_vm(scheduler, tenant, resources):
    other = str(uuid4())
    with pytest.raises(NotFound, match=f"tenant {other} not found"):
        await explain(scheduler, tenant, resources(), tenant_id=other)
    with pytest.raises(InvalidArgument, match=r"resources\.cpu_cores: must be at least 1"):
        await explain(scheduler, tenant, resources(0))


async def test_three_refusals_as_a_user_reads_them(scheduler, tenant, resources):
    ssd = {"disk": "ssd"}
    await scheduler.beat("n1", capacity=resources(16, 65536, 500), region="eu", availability_zone="eu-1", labels=ssd)
    await scheduler.beat("n2", capacity=resources(32, 65536, 500), region="eu", availability_zone="eu-2", labels=ssd)
    dedicated = [Taint(key="dedicated", value="db")]
    await scheduler.beat(
        "n3", capacity=resources(64, 65536, 900), region="eu", availability_zone="eu-1", taints=dedicated
    )
    await scheduler.beat("n17", capacity=resources(64, 262144, 900), region="eu", availability_zone="eu-1", labels=ssd)
    await scheduler.nodes("node:drain").DrainNode(DrainNodeRequest(node="n17"))
    asked = [
        (resources(18, 16384, 50), {"node_labels": ssd, "availability_zone": "eu-1"}),
        (resources(4, 8192, 50), {"hypervisor_type": 2}),
        (resources(40, 32768, 600), {}),
    ]
    texts = [(await explain(scheduler, tenant, amounts, **conditions)).explanation for amounts, conditions in asked]
    print("", *texts, sep="\n\n")
    assert texts[0] == (
        "no node takes 18 vCPU, 16384 MiB memory, 50 GiB storage (4 nodes: 1 in maintenance, 1 outside the zone eu-1,"
        " 1 without the labels disk=ssd, 1 short of room); the closest, n1, lacks 2 vCPU (free: 16 of 16):"
        " it would fit with 2 vCPU less (n1), in the zone eu-2 (n2), or with node n17 out of maintenance"
    )
    assert texts[1].endswith("3 without the hypervisor xen): it would fit with the hypervisor kvm (n1)")
    assert texts[2].endswith(
        "the closest, n2, lacks 8 vCPU (free: 32 of 32) and 100 GiB storage (free: 500 of 500), then n1, lacks 24 vCPU"
        " (free: 16 of 16) and 100 GiB storage (free: 500 of 500): it would fit with 8 vCPU and 100 GiB storage less (n2),"
        " tolerating dedicated=db (n3), or with node n17 out of maintenance"
    )


AMOUNTS = st.builds(Resources, st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.just(0), st.integers(0, 2))
TAINTS = st.lists(st.sampled_from([("a", "1"), ("b", "1")]), unique=True, max_size=2).map(tuple)
OFFERS = st.builds(
    Offer,
    node_id=st.builds(uuid4),
    name=st.sampled_from(["n1", "n2", "n3", "n4"]),
    generation=st.just(1),
    status=st.sampled_from(NodeStatus),
    node_type=st.sampled_from([NodeType.COMPUTE, NodeType.STORAGE]),
    hypervisor_types=st.sampled_from([["kvm"], ["xen"]]),
    region=st.sampled_from(["eu", "us"]),
    availability_zone=st.sampled_from(["1", "2"]),
    labels=st.dictionaries(st.sampled_from("xy"), st.sampled_from("12")),
    taints=TAINTS,
    gpu_type=st.sampled_from(["", "a100"]),
    free=AMOUNTS,
    allocatable=st.just(Resources(8, 8, 8, 0, 2)),
    capacity=st.sampled_from([Resources(8, 8, 8, 0, 2), Resources(4, 4, 8, 0, 2)]),
)
DEMANDS = st.builds(
    Demand,
    vm_id=st.builds(uuid4),
    tenant_id=st.builds(uuid4),
    need=AMOUNTS,
    gpu_type=st.sampled_from(["", "a100"]),
    hypervisor_type=st.sampled_from(["", "kvm"]),
    region=st.sampled_from(["", "eu"]),
    availability_zone=st.sampled_from(["", "1"]),
    node_labels=st.dictionaries(st.sampled_from("xy"), st.sampled_from("12"), max_size=1),
    tolerations=TAINTS,
    weights=st.sampled_from([EVEN, Ratios(2.0, 1.5), Ratios(0.5)]),
    node=st.sampled_from(["", "n1"]),
)


def made(remedy, wanted, offer):
    """The demand and the offer once what the remedy says has been done."""
    cleared = {
        "resources": lambda: (replace(wanted, need=wanted.need.minus(remedy.less)), offer),
        "node": lambda: (replace(wanted, node=""), offer),
        "availability_zone": lambda: (replace(wanted, availability_zone=offer.availability_zone), offer),
        "region": lambda: (replace(wanted, region=offer.region), offer),
        "labels": lambda: (replace(wanted, node_labels={}), offer),
        "taints": lambda: (replace(wanted, tolerations=(*wanted.tolerations, *offer.taints)), offer),
        "gpu_type": lambda: (replace(wanted, gpu_type=offer.gpu_type), offer),
        "hypervisor_type": lambda: (replace(wanted, hypervisor_type=offer.hypervisor_types[0]), offer),
        "maintenance": lambda: (wanted, replace(offer, status=NodeStatus.READY)),
        "not_ready": lambda: (wanted, replace(offer, status=NodeStatus.READY)),
    }
    for name in remedy.filters:
        wanted, offer = cleared[name]()
    return wanted, offer


@given(DEMANDS, st.lists(OFFERS, min_size=1, max_size=4, unique_by=lambda one: one.name))
def test_whatever_is_said_to_help_helps_and_takes_no_more_changes_than_needed(wanted, offers):
    if placement.rank(wanted, offers).candidates:
        return
    found = remedies(wanted, offers)
    assert len({len(remedy.filters) for remedy in found}) <= 1
    for remedy in found:
        offer = next(one for one in offers if one.name == remedy.node)
        changed, node = made(remedy, wanted, offer)
        assert placement.rank(changed, [node]).candidates, remedy
        assert min(amount for amount, asked in zip(changed.need, wanted.need, strict=True) if asked) > 0
