"""Rebalance proposals: what they gain, what they never do, and that both solvers are measured against every possibility."""

from dataclasses import replace
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novacron.errors import InvalidArgument
from novacron_scheduler.node import NodeStatus, NodeType
from novacron_scheduler.placement import Offer
from novacron_scheduler.policy import Directive, Guideline
from novacron_scheduler.rebalance import best_fit, highs
from novacron_scheduler.rebalance.policy import Kind, Policy
from novacron_scheduler.rebalance.problem import Problem
from novacron_scheduler.rebalance.proposal import propose
from novacron_scheduler.rebalance.snapshot import Held, Host, Load, Snapshot
from novacron_scheduler.reservation import Demand
from novacron_scheduler.resources import Resources

TENANT = UUID(int=1)
SIZE = Resources(16, 64, 100)


def vm(number, cores, node, load=None, movable=True, **conditions):
    need = Resources(cores, 2 * cores, cores)
    demand = Demand(UUID(int=1000 + number), TENANT, need, **conditions)
    return Held(demand, UUID(int=node), Load(cores if load is None else load, 2.0 * cores), movable)


def snapshot(count, *held, **changes):
    """``count`` hosts n1, n2 ... of 16 vCPUs; ``n2={"taints": ...}`` changes one."""
    hosts = []
    for number in range(1, count + 1):
        needs = [one.demand.need for one in held if one.node_id == UUID(int=number)]
        used = Resources(*map(sum, zip(*needs, strict=True))) if needs else Resources()
        offer = Offer(
            node_id=UUID(int=number),
            name=f"n{number}",
            generation=1,
            status=NodeStatus.READY,
            node_type=NodeType.COMPUTE,
            hypervisor_types=["kvm"],
            region="eu",
            availability_zone="eu-1",
            labels={},
            taints=(),
            gpu_type="",
            free=SIZE.minus(used),
            allocatable=SIZE,
            capacity=SIZE,
        )
        hosts.append(Host(replace(offer, **changes.get(offer.name, {})), SIZE))
    return Snapshot(hosts, held)


HOT = Policy(Kind.HOTSPOT)
EMPTY = Policy(Kind.CONSOLIDATION)


def goes(proposal):
    return [(move.vm_id.int - 1000, move.target_node_id.int) for move in proposal.moves]


def test_a_hot_node_is_cooled_with_as_few_moves_as_do():
    proposed = propose(snapshot(2, vm(1, 5, 1), vm(2, 5, 1), vm(3, 5, 1), vm(4, 2, 2)), HOT)
    assert len(proposed.moves) == 1
    assert proposed.moves[0].target_node_id.int == 2
    assert proposed.moves[0].gain == pytest.approx(15 / 16 - 0.8 - 0.01)
    assert proposed.moves[0].reason == (
        "n1 is at 94% of its CPU; without this VM's 5.0 cores it is at 62%; n2 has room for it"
    )
    assert proposed.explanation == "1 nodes are above 80% of what they have; after 1 moves 0 would be"
    assert proposed.solver == "highs"


def test_heat_is_measured_load_and_not_claims():
    full_and_idle = snapshot(2, vm(1, 8, 1, load=1), vm(2, 8, 1, load=1))
    assert propose(full_and_idle, HOT).explanation == "no node is above 80% of what it has"
    assert propose(full_and_idle, HOT).moves == ()


def test_the_node_with_the_fewest_vms_is_emptied_into_what_is_already_used():
    proposed = propose(snapshot(3, vm(1, 4, 1), vm(2, 2, 2), vm(3, 2, 2)), EMPTY)
    assert goes(proposed) == [(1, 2)], "one move does it; n3 has no VMs and would gain none"
    assert proposed.moves[0].reason == "n1 is empty once its 1 VMs have left; n2 has room for it"
    assert proposed.explanation == "1 of 3 nodes would be emptied by 1 moves"


def test_a_node_is_emptied_whole_or_left_alone():
    proposed = propose(
        snapshot(2, vm(1, 2, 1), vm(2, 4, 1, movable=False), vm(3, 2, 2), vm(4, 12, 2, movable=False)), EMPTY
    )
    assert proposed.moves == ()
    assert proposed.explanation == "no node can be emptied"


def test_a_consolidation_fills_no_node_beyond_its_share():
    crowded = snapshot(2, vm(1, 2, 1), vm(2, 13, 2))
    assert propose(crowded, EMPTY).moves == ()
    assert len(propose(crowded, replace(EMPTY, full_share=1.0)).moves) == 1


def test_a_move_needs_its_new_place_before_the_old_one_is_free():
    full = snapshot(2, vm(1, 16, 1), vm(2, 8, 2, load=1), vm(3, 8, 2, load=1))
    assert propose(full, HOT).moves == (), "a swap would cool n1 in the end, and hold more than there is meanwhile"


@pytest.mark.parametrize("solver", [highs.solve, best_fit.solve])
@pytest.mark.parametrize("policy", [HOT, EMPTY], ids=lambda policy: policy.kind)
def test_vms_that_must_stay_apart_do_not_move_in_one_proposal(policy, solver):
    apart = Guideline.read("apart", {}, {}, {}, [{"kind": "anti_affinity", "group": "db", "required": True}])
    directive = Directive((apart,), ("db",))
    held = [vm(1, 7, 1), vm(2, 8, 1), vm(3, 7, 2), vm(4, 8, 2), vm(5, 1, 3), vm(6, 1, 4), vm(7, 1, 4, movable=False)]
    held = [*held[4 if policy.kind is Kind.CONSOLIDATION else 0 :], vm(8, 1, 5)]
    free = snapshot(5, *held)
    bound = snapshot(5, *(replace(one, demand=replace(one.demand, directive=directive)) for one in held))
    assert len(propose(free, replace(policy, full_share=1.0), solver).moves) >= 2
    assert len(propose(bound, replace(policy, full_share=1.0), solver).moves) == 1


@pytest.mark.parametrize("solver", [highs.solve, best_fit.solve])
def test_a_node_takes_no_more_vms_than_are_free_on_it_together(solver):
    there = snapshot(2, *(vm(number, 5, 1, load=3) for number in range(5)), n2={"free": Resources(9, 64, 100)})
    assert len(propose(there, replace(HOT, hot_share=0.3), solver).moves) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"taints": (("dedicated", "db"),)},
        {"status": NodeStatus.MAINTENANCE},
        {"status": NodeStatus.NOT_READY},
        {"node_type": NodeType.STORAGE},
        {"region": "us"},
        {"free": Resources(4, 64, 100)},
    ],
    ids=lambda change: "_".join(change),
)
@pytest.mark.parametrize("policy", [HOT, EMPTY], ids=lambda policy: policy.kind)
def test_no_move_goes_where_a_new_vm_could_not(policy, changes):
    there = snapshot(2, vm(1, 15, 1, region="eu"), vm(2, 1, 2, movable=False), n2=changes)
    assert propose(there, policy).moves == ()


def test_a_vm_that_is_held_by_a_saga_or_pinned_stays():
    assert propose(snapshot(2, vm(1, 15, 1, movable=False)), HOT).moves == ()
    pinned = vm(1, 15, 1)
    pinned = replace(pinned, demand=replace(pinned.demand, node="n1"))
    assert propose(snapshot(2, pinned), HOT).moves == ()


def test_best_fit_stands_in_when_the_solver_finds_nothing_or_something_worse_or_wrong():
    there = snapshot(2, vm(1, 10, 1), vm(2, 5, 1))
    wrong = ({0: 1, 1: 0}, {1: 5}, {}, None)
    for answer in wrong:
        proposed = propose(there, HOT, solver=lambda _, answer=answer: answer)
        assert proposed.solver == "best-fit"
        assert len(proposed.moves) == 1


def test_moves_that_empty_nothing_are_left_out_of_what_a_solver_found():
    there = snapshot(3, vm(1, 2, 1), vm(2, 2, 2), vm(3, 2, 2), vm(4, 2, 3), vm(5, 2, 3))
    proposed = propose(there, EMPTY, solver=lambda _: {0: 1, 3: 1})
    assert proposed.solver == "best-fit" or goes(proposed) == [(1, 2)]
    assert proposed.gain == pytest.approx(sum(move.gain for move in proposed.moves))


def test_a_time_limit_is_kept():
    held = [vm(number, 1 + number % 3, 1 + number % 20, load=3) for number in range(100)]
    proposed = propose(snapshot(30, *held), replace(HOT, time_limit_seconds=0.05))
    assert proposed.gain > 0


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("most_moves", 0, "most_moves: must be 1 to 1000: each is a live migration"),
        ("hot_share", 1.5, "hot_share: must be above 0 and at most 1"),
        ("cost_of_a_move", 0.0, "moves to no use are as good as none"),
        ("time_limit_seconds", 0.0, "time_limit_seconds: must be above 0 and at most 60"),
    ],
)
def test_a_policy_that_nobody_can_want_is_refused(field, value, says):
    with pytest.raises(InvalidArgument, match=says):
        propose(snapshot(1), replace(HOT, **{field: value}))


def test_a_snapshot_that_contradicts_itself_is_refused():
    with pytest.raises(InvalidArgument, match="has VMs on nodes that it does not have"):
        propose(Snapshot(snapshot(1).hosts, [vm(1, 1, 9)]), HOT)
    with pytest.raises(InvalidArgument, match="names a node or a VM twice"):
        propose(Snapshot(snapshot(1).hosts, [vm(1, 1, 1), vm(1, 1, 1)]), HOT)


@st.composite
def problems(draw, hosts=3, vms=5):
    """Hosts that may be over their limits, tainted, or in maintenance already: a proposal makes nothing worse."""
    count = draw(st.integers(1, hosts))
    held = [
        vm(
            number,
            draw(st.integers(1, 9)),
            draw(st.integers(1, count)),
            load=draw(st.sampled_from([None, 0, 2.5, 7])),
            movable=draw(st.integers(0, 5)) > 0,
            tolerations=draw(st.sampled_from([(), (("a", "b"),)])),
        )
        for number in range(draw(st.integers(0, vms)))
    ]
    odd = draw(st.sampled_from([{}, {}, {"taints": (("a", "b"),)}, {"status": NodeStatus.MAINTENANCE}]))
    policy = Policy(
        draw(st.sampled_from(Kind)),
        most_moves=draw(st.integers(1, 4)),
        hot_share=draw(st.sampled_from([0.3, 0.5, 0.8])),
        time_limit_seconds=20,
    )
    return snapshot(count, *held, n1=odd), policy


def best_of_all(problem):
    choices = [(None, *problem.targets.get(vm, ())) for vm in range(len(problem.held))]
    every = ({vm: to for vm, to in enumerate(one) if to is not None} for one in product(*choices))
    return max(problem.gain(moves) for moves in every if not problem.faults(moves))


@settings(max_examples=120, deadline=None)
@given(problems())
def test_highs_finds_what_trying_everything_finds_and_best_fit_no_more(given_problem):
    problem = Problem.of(*given_problem)
    best = best_of_all(problem)
    found, simple = highs.solve(problem), best_fit.solve(problem)
    assert problem.faults(found) == problem.faults(simple) == []
    assert problem.gain(found) == pytest.approx(best, abs=1e-5)
    assert -1e-9 <= problem.gain(simple) <= best + 1e-9


@settings(max_examples=80, deadline=None)
@given(problems(hosts=5, vms=12), st.sampled_from([highs.solve, best_fit.solve]), st.randoms(use_true_random=False))
def test_whatever_part_of_a_proposal_is_made_no_node_is_above_its_limit(given_problem, solver, random):
    there, policy = given_problem
    proposed = propose(there, policy, solver)
    assert len(proposed.moves) <= policy.most_moves
    assert len({move.vm_id for move in proposed.moves}) == len(proposed.moves)
    assert proposed.gain >= 0
    free = {host.offer.node_id: host.offer.free for host in there.hosts}
    offers = {host.offer.node_id: host.offer for host in there.hosts}
    held = {one.demand.vm_id: one for one in there.held}
    part = random.sample(proposed.moves, random.randint(0, len(proposed.moves)))
    for move in part:  # every claim comes before any release
        one, offer = held[move.vm_id], offers[move.target_node_id]
        assert one.movable
        assert move.source_node_id == one.node_id != move.target_node_id
        assert offer.status == NodeStatus.READY
        assert all(taint in one.demand.tolerations for taint in offer.taints)
        free[move.target_node_id] = free[move.target_node_id].minus(one.demand.need)
        assert min(free[move.target_node_id]) >= 0
