"""What to do next in a drain, decided from one look at the node's VMs."""

from uuid import UUID

import pytest

from novacron.saga import SagaState
from novacron_vm.drain import Guest, Look, Progress, Trouble, outlook
from novacron_vm.vm import VmState

RUNNING, SUCCEEDED, COMPENSATED, STUCK = (
    SagaState.RUNNING,
    SagaState.SUCCEEDED,
    SagaState.COMPENSATED,
    SagaState.STUCK,
)


def guest(number, *, on_node=True, state=VmState.RUNNING, **changes):
    return Guest(UUID(int=number), f"vm-{number}", state, on_node, **changes)


def moving(number):
    return guest(number, state=VmState.MIGRATING, busy=RUNNING, operation="move-vm", move=RUNNING)


def look(*guests, budget=2, cancelled=False, arriving=0):
    return outlook(Look(budget, cancelled, guests, arriving))


def numbers(ids):
    return [one.int for one in ids]


def test_moves_begin_up_to_the_budget():
    assert numbers(look(guest(1), guest(2), guest(3)).start) == [1, 2]
    assert numbers(look(moving(1), guest(2), guest(3)).start) == [2]
    assert look(moving(1), moving(2), guest(3)).start == ()


def test_it_is_over_when_nothing_moves_waits_or_may_yet_come():
    assert look().over
    assert look(guest(1, on_node=False, move=SUCCEEDED)).over
    assert not look(moving(1)).over
    assert not look(guest(1)).over
    assert not look(arriving=1).over
    assert not look(guest(1, busy=RUNNING, operation="stop-vm")).over


def test_a_cancelled_one_begins_nothing_and_waits_for_what_moves_alone():
    assert look(guest(1), moving(2), cancelled=True).start == ()
    assert not look(guest(1), moving(2), cancelled=True).over
    assert look(guest(1), guest(2, busy=RUNNING), cancelled=True, arriving=1).over


@pytest.mark.parametrize(
    ("left", "reason", "message"),
    [
        (guest(1, move=COMPENSATED, trouble=Trouble("NO_CAPACITY", "no node")), "NO_CAPACITY", "no node"),
        (guest(1, busy=STUCK, operation="stop-vm"), "SAGA_STUCK", "stop-vm of it is stuck"),
        (guest(1, move=STUCK, busy=STUCK, trouble=Trouble("X", "gone")), "SAGA_STUCK", "its move is stuck: gone"),
        (guest(1, on_node=False, move=STUCK, busy=STUCK), "SAGA_STUCK", "its move is stuck: no reason is known"),
        (guest(1, state=VmState.ERROR), "WRONG_STATE", "it is error; only a running or a stopped VM moves"),
        (guest(1, move=SUCCEEDED), "CONFLICT", "it was moved back meanwhile"),
        (
            guest(1, state=VmState.STOPPED, displaced=True),
            "FAILED_PRECONDITION",
            "it gave way to another VM and has only its disk there: open the node and start it (novacron vm start vm-1),"
            " or delete it",
        ),
    ],
)
def test_a_vm_that_cannot_be_moved_is_named_and_not_tried_again(left, reason, message):
    seen = look(left)
    assert seen.over
    assert seen.start == ()
    (behind,) = seen.progress.left_behind
    assert (behind.reason, behind.message) == (reason, message)
    assert message in seen.progress.told("n1")


def test_a_vm_that_was_deleted_meanwhile_is_nobodys_concern():
    assert look(guest(1, on_node=False, state=VmState.DELETED, move=COMPENSATED)).progress == Progress()


def test_many_that_are_left_are_told_in_a_few_words():
    seen = look(*(guest(number, state=VmState.ERROR) for number in range(5)))
    assert seen.progress.told("n1").endswith("; and 2 more")
    assert seen.progress.left == 5
