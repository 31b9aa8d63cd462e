"""The coordinator on a real PostgreSQL: what is written, what is repeated, what is undone."""

import asyncio
from uuid import uuid4

import pytest

from novacron.errors import AlreadyExists, Conflict, FailedPrecondition, InvalidArgument, LeaseLost, Unavailable
from novacron.saga import Kind, SagaState, Step, enqueue
from novacron.testing.patience import eventually

from .saga_world import First, Params, begin, define, holds


async def test_steps_run_in_order_and_the_saga_succeeds(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    record = await coordinator.wait(await begin(database, coordinator, saga), 5)
    assert record.state is SagaState.SUCCEEDED
    assert world.names == ["one", "two", "three", "four"]


async def test_a_refusal_undoes_what_was_done_in_reverse_and_not_the_refused_step(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    world.answers["three"] = [InvalidArgument("no")]
    record = await coordinator.wait(await begin(database, coordinator, saga), 5)
    assert record.state is SagaState.COMPENSATED
    assert record.error.step == "three"
    assert world.names == ["one", "two", "three", "undo-two", "undo-one"]


async def test_an_unknown_outcome_is_repeated_under_the_same_key_and_undone_when_it_stays_unknown(
    database, world, workers
):
    saga = define(world)
    coordinator = workers(saga)
    world.answers["two"] = [Unavailable("?"), RuntimeError("?"), Unavailable("?")]
    record = await coordinator.wait(await begin(database, coordinator, saga), 5)
    assert record.state is SagaState.COMPENSATED
    assert world.names == ["one", "two", "two", "two", "undo-two", "undo-one"]


async def test_a_step_beyond_the_point_of_no_return_is_repeated_and_then_stuck_until_an_operator_acts(
    database, world, workers
):
    saga = define(world)
    coordinator = workers(saga)
    world.answers["four"] = [FailedPrecondition("no")] * 3
    record = await coordinator.wait(await begin(database, coordinator, saga), 5)
    assert record.state is SagaState.STUCK
    assert world.names == ["one", "two", "three", "four", "four", "four"]


async def test_a_compensation_that_cannot_be_done_ends_stuck_and_never_silently(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    world.answers["two"] = [InvalidArgument("no")]
    world.answers["undo-one"] = [Unavailable("?")] * 3
    record = await coordinator.wait(await begin(database, coordinator, saga), 5)
    stored = await coordinator._log.read(record.saga_id)
    for told in (record, stored):
        assert told.state is SagaState.STUCK
        assert (told.error.operation, told.error.step, told.error.message) == ("compensation", "one", "?")
        assert (told.error.cause.operation, told.error.cause.step, told.error.cause.message) == ("action", "two", "no")


async def test_a_dead_workers_saga_is_taken_over_when_its_lease_has_passed(database, world, workers):
    saga = define(world)
    dead, alive = workers(saga, lease=0.6), workers(saga, lease=0.6)
    async with database.transaction() as connection:
        begun = await dead.begin(connection, saga, uuid4(), Params())  # and never launched: the process is gone
    await alive.start()
    record = await alive.wait(begun.record.saga_id, 5)
    assert record.state is SagaState.SUCCEEDED
    assert record.epoch == 2


async def test_a_worker_that_slept_through_its_lease_writes_nothing(database, world, workers):
    saga = define(world)
    zombie, alive = workers(saga, lease=0.4), workers(saga, lease=0.4)
    world.hold["two"] = asyncio.Event()
    saga_id = await begin(database, zombie, saga)  # its heartbeat was never started: it sleeps
    await eventually(lambda: holds("two" in world.names))
    _, asleep = zombie._running[saga_id]
    await alive.start()
    await eventually(lambda: holds(world.names.count("two") == 2))
    world.hold["two"].set()
    record = await alive.wait(saga_id, 5)
    assert record.state is SagaState.SUCCEEDED
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(asleep, 5)
    assert world.names.count("three") == 1


async def test_stopping_a_worker_gives_its_sagas_to_another_at_once(database, world, workers):
    saga = define(world)
    first, second = workers(saga, lease=60), workers(saga, lease=60)
    world.hold["two"] = asyncio.Event()
    saga_id = await begin(database, first, saga)
    await eventually(lambda: holds("two" in world.names))
    await first.stop()
    world.hold.clear()
    await second.start()
    assert (await second.wait(saga_id, 5)).state is SagaState.SUCCEEDED


async def test_a_local_effect_is_in_the_sagas_own_commit_and_happens_once(database, world, workers):
    async def note(connection, context, result):
        await connection.execute("INSERT INTO noted VALUES (%s)", (result.number,))

    async with database.connection() as connection:
        await connection.execute("CREATE TABLE noted (number int PRIMARY KEY)")
    one = Step("one", Kind.COMPENSATABLE, world.step("one"), world.step("undo-one"), output=First, local=note)
    saga = define(world, steps=(one,))
    coordinator = workers(saga)
    assert (await coordinator.wait(await begin(database, coordinator, saga), 5)).state is SagaState.SUCCEEDED
    async with database.connection() as connection:
        assert await (await connection.execute("SELECT number FROM noted")).fetchall() == [(7,)]


async def test_the_same_request_attaches_and_another_with_its_id_is_refused(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    saga_id = await begin(database, coordinator, saga)
    await begin(database, coordinator, saga, saga_id)
    assert (await coordinator.wait(saga_id, 5)).state is SagaState.SUCCEEDED
    assert world.names.count("one") == 1
    with pytest.raises(AlreadyExists):
        await begin(database, coordinator, saga, saga_id, Params("other"))


async def test_an_enqueued_saga_is_taken_up_by_a_sweep(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    await coordinator.start()
    async with database.transaction() as connection:
        saga_id = uuid4()
        await enqueue(connection, saga, saga_id, Params())
    assert (await coordinator.wait(saga_id, 5)).state is SagaState.SUCCEEDED


async def test_a_worker_takes_only_the_versions_that_it_has(database, world, workers):
    old, new = define(world, version=1), define(world, version=2)
    async with database.transaction() as connection:
        await enqueue(connection, old, old_id := uuid4(), Params())
        await enqueue(connection, new, new_id := uuid4(), Params())
    younger = workers(new)
    await younger.start()
    assert (await younger.wait(new_id, 5)).state is SagaState.SUCCEEDED
    assert (await younger.wait(old_id, 0.3)).state is SagaState.RUNNING
    older = workers(old)
    await older.start()
    assert (await older.wait(old_id, 5)).state is SagaState.SUCCEEDED


async def test_terminal_rows_never_change_whoever_writes(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    saga_id = await begin(database, coordinator, saga)
    await coordinator.wait(saga_id, 5)
    async with database.connection() as connection:
        with pytest.raises(Exception, match="never change"):
            await connection.execute("UPDATE saga SET state = 'running' WHERE saga_id = %s", (saga_id,))


async def test_a_step_that_breaks_retryably_is_tried_again(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    world.answers["one"] = [Conflict("again"), First(1)]
    assert (await coordinator.wait(await begin(database, coordinator, saga), 5)).state is SagaState.SUCCEEDED
    assert world.names.count("one") == 2


async def test_the_log_costs_a_commit_more_than_there_are_steps(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    statements = []
    log = coordinator._log
    commit, begin_ = log.commit, log.begin

    async def counted(*args, **named):
        statements.append("commit")
        return await commit(*args, **named)

    async def counted_begin(*args, **named):
        statements.append("begin")
        return await begin_(*args, **named)

    log.commit, log.begin = counted, counted_begin
    await coordinator.wait(await begin(database, coordinator, saga), 5)
    assert statements == ["begin", "commit", "commit", "commit", "commit"]
