"""The choice made of all nodes at once is the choice made of them one by one."""

from dataclasses import replace
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from novacron_scheduler import placement
from novacron_scheduler.batch import plan
from novacron_scheduler.inventory.classes import Classes
from novacron_scheduler.inventory.columns import Columns
from novacron_scheduler.inventory.ranking import can_rank, rank
from novacron_scheduler.node import NodeStatus, NodeType
from novacron_scheduler.placement import Offer
from novacron_scheduler.policy import AffinityRule, Guideline, PlacementConstraints, PlacementPreferences, directive
from novacron_scheduler.policy import PlacementRules as Rules
from novacron_scheduler.reservation import Demand
from novacron_scheduler.resources import EVEN, Ratios, Resources

# Few words and small amounts: nodes are alike, scores are equal, and every filter has something to do.
WORDS = ["", "a", "b"]
TYPES = [NodeType.COMPUTE] * 4 + list(NodeType)
STATES = [NodeStatus.READY] * 6 + list(NodeStatus)
NOTHING = Resources()
# Worlds are made of a seed: drawn word by word they would cost a second each.
WORLDS = st.integers(0, 2**32).map(Random)


def some(of, most):
    return [of.choice(WORDS) for _ in range(of.randint(0, most))]


def labels(of):
    return {key: of.choice(WORDS) for key in ("disk", "rack") if of.random() < 0.4}


def taints(of, likely):
    return tuple((key, of.choice(WORDS)) for key in ("only", "old") if of.random() < likely)


def amounts(of, *most):
    return Resources(*(of.randint(0, limit) for limit in most))


def offer(of, name):
    allocatable, allocated = amounts(of, 12, 12, 8, 3, 2), amounts(of, 6, 6, 4, 1, 1)
    return Offer(
        node_id=UUID(int=of.getrandbits(128)),
        name=name,
        generation=of.randint(1, 3),
        status=of.choice(STATES),
        node_type=of.choice(TYPES),
        hypervisor_types=of.choice([["kvm"], ["kvm", "xen"], ["xen"]]),
        region=of.choice(WORDS),
        availability_zone=of.choice(WORDS),
        labels=labels(of),
        taints=taints(of, 0.1),
        gpu_type=of.choice(WORDS),
        free=allocatable.minus(allocated),
        allocatable=allocatable,
        capacity=amounts(of, 12, 12, 8, 3, 2) if of.random() < 0.3 else allocatable,
        failures=of.choice([0, 0, 0, 1, 2, 5]),
    )


def inventory(of):
    return [offer(of, f"n{number}") for number in range(of.choice([0, 1, 5, 40, 80]))]


def guideline(of):
    return Guideline(
        "policy",
        Rules(
            strategy=of.choice([None, "spread", "binpack"]),
            spread_over=of.choice([None, None, "availability_zone", "region"]),
        ),
        PlacementConstraints(regions=tuple(filter(None, some(of, 2))), node_labels=labels(of)),
        PlacementPreferences(node_labels=labels(of)),
        tuple(rule(of) for _ in range(of.choice([0, 0, 1, 2]))),
    )


def rule(of):
    return AffinityRule(
        kind=of.choice(["affinity", "anti_affinity"]),
        group=of.choice(["", "web"]),
        over=of.choice(["node", "availability_zone"]),
    )


def neighbours(of, places, likely=0.5):
    """How many VMs of each group are where."""
    return {group: {place: of.randint(0, 2) for place in places if of.random() < likely} for group in ("", "web")}


def demand_for(of, nodes):
    names = [one.name for one in nodes] + [str(one.node_id) for one in nodes]
    policies = [guideline(of) for _ in range(of.choice([0, 0, 1, 2]))]
    said = replace(
        directive(policies, tuple(of.choice([[], ["web"]]))),
        by_node=neighbours(of, [str(one.node_id) for one in nodes[:5]]),
        by_zone=neighbours(of, WORDS, 1.0),
        by_region=neighbours(of, WORDS, 1.0),
    )
    return Demand(
        vm_id=UUID(int=of.getrandbits(128)),
        tenant_id=UUID(int=1),
        need=Resources(of.randint(1, 3), of.randint(1, 3), of.randint(0, 2), of.randint(0, 1), of.choice([0, 0, 1])),
        gpu_type=of.choice(["", "", "a"]),
        hypervisor_type=of.choice(["", "", "kvm", "xen"]),
        region=of.choice(["", "", "a"]),
        availability_zone=of.choice(["", "", "a"]),
        node_labels=labels(of) if of.random() < 0.3 else {},
        tolerations=taints(of, 0.5),
        node=of.choice(["nobody", *names]) if of.random() < 0.2 else "",
        weights=of.choice([EVEN, EVEN, Ratios(2.0, 1.5), Ratios(0.25, 1.0, 0.5)]),
        directive=said,
    )


def filled(nodes):
    columns, classes = Columns(), Classes()
    classes.assign(nodes, columns.put(nodes))
    return columns, classes


def both_choose_alike(demand, nodes, columns, classes):
    assert can_rank(demand)
    spelt, quick = placement.rank(demand, list(nodes)), rank(demand, columns, classes)
    assert [one.scored for one in quick.candidates] == [one.scored for one in spelt.candidates]
    assert list(quick.removed_by_filter.items()) == list(spelt.removed_by_filter.items())
    assert (quick.looked_at, quick.fitting) == (spelt.looked_at, spelt.fitting)


@settings(max_examples=120, deadline=None)
@given(WORLDS)
def test_both_choose_the_same_nodes_with_the_same_scores_for_the_same_reasons(of):
    nodes = inventory(of)
    columns, classes = filled(nodes)
    for _ in range(4):
        both_choose_alike(demand_for(of, nodes), nodes, columns, classes)


@settings(max_examples=40, deadline=None)
@given(WORLDS)
def test_a_batch_is_planned_as_if_each_of_it_were_chosen_for_node_by_node(of):
    nodes = inventory(of)
    verdicts = plan([demand_for(of, nodes) for _ in range(5)], nodes, None)
    rooms = {one.node_id: one for one in nodes}
    for verdict in verdicts:
        spelt = placement.rank(verdict.demand, list(rooms.values()))
        assert [one.scored for one in verdict.ranking.candidates] == [one.scored for one in spelt.candidates]
        assert verdict.ranking.removed_by_filter == spelt.removed_by_filter
        if spelt.candidates:
            node_id = spelt.candidates[0].offer.node_id
            rooms[node_id] = replace(rooms[node_id], free=rooms[node_id].free.minus(verdict.demand.footprint))


def test_of_nodes_that_are_all_alike_both_take_the_same_ten():
    of = Random(7)
    one = offer(of, "n")
    alike = replace(one, status=NodeStatus.READY, node_type=NodeType.COMPUTE, taints=())
    ids = (UUID(int=of.getrandbits(128)) for _ in range(300))
    nodes = [replace(alike, node_id=node_id, name=str(node_id)) for node_id in ids]
    columns, classes = filled(nodes)
    for _ in range(10):
        demand = Demand(UUID(int=of.getrandbits(128)), UUID(int=1), Resources(1, 1))
        both_choose_alike(demand, nodes, columns, classes)


@settings(max_examples=60, deadline=None)
@given(WORLDS)
def test_they_still_do_when_nodes_have_come_changed_and_gone_and_claims_are_on_their_way(of):
    nodes = {one.node_id: one for one in inventory(of)}
    columns, classes = filled(list(nodes.values()))
    demand = demand_for(of, list(nodes.values()))
    both_choose_alike(demand, nodes.values(), columns, classes)
    for number in range(of.randint(0, 5)):
        one = offer(of, f"m{number}")
        known = of.choice([None, *nodes.values()])
        if known is not None:
            one = replace(one, node_id=known.node_id, name=known.name)
        nodes[one.node_id] = one
        classes.assign([one], columns.put([one]))
    for node_id in of.sample(list(nodes), min(3, len(nodes))):
        if of.random() < 0.3:
            del nodes[node_id]
            columns.keep_only(nodes)
            classes.begin_anew(columns.offers)
        else:
            columns.hold(node_id, demand.footprint)
            if of.random() < 0.5:
                columns.let_go(node_id, demand.footprint)
            else:
                nodes[node_id] = replace(nodes[node_id], free=nodes[node_id].free.minus(demand.footprint))
    both_choose_alike(demand, nodes.values(), columns, classes)


def test_rules_that_must_hold_between_vms_and_moves_are_left_to_the_choice_one_by_one():
    demand = Demand(UUID(int=1), UUID(int=2), Resources(1, 1))
    assert can_rank(demand)
    assert not can_rank(replace(demand, leaves=UUID(int=3)))
    for required in (True, False):
        rules = (AffinityRule(kind="affinity", required=required),)
        near = Guideline("near", Rules(), PlacementConstraints(), PlacementPreferences(), rules)
        assert can_rank(replace(demand, directive=directive([near], ()))) is not required
