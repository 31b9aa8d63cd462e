"""The choice and its words, without a database."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from novacron_scheduler import explanation, placement
from novacron_scheduler.node import NodeStatus, NodeType
from novacron_scheduler.placement import Offer
from novacron_scheduler.remedy import remedies
from novacron_scheduler.reservation import Demand
from novacron_scheduler.resources import Ratios, Resources


def offer(name="n1", free=None, **changes):
    said = Offer(
        node_id=uuid4(),
        name=name,
        generation=1,
        status=NodeStatus.READY,
        node_type=NodeType.COMPUTE,
        hypervisor_types=["kvm"],
        region="eu",
        availability_zone="eu-1",
        labels={},
        taints=(),
        gpu_type="",
        free=Resources(8, 16384, 500),
        allocatable=Resources(8, 16384, 500),
        capacity=Resources(8, 16384, 500),
    )
    return replace(said, **(changes | ({"free": free} if free else {})))


def demand(*amounts, **conditions):
    return Demand(vm_id=uuid4(), tenant_id=uuid4(), need=Resources(*(amounts or (1, 1024, 10))), **conditions)


def first(wanted, *offers):
    return placement.rank(wanted, offers).candidates[0].offer.name


@pytest.mark.parametrize(
    ("reason", "conditions", "node"),
    [
        ("maintenance", {}, {"status": NodeStatus.MAINTENANCE}),
        ("not_ready", {}, {"status": NodeStatus.NOT_READY}),
        ("not_ready", {}, {"status": NodeStatus.UNKNOWN}),
        ("node_type", {}, {"node_type": NodeType.NETWORK}),
        ("hypervisor_type", {"hypervisor_type": "xen"}, {}),
        ("region", {"region": "us"}, {}),
        ("availability_zone", {"availability_zone": "eu-2"}, {}),
        ("labels", {"node_labels": {"disk": "ssd"}}, {"labels": {"disk": "hdd"}}),
        ("labels", {"node_labels": {"disk": "ssd"}}, {}),
        ("taints", {}, {"taints": (("only", "gpu"),)}),
        ("taints", {"tolerations": (("only", "cpu"),)}, {"taints": (("only", "gpu"),)}),
        ("gpu_type", {"gpu_type": "a100"}, {"gpu_type": "l4"}),
        ("resources", {}, {"free": Resources(8, 1023, 500)}),
    ],
)
def test_each_filter_removes_what_it_is_for_and_counts_it(reason, conditions, node):
    ranking = placement.rank(demand(**conditions), [offer(**node), offer("good", labels={"disk": "ssd"})])
    assert ranking.removed_by_filter[reason] >= 1
    assert "n1" not in [one.offer.name for one in ranking.candidates]


def test_a_node_is_counted_once_for_the_first_reason():
    bad = offer(status=NodeStatus.MAINTENANCE, region="us", free=Resources(0, 0, 0))
    ranking = placement.rank(demand(region="eu"), [bad, bad, offer("n2", region="us")])
    assert ranking.removed_by_filter == {"maintenance": 2, "region": 1}
    assert (ranking.looked_at, ranking.fitting) == (3, 0)


def test_conditions_that_hold_let_a_node_pass():
    node = offer(taints=(("only", "gpu"),), labels={"disk": "ssd", "more": "x"}, gpu_type="l4")
    wanted = demand(
        tolerations=(("only", "gpu"), ("other", "")),
        node_labels={"disk": "ssd"},
        hypervisor_type="kvm",
        region="eu",
        availability_zone="eu-1",
        gpu_type="l4",
    )
    assert first(wanted, node) == "n1"


def test_vms_spread_to_the_node_with_the_most_room():
    assert first(demand(), offer("full", Resources(2, 4096, 100)), offer("empty")) == "empty"


def test_the_scarcest_dimension_that_is_asked_for_counts_and_no_other():
    short_of_disk = offer("short-of-disk", Resources(8, 16384, 20))
    half_full = offer("half-full", Resources(4, 8192, 250))
    assert first(demand(1, 1024, 10), short_of_disk, half_full) == "half-full"
    assert first(demand(1, 1024, 0), short_of_disk, half_full) == "short-of-disk"


def test_what_would_strand_memory_or_cpu_is_avoided():
    lopsided = offer("lopsided", Resources(8, 4096, 500))
    even = offer("even", Resources(4, 8192, 500))
    assert first(demand(1, 1024, 0), lopsided, even) == "even"


def test_vms_without_gpus_stay_off_nodes_with_free_ones():
    has = Resources(8, 16384, 500, 0, 2)
    gpu = offer("gpu", has, allocatable=has, capacity=has)
    plain = offer("plain", Resources(2, 4096, 100))
    assert first(demand(), gpu, plain) == "plain"
    assert first(demand(1, 1024, 10, 0, 1), gpu, plain) == "gpu"


def test_equal_nodes_take_turns_by_the_vm_and_the_same_vm_always_gets_the_same():
    nodes = [offer(f"n{number}") for number in range(8)]
    vms = [demand() for _ in range(100)]
    chosen = [first(vm, *nodes) for vm in vms]
    assert len(set(chosen)) == 8
    assert chosen == [first(vm, *reversed(nodes)) for vm in vms]


def test_scores_are_between_nothing_and_the_sum_of_their_weights_and_ten_are_kept_best_first():
    nodes = [offer(f"n{number}", Resources(number + 1, 16384 // (number + 1), 500)) for number in range(8)]
    ranking = placement.rank(demand(1, 512, 1), nodes * 3)
    scores = [one.scored.score for one in ranking.candidates]
    assert (ranking.fitting, len(scores)) == (24, placement.KEPT_CANDIDATES)
    assert scores == sorted(scores, reverse=True)
    weights = sum(weight for weight, _ in placement.SCORES.values())
    assert all(0 <= score <= weights for score in scores)


def test_what_is_allocatable_is_rounded_down_and_gpus_are_never_promised_twice():
    ratios = Ratios(cpu_cores=1.5, memory_mib=1.1)
    assert ratios.allocatable(Resources(5, 1001, 10, 100, 2), Resources(2, 0, 1)) == Resources(4, 1101, 9, 100, 2)


def test_a_digest_tells_demands_apart_and_ignores_the_order_of_labels():
    ids = {"vm_id": uuid4(), "tenant_id": UUID(int=7)}
    one = Demand(**ids, need=Resources(1, 2), node_labels={"a": "1", "b": "2"}, tolerations=(("k", "v"), ("a", "b")))
    same = replace(one, node_labels={"b": "2", "a": "1"}, tolerations=(("a", "b"), ("k", "v")))
    assert one.digest() == same.digest()
    changed = [{"need": Resources(2, 2)}, {"region": "eu"}, {"tenant_id": uuid4()}, {"tolerations": ()}]
    assert len({one.digest(), *(replace(one, **change).digest() for change in changed)}) == 5


def told(wanted, *offers):
    return explanation.refused(wanted, placement.rank(wanted, offers), remedies(wanted, offers))


def test_a_refusal_for_lack_of_room_names_the_closest_nodes_what_they_lack_and_what_would_fit():
    nodes = [
        offer("n1", Resources(2, 16384, 500)),
        offer("n2", Resources(3, 7168, 500)),
        offer("n3", status=NodeStatus.NOT_READY),
        offer("n4", status=NodeStatus.MAINTENANCE),
        offer("n5", status=NodeStatus.NOT_READY),
    ]
    assert told(demand(4, 8192, 10), *nodes) == (
        "no node takes 4 vCPU, 8192 MiB memory, 10 GiB storage"
        " (5 nodes: 1 in maintenance, 2 not ready (no heartbeat), 2 short of room); the closest, n2,"
        " lacks 1 vCPU (free: 3 of 8) and 1024 MiB memory (free: 7168 of 16384), then n1, lacks 2 vCPU (free: 2 of 8):"
        " it would fit with 1 vCPU and 1024 MiB memory less (n2), with node n4 out of maintenance, or with node n3 heard again"
    )


def test_a_refusal_for_its_conditions_says_which():
    wanted = demand(1, 64, hypervisor_type="xen", node_labels={"disk": "ssd", "rack": "r7"})
    assert told(wanted, offer("n1"), offer("n2", hypervisor_types=["xen"])) == (
        "no node takes 1 vCPU, 64 MiB memory (2 nodes: 1 without the hypervisor xen, 1 without the labels disk=ssd, rack=r7):"
        " it would fit without the label disk=ssd, rack=r7 (n2)"
    )


def test_a_refusal_without_nodes_says_how_to_get_one():
    assert told(demand(2, 512, 0, 0, 1, gpu_type="a100")) == (
        "no node takes 2 vCPU, 512 MiB memory, 1 GPU of the type a100: none is registered;"
        " start an agent, and `novacron node list` shows it"
    )


def test_a_choice_says_its_score_its_factors_and_what_it_was_chosen_from():
    wanted = demand(2, 4096, 0, region="eu")
    ranking = placement.rank(wanted, [offer("n1"), offer("n2", Resources(4, 8192, 0)), offer("n3", region="us")])
    assert [explanation.chosen(wanted, ranking, one) for one in ranking.candidates] == [
        "n1: score 3.25 (headroom 0.75, balance 0.50, gpu_kept 1.00, reliability 1.00),"
        " the best of 2 that fit (3 nodes: 1 outside the region eu)",
        "n2: score 2.75 (headroom 0.25, balance 0.50, gpu_kept 1.00, reliability 1.00),"
        " number 2 of 2 that fit (3 nodes: 1 outside the region eu); those before it filled up meanwhile",
    ]
