"""Who gives way to a VM for which there is no room: the choice, without a database."""

from dataclasses import replace
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from novacron_scheduler import placement
from novacron_scheduler.node import NodeStatus, NodeType
from novacron_scheduler.placement import Offer
from novacron_scheduler.policy import Guideline, directive
from novacron_scheduler.preemption import Holder, choose
from novacron_scheduler.reservation import Demand
from novacron_scheduler.resources import Resources

TENANT, OTHER = UUID(int=1), UUID(int=2)
URGENT = directive([Guideline.read("urgent", {"preempts": "lower_priority"}, {}, {}, [])], ())
WHOLE = Resources(8, 8192, 100)


def node(number=1, free=None, **changes):
    said = Offer(
        node_id=UUID(int=number),
        name=f"n{number}",
        generation=1,
        status=NodeStatus.READY,
        node_type=NodeType.COMPUTE,
        hypervisor_types=["kvm"],
        region="",
        availability_zone="",
        labels={},
        taints=(),
        gpu_type="",
        free=Resources(*(free or (0, 0, 0))),
        allocatable=WHOLE,
        capacity=WHOLE,
    )
    return replace(said, **changes)


def demand(cpu=1, priority=10, **changes):
    asked = Demand(UUID(int=9), TENANT, Resources(cpu, 1, 1), priority=priority, waits=True, directive=URGENT)
    return replace(asked, **changes)


def holder(name, cpu=1, priority=0, on=1, tenant=TENANT):
    return Holder(uuid4(), name, tenant, UUID(int=on), priority, Resources(cpu, cpu, cpu))


def names(made):
    return [one.name for one in made.yielding] if made else None


def test_the_lowest_gives_way_and_nobody_who_could_be_spared():
    holders = [holder("low", priority=-5), holder("zero"), holder("nine", priority=9)]
    assert names(choose(demand(), [node()], holders)) == ["low"]
    assert names(choose(demand(2), [node()], holders)) == ["zero", "low"]
    assert names(choose(demand(2), [node(free=(1, 1, 1))], holders)) == ["low"]


def test_of_one_priority_as_few_as_can_be_give_way():
    holders = [holder("a"), holder("b"), holder("large", 4), holder("c"), holder("d")]
    assert names(choose(demand(4), [node()], holders)) == ["large"]


def test_the_node_is_taken_whose_highest_vm_is_the_lowest_then_where_the_fewest_go_then_where_the_least_is_freed():
    nodes = [node(1), node(2)]
    two_low = [holder("one", 2, 5), holder("low", on=2), holder("low", on=2)]
    assert names(choose(demand(2), nodes, two_low)) == ["low", "low"]
    assert names(choose(demand(2), nodes, [holder("a"), holder("b"), holder("one", 2, on=2)])) == ["one"]
    assert names(choose(demand(2), nodes, [holder("large", 4), holder("small", 2, on=2)])) == ["small"]


def test_only_what_is_missing_is_taken_over_and_the_rest_stays_with_those_who_leave():
    asked = demand(3)
    made = choose(asked, [node(free=(1, 0, 50))], [holder("a", 2), holder("b", 1, 5)])
    shares = made.taken_over(asked)
    assert [shares[one.vm_id] for one in made.yielding] == [Resources(2, 1, 0)]
    shrunk = choose(asked, [node(free=(-1, 0, 50))], [holder("a", 2), holder("b", 2, 5)])
    given = [shrunk.taken_over(asked)[one.vm_id] for one in shrunk.yielding]
    assert given == [Resources(2, 1, 0), Resources(2, 0, 0)], "a node that shrank lacks that too"


def test_nobody_gives_way_without_the_policy_or_to_a_caller_that_does_not_wait_or_to_a_move():
    low = [holder("low")]
    assert choose(demand(), [node()], low) is not None
    assert choose(demand(directive=directive([], ())), [node()], low) is None
    assert choose(demand(waits=False), [node()], low) is None
    assert choose(demand(move_id=uuid4()), [node()], low) is None


def test_a_policy_of_groups_lets_only_their_vms_preempt():
    guideline = Guideline.read("urgent", {"preempts": "lower_priority", "groups": ["web"]}, {}, {}, [])
    assert choose(demand(directive=directive([guideline], ("web",))), [node()], [holder("low")])
    assert choose(demand(directive=directive([guideline], ("db",))), [node()], [holder("low")]) is None


def test_every_filter_but_room_holds_as_ever():
    low = [holder("low")]
    assert choose(demand(), [node(status=NodeStatus.MAINTENANCE)], low) is None
    assert choose(demand(hypervisor_type="xen"), [node()], low) is None
    assert choose(demand(node="n2"), [node()], low) is None
    assert choose(demand(9), [node(allocatable=Resources(99, 99, 99))], [holder("low", 9)]) is None, (
        "larger than the host"
    )


NODES = st.lists(st.integers(1, 4), min_size=1, max_size=4, unique=True)
AMOUNTS = st.tuples(*[st.integers(0, 3)] * 3).map(lambda amounts: Resources(*amounts))
HOLDERS = st.lists(
    st.builds(
        Holder,
        vm_id=st.integers(0, 10**6).map(lambda number: UUID(int=number)),
        name=st.just(""),
        tenant_id=st.sampled_from([TENANT, OTHER]),
        node_id=st.integers(1, 4).map(lambda number: UUID(int=number)),
        priority=st.integers(-2, 4),
        footprint=AMOUNTS,
    ),
    max_size=12,
    unique_by=lambda one: one.vm_id,
)


@given(st.data(), NODES, HOLDERS, AMOUNTS, st.integers(-2, 4))
def test_nobody_gives_way_who_is_as_high_or_anothers_or_could_be_spared(data, numbers, holders, need, priority):
    nodes = [node(number, free=data.draw(AMOUNTS)) for number in numbers]
    asked = demand(priority=priority, need=need)
    made = choose(asked, nodes, holders)
    lower = {one.vm_id for one in holders if one.tenant_id == TENANT and one.priority < priority}
    if made is None:
        for offer in nodes:
            room = offer.free
            for one in (one for one in holders if one.vm_id in lower and one.node_id == offer.node_id):
                room = room.plus(one.footprint)
            assert not room.covers(need) or offer.free.covers(need), "somebody could have given way"
        return
    assert {one.vm_id for one in made.yielding} <= lower
    assert {one.node_id for one in made.yielding} == {made.offer.node_id}
    freed = [one.footprint for one in made.yielding]
    for spared in range(len(freed)):
        room = made.offer.free
        for number, amounts in enumerate(freed):
            room = room.plus(amounts) if number != spared else room
        assert not room.covers(need), "one of them could have been spared"
    shares = made.taken_over(asked)
    given = made.offer.free
    for one in made.yielding:
        assert one.footprint.covers(shares[one.vm_id])
        given = given.plus(shares[one.vm_id])
    assert given.covers(need), "together they give what is missing"
    assert all(have <= max(wanted, free) for have, wanted, free in zip(given, need, made.offer.free, strict=True)), (
        "and no more"
    )
    assert made == choose(asked, list(reversed(nodes)), list(reversed(holders))), "whoever asks, and in whatever order"
    assert placement.rank(asked, [made.offer]).candidates == ()
