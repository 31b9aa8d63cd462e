"""Nodes: kept by their agents' heartbeats, drained by operators, listed for everybody who may."""

import asyncio
from uuid import uuid4

import grpc
import pytest

from novacron.api.scheduler.v1 import (
    NODE_STATUS_MAINTENANCE,
    NODE_STATUS_NOT_READY,
    NODE_STATUS_READY,
    NODE_TYPE_COMPUTE,
    NODE_TYPE_STORAGE,
    DrainNodeRequest,
    GetNodeRequest,
    ListClustersRequest,
    ListNodesRequest,
)
from novacron.api.types.v1 import ALLOCATION_TYPE_BURSTABLE, HYPERVISOR_TYPE_CONTAINER, HYPERVISOR_TYPE_HYPER_V
from novacron.errors import FailedPrecondition, InvalidArgument, NoCapacity, NotFound, PermissionDenied
from novacron.ids import derived_id
from novacron.testing.patience import eventually
from novacron_scheduler.overcommit import Overcommit
from novacron_scheduler.resources import Ratios


async def get(scheduler, node="n1"):
    return await scheduler.nodes().GetNode(GetNodeRequest(node=node))


async def drain(scheduler, node="n1", **undo):
    return await scheduler.nodes("node:drain").DrainNode(DrainNodeRequest(node=node, **undo))


async def names(scheduler, text="", **page):
    answer = await scheduler.nodes().ListNodes(ListNodesRequest(filter=text, **page))
    return [node.name for node in answer.nodes]


async def test_a_heartbeat_registers_the_node_with_all_that_it_says(scheduler, resources):
    answer = await scheduler.beat(
        "n1",
        region="eu",
        availability_zone="eu-1",
        labels={"disk": "ssd"},
        taints=[{"key": "only", "value": "gpu"}],
        hypervisor_types=[HYPERVISOR_TYPE_HYPER_V, HYPERVISOR_TYPE_CONTAINER],
        capacity=resources(8, 16384, 500, gpu_count=2, gpu_type="l4"),
        reserved=resources(1, 1024, 50),
        description="TCG",
    )
    assert answer.node_id == str(derived_id("node", "n1"))
    assert (answer.status, answer.lease.seconds) == (NODE_STATUS_READY, 60)
    node = await get(scheduler)
    assert (node.node_id, node.name, node.hostname, node.ip_address) == (
        answer.node_id,
        "n1",
        "n1.example",
        "192.0.2.7",
    )
    assert (node.region, node.availability_zone, dict(node.labels)) == ("eu", "eu-1", {"disk": "ssd"})
    assert [(taint.key, taint.value) for taint in node.taints] == [("only", "gpu")]
    assert sorted(node.hypervisor_types) == [HYPERVISOR_TYPE_HYPER_V, HYPERVISOR_TYPE_CONTAINER]
    assert node.node_type == NODE_TYPE_COMPUTE
    assert node.capacity == resources(8, 16384, 500, gpu_count=2, gpu_type="l4")
    assert node.allocatable == resources(7, 15360, 450, gpu_count=2, gpu_type="l4")
    assert node.allocated == resources(0, 0, 0)
    assert node.description == "TCG"
    assert await get(scheduler, answer.node_id) == node


async def test_a_node_speaks_for_itself_alone(scheduler):
    with pytest.raises(PermissionDenied, match="speaks for the node n2 and not for n1"):
        await scheduler.agent("n2").HeartbeatNode(scheduler.heartbeat("n1"))
    with pytest.raises(PermissionDenied, match=r"speaks for the node \(none\)"):
        await scheduler.agent("").HeartbeatNode(scheduler.heartbeat("n1"))
    assert await names(scheduler) == []


async def test_the_newest_incarnation_of_an_agent_holds_the_lease(scheduler):
    await scheduler.beat("n1", incarnation=10)
    await scheduler.beat("n1", incarnation=11, hostname="new.example")
    with pytest.raises(FailedPrecondition, match="a newer incarnation of the agent holds node n1: stop this one"):
        await scheduler.beat("n1", incarnation=10, hostname="old.example")
    assert (await get(scheduler)).hostname == "new.example"
    await scheduler.beat("n1", incarnation=11)


async def test_a_node_that_falls_silent_is_not_ready_and_takes_nothing_until_it_is_heard_again(start_scheduler):
    scheduler = await start_scheduler(lease_seconds=0.3)
    await scheduler.beat("n1")

    async def lapsed():
        return (await get(scheduler)).status == NODE_STATUS_NOT_READY

    await eventually(lapsed)
    with pytest.raises(NoCapacity, match=r"1 node: 1 not ready \(no heartbeat\)"):
        await scheduler.reserve()
    long_lived = await start_scheduler(scheduler.database)
    assert (await long_lived.beat("n1")).status == NODE_STATUS_READY
    assert (await long_lived.reserve()).node.name == "n1"


async def test_a_lapsed_node_keeps_what_it_holds_and_can_be_released(scheduler):
    await scheduler.beat("n1")
    vm_id = uuid4()
    made = await scheduler.reserve(vm_id)
    await scheduler.lapse("n1")
    again = await scheduler.reserve(vm_id)
    assert (again.decision_id, again.node.status) == (made.decision_id, NODE_STATUS_NOT_READY)
    await scheduler.release(vm_id)
    await scheduler.check_sums()
    assert (await get(scheduler)).allocated.cpu_cores == 0


async def test_a_drained_node_takes_nothing_new_whatever_its_agent_says_until_the_drain_is_undone(scheduler):
    await scheduler.beat("n1")
    kept = await scheduler.reserve()
    assert (await drain(scheduler)).status == NODE_STATUS_MAINTENANCE
    assert (await drain(scheduler)).status == NODE_STATUS_MAINTENANCE
    assert (await scheduler.beat("n1", incarnation=2 * 10**15)).status == NODE_STATUS_MAINTENANCE
    with pytest.raises(NoCapacity, match="1 in maintenance"):
        await scheduler.reserve()
    assert (await get(scheduler)).allocated == kept.resources
    assert (await drain(scheduler, undo=True)).status == NODE_STATUS_READY
    await scheduler.reserve()


async def test_undoing_the_drain_of_a_silent_node_does_not_make_it_ready(scheduler):
    await scheduler.beat("n1")
    await drain(scheduler)
    await scheduler.lapse("n1")
    assert (await drain(scheduler, undo=True)).status == NODE_STATUS_NOT_READY


async def test_an_unknown_node_is_told_as_it_was_asked_for(scheduler):
    for node in ("n7", str(uuid4())):
        with pytest.raises(NotFound, match=f"node {node} not found"):
            await get(scheduler, node)
        with pytest.raises(NotFound, match=f"node {node} not found"):
            await drain(scheduler, node)


async def test_who_may_only_read_cannot_drain(scheduler):
    await scheduler.beat("n1")
    with pytest.raises(PermissionDenied, match="node:drain"):
        await scheduler.nodes("node:read").DrainNode(DrainNodeRequest(node="n1"))
    assert (await get(scheduler)).status == NODE_STATUS_READY


async def test_ratios_share_a_host_but_make_no_vm_larger_than_it(start_scheduler, resources):
    scheduler = await start_scheduler(overcommit=Overcommit(Ratios(cpu_cores=2.0, memory_mib=1.5)))
    await scheduler.beat("n1", capacity=resources(4, 1001, 500), reserved=resources(0, 0, 0))
    assert (await get(scheduler)).allocatable == resources(8, 1501, 500)
    shared = {"allocation_type": ALLOCATION_TYPE_BURSTABLE}
    with pytest.raises(NoCapacity, match="lacks 1 vCPU"):
        await scheduler.reserve(resources=resources(5, 64, 1), **shared)
    await scheduler.reserve(resources=resources(4, 64, 1), **shared)
    await scheduler.reserve(resources=resources(4, 64, 1), **shared)
    with pytest.raises(NoCapacity, match=r"lacks 1 vCPU \(free: 0 of 8\)"):
        await scheduler.reserve(resources=resources(1, 64, 1), **shared)


async def test_a_host_that_shrank_says_so_and_takes_nothing_until_there_is_room(scheduler, resources):
    await scheduler.beat("n1")
    vms = [uuid4() for _ in range(6)]
    for vm_id in vms:
        await scheduler.reserve(vm_id)
    await scheduler.beat("n1", capacity=resources(4, 16384, 500))
    node = await get(scheduler)
    assert (node.allocatable.cpu_cores, node.allocated.cpu_cores) == (4, 6)
    for vm_id in vms[:2]:
        with pytest.raises(NoCapacity, match=r"n1, lacks \d vCPU \(free: -?\d of 4\)"):
            await scheduler.reserve()
        await scheduler.release(vm_id)
    with pytest.raises(NoCapacity, match=r"lacks 1 vCPU \(free: 0 of 4\)"):
        await scheduler.reserve()
    await scheduler.release(vms[2])
    await scheduler.reserve()
    await scheduler.check_sums()


async def test_storage_and_network_nodes_take_no_vms(scheduler):
    await scheduler.beat("n1", node_type=NODE_TYPE_STORAGE)
    with pytest.raises(NoCapacity, match="1 not for VMs"):
        await scheduler.reserve()


@pytest.mark.parametrize(
    ("field", "said", "change"),
    [
        ("capacity", "required", {"capacity": None}),
        ("capacity.cpu_cores", "must be at least 1: a node without it runs no VM", {"capacity": (0, 1024, 10)}),
        ("capacity.memory_mib", "must be at least 1", {"capacity": (1, 0, 10)}),
        ("capacity.storage_gib", "greater than or equal to 0", {"capacity": (1, 1024, -1)}),
        ("reserved.memory_mib", "20000 is more than the capacity, 16384", {"reserved": (1, 20000, 0)}),
        ("ip_address", "IP", {"ip_address": "here"}),
        ("name", "pattern", {"name": "a b"}),
        ("name", "253", {"name": "n" * 10_000, "hostname": "h"}),
        ("hypervisor_types", "at least 1", {"hypervisor_types": []}),
        ("node_type", "defined", {"node_type": 77}),
        ("incarnation", "greater than 0", {"incarnation": 0}),
        ('labels["k"]', "at most 253 characters", {"labels": {"k": "v" * 254}}),
    ],
)
async def test_a_bad_heartbeat_names_its_field_and_changes_nothing(scheduler, resources, field, said, change):
    for name in ("capacity", "reserved"):
        if change.get(name):
            change = {name: resources(*change[name])}
    with pytest.raises(InvalidArgument, match=said) as caught:
        await scheduler.agent("n1").HeartbeatNode(scheduler.heartbeat(**{"name": "n1", **change}))
    assert [one.field for one in caught.value.violations] == [field]
    assert await names(scheduler) == []


@pytest.mark.parametrize(
    "change",
    [{"description": "a\0b"}, {"labels": {"k": "v\0"}}, {"taints": [{"key": "k\0"}]}],
    ids=lambda change: next(iter(change)),
)
async def test_a_text_that_the_database_cannot_hold_is_refused_wherever_it_stands(scheduler, change):
    with pytest.raises(InvalidArgument, match="NUL"):
        await scheduler.beat("n1", **change)
    for ask in (get(scheduler, "n\0"), drain(scheduler, "n\0"), names(scheduler, 'name = "n\0"')):
        with pytest.raises(InvalidArgument, match="NUL"):
            await ask
    assert await names(scheduler) == []


async def test_nodes_are_paged_by_name_without_gap_or_repeat(scheduler):
    for number in range(7):
        await scheduler.beat(f"n{number}")
    stub = scheduler.nodes()
    seen, token = [], ""
    while True:
        answer = await stub.ListNodes(ListNodesRequest(page_size=3, page_token=token))
        seen.append([node.name for node in answer.nodes])
        token = answer.next_page_token
        if not token:
            break
    assert seen == [["n0", "n1", "n2"], ["n3", "n4", "n5"], ["n6"]]


async def test_nodes_are_filtered_by_what_the_proto_lists(scheduler):
    await scheduler.beat("a1", region="eu", availability_zone="eu-1", labels={"disk": "ssd"})
    await scheduler.beat("a2", region="eu", availability_zone="eu-2")
    await scheduler.beat("b1", region="us", labels={"disk": "hdd"})
    await drain(scheduler, "a2")
    await scheduler.lapse("b1")
    assert await names(scheduler, 'region = "eu" AND name = "a*"') == ["a1", "a2"]
    assert await names(scheduler, "availability_zone = eu-2") == ["a2"]
    assert await names(scheduler, "labels.disk = ssd") == ["a1"]
    assert await names(scheduler, "status = ready") == ["a1"]
    assert await names(scheduler, "status = NODE_STATUS_NOT_READY") == ["b1"]
    assert await names(scheduler, "status != maintenance") == ["a1", "b1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("status = running", "one of ready, not_ready, unknown, maintenance"),
        ("status > ready", "compared by = or !="),
        ("colour = red", "fields are availability_zone, name, region, status, labels.KEY"),
        ("name n1", "a filter is"),
        ("x" * 3000, "at most 2048"),
    ],
)
async def test_a_filter_that_means_nothing_is_refused(scheduler, text, said):
    with pytest.raises(InvalidArgument, match=said) as caught:
        await names(scheduler, text)
    assert [one.field for one in caught.value.violations] == ["filter"]


async def test_a_page_token_of_another_list_or_nobody_is_refused(scheduler):
    for number in range(3):
        await scheduler.beat(f"n{number}")
    stub = scheduler.nodes()
    token = (await stub.ListNodes(ListNodesRequest(page_size=1))).next_page_token
    for request in (
        ListNodesRequest(page_token=token, filter="region = eu"),
        ListNodesRequest(page_token="forged"),
        ListNodesRequest(page_token=token[:-4]),
    ):
        with pytest.raises(InvalidArgument, match="not a token of this list"):
            await stub.ListNodes(request)
    with pytest.raises(InvalidArgument, match="not a token of this list"):
        await stub.ListClusters(ListClustersRequest(page_token=token))
    with pytest.raises(InvalidArgument, match="page_size"):
        await stub.ListNodes(ListNodesRequest(page_size=1001))


async def test_clusters_come_with_their_first_node_and_count_what_is_in_them(scheduler):
    beats = [scheduler.beat(f"n{number}", cluster="east" if number % 2 else "") for number in range(10)]
    await asyncio.gather(*beats)
    stub = scheduler.nodes()
    first = await stub.ListClusters(ListClustersRequest(page_size=1))
    second = await stub.ListClusters(ListClustersRequest(page_size=1, page_token=first.next_page_token))
    found = [*first.clusters, *second.clusters]
    assert [(one.name, one.node_count) for one in found] == [("default", 5), ("east", 5)]
    assert second.next_page_token == ""
    assert (await get(scheduler, "n1")).cluster_id == found[1].cluster_id
    await scheduler.beat("n1", cluster="default")
    assert (await get(scheduler, "n1")).cluster_id == found[0].cluster_id


async def test_only_who_may_read_nodes_lists_them(scheduler):
    with pytest.raises(PermissionDenied, match="node:read"):
        await scheduler.nodes("vm:read").ListNodes(ListNodesRequest())
    with pytest.raises(PermissionDenied):
        await scheduler.nodes("*:*").HeartbeatNode(scheduler.heartbeat("n1"))


async def test_metadata_of_a_refusal_fits_its_headers_whatever_was_asked(scheduler):
    await scheduler.beat("n1")
    labels = {f"{number}{'k' * 250}": "v" * 253 for number in range(64)}
    with pytest.raises(NoCapacity, match="1 without the labels 0k") as caught:
        await scheduler.reserve(node_labels=labels)
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
