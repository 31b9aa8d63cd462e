"""What turns a saga round from outside: a cancel, its deadline; and what nothing turns round."""

import asyncio

import pytest

from novacron.errors import InvalidArgument, LeaseLost, Unavailable
from novacron.saga import Kind, SagaState, Step, request_cancel
from novacron.saga.record import AttemptOutcome
from novacron.testing.patience import eventually

from .saga_world import QUICK, begin, define, holds


async def test_a_cancel_turns_the_saga_round_at_the_next_commit(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    world.hold["two"] = asyncio.Event()
    saga_id = await begin(database, coordinator, saga)
    await eventually(lambda: holds("two" in world.names))
    async with database.connection() as connection:
        assert await request_cancel(connection, saga_id, "not wanted")
    world.hold["two"].set()
    record = await coordinator.wait(saga_id, 5)
    assert record.state is SagaState.COMPENSATED
    assert record.error.message == "not wanted"
    assert world.names == ["one", "two", "undo-two", "undo-one"]


async def test_a_cancel_beyond_the_point_of_no_return_changes_nothing(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    world.hold["four"] = asyncio.Event()
    saga_id = await begin(database, coordinator, saga)
    await eventually(lambda: holds("four" in world.names))
    async with database.connection() as connection:
        await request_cancel(connection, saga_id, "too late")
    world.hold["four"].set()
    assert (await coordinator.wait(saga_id, 5)).state is SagaState.SUCCEEDED


async def test_a_cancel_beyond_the_point_of_no_return_does_not_keep_later_steps_from_beginning(
    database, world, workers
):
    def step(name, kind):
        return Step(name, kind, world.step(name), retry=QUICK)

    saga = define(world, steps=(step("one", Kind.PIVOT), step("two", Kind.RETRIABLE), step("three", Kind.RETRIABLE)))
    coordinator = workers(saga)
    world.answers["two"] = [Unavailable("?")]
    world.hold["two"] = asyncio.Event()
    saga_id = await begin(database, coordinator, saga)
    await eventually(lambda: holds("two" in world.names))
    async with database.connection() as connection:
        await request_cancel(connection, saga_id, "too late")
    world.hold["two"].set()
    assert (await coordinator.wait(saga_id, 5)).state is SagaState.SUCCEEDED


async def test_a_cancel_after_a_commit_whose_reply_was_lost_leaves_no_attempt_without_an_outcome(
    database, world, workers
):
    saga = define(world)
    coordinator = workers(saga)
    commit, lost = coordinator._log.commit, []

    async def loses_the_first_reply(owner, record, *more):
        committed = await commit(owner, record, *more)
        if not lost:
            lost.append(True)
            async with database.connection() as connection:
                await request_cancel(connection, record.saga_id, "not wanted")
            raise Unavailable("committed, and the reply lost")
        return committed

    coordinator._log.commit = loses_the_first_reply
    record = await coordinator.wait(saga_id := await begin(database, coordinator, saga), 5)
    assert record.state is SagaState.COMPENSATED
    stored = await coordinator._log.read(saga_id)
    assert [one.outcome for one in stored.attempts] == [AttemptOutcome.OK] * 4
    assert world.names == ["one", "two", "undo-two", "undo-one"]


async def test_a_saga_that_turned_back_goes_forward_by_no_late_commit_of_its_own_worker(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    world.answers["two"] = [InvalidArgument("no")]
    world.hold["undo-one"] = asyncio.Event()
    commit, made = coordinator._log.commit, []

    async def remembered(*arguments):
        made.append(arguments)
        return await commit(*arguments)

    coordinator._log.commit = remembered
    saga_id = await begin(database, coordinator, saga)
    await eventually(lambda: holds("undo-one" in world.names))
    with pytest.raises(LeaseLost):
        await commit(*made[0])
    assert (await coordinator._log.read(saga_id)).state is SagaState.COMPENSATING
    world.hold["undo-one"].set()
    assert (await coordinator.wait(saga_id, 5)).state is SagaState.COMPENSATED


async def test_the_passing_of_the_deadline_turns_the_saga_round(database, world, workers):
    saga = define(world, deadline_seconds=0.2)
    coordinator = workers(saga)
    world.hold["one"] = asyncio.Event()
    saga_id = await begin(database, coordinator, saga)
    await asyncio.sleep(0.3)  # the deadline itself is what is waited for
    world.hold["one"].set()
    record = await coordinator.wait(saga_id, 5)
    assert record.state is SagaState.COMPENSATED
    assert record.error.reason == "DEADLINE_EXCEEDED"
