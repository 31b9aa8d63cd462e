"""What is done next while VMs give way to another: a pure function of one look at them."""

from uuid import UUID

from novacron.saga import SagaState
from novacron_vm.preemption import MOST_AT_ONCE, PATIENCE_SECONDS, Patience, Yielder, following, told


def vm(number, state=None, busy=False, **changes):
    return Yielder(UUID(int=number), UUID(int=100 + number), f"vm-{number}", busy, state, **changes)


def names(next_):
    return [one.name for one in next_.begin]


def test_all_give_way_at_once_and_each_once():
    now = following(Patience(), [vm(1), vm(2)])
    assert (names(now), now.trouble) == (["vm-1", "vm-2"], "")
    assert names(following(Patience(), [vm(1, SagaState.RUNNING, busy=True), vm(2)])) == ["vm-2"]


def test_a_vm_that_something_works_on_is_waited_for():
    assert names(following(Patience(), [vm(1, busy=True), vm(2)])) == ["vm-2"]


def test_one_that_could_not_give_way_ends_the_wait_with_its_reason_and_one_that_is_deleted_does_not():
    back = vm(1, SagaState.COMPENSATED, error="the agent of node n1 cannot be reached")
    assert following(Patience(), [back]).trouble == "VM vm-1 could not give way: the agent of node n1 cannot be reached"
    assert not following(Patience(), [vm(1, SagaState.COMPENSATED, busy=True)]).trouble
    assert (
        "could not give way: its preempt-vm turned back"
        in following(Patience(), [vm(1, SagaState.STUCK, True)]).trouble
    )


def test_a_vm_that_nobody_knows_ends_the_wait():
    stranger = Yielder(UUID(int=1), UUID(int=2), "", busy=False)
    assert following(Patience(), [stranger]).trouble.endswith("should give way, and no such VM is known here")


def test_patience_ends_and_so_does_a_saga_that_shall_turn_round():
    tired = following(Patience(waited_seconds=PATIENCE_SECONDS + 1), [vm(1, SagaState.RUNNING), vm(2)])
    assert tired.trouble == "VMs vm-1, vm-2 did not give way within 180 s"
    assert following(Patience(cancelled=True), [vm(1)]).trouble == "it was cancelled while others gave way to it"


def test_no_more_sagas_wait_than_leave_workers_places_for_those_that_they_wait_for():
    assert not following(Patience(others=MOST_AT_ONCE - 1), [vm(1)]).trouble
    assert "64 VMs wait for others to give way already" in following(Patience(others=MOST_AT_ONCE), [vm(1)]).trouble
    assert not following(Patience(others=MOST_AT_ONCE), [vm(1, SagaState.RUNNING)]).trouble, "it waits already"


def test_many_are_told_in_short():
    assert told([vm(1)]) == "VM vm-1"
    assert told([vm(number) for number in range(1, 6)]) == "VMs vm-1, vm-2, vm-3 and 2 more"
