"""A VM that moves holds a second place until it has arrived: claimed, given back, or made its own."""

import asyncio
from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import (
    RESERVATION_STATE_CONFIRMED,
    RESERVATION_STATE_MOVING,
    ConfirmReservationRequest,
    DrainNodeRequest,
    GetReservationRequest,
    ListReservationsRequest,
    NodeServiceStub,
    ReleaseReservationRequest,
)
from novacron.errors import AlreadyExists, FailedPrecondition, NoCapacity, NotFound, StepCompensated
from novacron.saga.key import SagaKey, set_current_key


@pytest.fixture
async def vm_id(scheduler):
    """A VM on `n1`, with `n2` beside it."""
    await scheduler.beat("n1")
    made = await scheduler.reserve(uuid4())
    await scheduler.reservations.ConfirmReservation(ConfirmReservationRequest(vm_id=made.vm_id))
    await scheduler.beat("n2")
    return made.vm_id


def move(scheduler, vm_id, move_id, **changes):
    return scheduler.reserve(vm_id, move_id=str(move_id), **changes)


def arrive(scheduler, vm_id, move_id):
    return scheduler.reservations.ConfirmReservation(ConfirmReservationRequest(vm_id=vm_id, move_id=str(move_id)))


async def give_back(scheduler, vm_id, move_id=""):
    request = ReleaseReservationRequest(vm_id=vm_id, move_id=str(move_id))
    return (await scheduler.reservations.ReleaseReservation(request)).released


async def place(scheduler, vm_id):
    return (await scheduler.reservations.GetReservation(GetReservationRequest(vm_id=vm_id))).node.name


async def test_a_move_claims_another_node_and_the_vm_keeps_its_place(scheduler, vm_id):
    move_id = uuid4()
    claimed = await move(scheduler, vm_id, move_id)
    assert (claimed.node.name, claimed.state, claimed.move_id) == ("n2", RESERVATION_STATE_MOVING, str(move_id))
    assert await place(scheduler, vm_id) == "n1"
    assert await move(scheduler, vm_id, move_id) == claimed, "the same again is the same claim"
    await scheduler.check_sums()


async def test_a_vm_that_moves_is_listed_with_both_places_across_pages(scheduler, vm_id):
    await move(scheduler, vm_id, uuid4())
    reader = scheduler.reservations_as(scheduler.user("reservation:read", "tenant:any"))
    first = await reader.ListReservations(ListReservationsRequest(page_size=1))
    rest = await reader.ListReservations(ListReservationsRequest(page_size=1, page_token=first.next_page_token))
    assert {one.node.name for one in (*first.reservations, *rest.reservations)} == {"n1", "n2"}
    assert not rest.next_page_token


async def test_once_arrived_the_vm_holds_the_new_place_alone(scheduler, vm_id):
    move_id = uuid4()
    await move(scheduler, vm_id, move_id)
    arrived = await arrive(scheduler, vm_id, move_id)
    assert (arrived.node.name, arrived.state) == ("n2", RESERVATION_STATE_CONFIRMED)
    assert await arrive(scheduler, vm_id, move_id) == arrived
    assert await place(scheduler, vm_id) == "n2"
    assert not await give_back(scheduler, vm_id, move_id), "what the move claimed is the VM's own now"
    await scheduler.check_sums()
    assert (await move(scheduler, vm_id, uuid4())).node.name == "n1", "and it may move back"


async def test_a_claim_given_back_leaves_the_vm_where_it_is(scheduler, vm_id):
    move_id = uuid4()
    await move(scheduler, vm_id, move_id)
    assert await give_back(scheduler, vm_id, move_id)
    assert not await give_back(scheduler, vm_id, move_id)
    assert await place(scheduler, vm_id) == "n1"
    with pytest.raises(NotFound):
        await arrive(scheduler, vm_id, move_id)
    await scheduler.check_sums()


async def test_a_deleted_vm_gives_back_both_places(scheduler, vm_id):
    await move(scheduler, vm_id, uuid4())
    assert await give_back(scheduler, vm_id)
    assert await scheduler.rows("SELECT FROM nodes WHERE allocated_cpu_cores > 0") == []


async def test_a_vm_moves_once_at_a_time_whoever_asks(scheduler, vm_id):
    await scheduler.beat("n3")
    answers = await asyncio.gather(*(move(scheduler, vm_id, uuid4()) for _ in range(4)), return_exceptions=True)
    refused = [one for one in answers if isinstance(one, AlreadyExists)]
    assert len(refused) == 3
    assert "is on its way to" in refused[0].message
    await scheduler.check_sums()


async def test_a_refused_move_says_why_no_node_takes_the_vm(scheduler, vm_id):
    with pytest.raises(NoCapacity, match="1 where it is now, 1 other than n9"):
        await move(scheduler, vm_id, uuid4(), node="n9")
    await scheduler.nodes().DrainNode(DrainNodeRequest(node="n2"))
    with pytest.raises(NoCapacity, match="1 where it is now, 1 in maintenance"):
        await move(scheduler, vm_id, uuid4())
    await scheduler.check_sums()


async def test_the_node_may_be_named(scheduler, vm_id):
    for name in ("n3", "n4", "n5"):
        await scheduler.beat(name)
    assert (await move(scheduler, vm_id, uuid4(), node="n4")).node.name == "n4"


async def test_a_vm_without_a_place_cannot_move(scheduler):
    await scheduler.beat("n1")
    with pytest.raises(FailedPrecondition, match="holds no place that it could move from"):
        await move(scheduler, str(uuid4()), uuid4())


async def test_a_claim_that_comes_after_its_undoing_is_refused(scheduler, vm_id):
    move_id = uuid4()
    set_current_key(SagaKey(move_id, "claim", "compensation"))
    assert not await give_back(scheduler, vm_id, move_id)
    set_current_key(SagaKey(move_id, "claim", "action"))
    with pytest.raises(StepCompensated):
        await move(scheduler, vm_id, move_id)
    set_current_key(None)


async def test_the_vm_service_closes_a_node_once_for_each_step(scheduler):
    await scheduler.beat("n1")
    nodes = NodeServiceStub(scheduler.servers.as_service(scheduler.server, "vm"))
    set_current_key(SagaKey(uuid4(), "cordon", "action"))
    first = await nodes.DrainNode(DrainNodeRequest(node="n1"))
    await scheduler.nodes().DrainNode(DrainNodeRequest(node="n1", undo=True))
    assert await nodes.DrainNode(DrainNodeRequest(node="n1")) == first, "a repeat is the answer of then"
    set_current_key(None)
    (status,) = await scheduler.rows("SELECT status::text FROM nodes")
    assert status == ("ready",)
