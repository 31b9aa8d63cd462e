"""The coordinator on a real PostgreSQL: what is written, what is repeated, what is undone."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

import pytest

from novacron.errors import AlreadyExists, Conflict, FailedPrecondition, InvalidArgument, LeaseLost, Unavailable
from novacron.saga import (
    MIGRATIONS,
    Coordinator,
    DefinitionError,
    Kind,
    Parallel,
    PostgresLog,
    RetryPolicy,
    Saga,
    SagaState,
    Step,
    current_key,
    enqueue,
    request_cancel,
)
from novacron.saga.record import AttemptOutcome
from novacron.testing.patience import eventually

QUICK = RetryPolicy(attempts=3, first_seconds=0.001, most_seconds=0.002)


@dataclass(frozen=True)
class Params:
    word: str = "hello"


@dataclass(frozen=True)
class First:
    number: int


class World:
    """What the steps did, and what they shall do next."""

    def __init__(self):
        self.calls = []
        self.answers = {}
        self.hold = {}

    def step(self, name):
        async def call(context):
            key = current_key()
            self.calls.append((name, key.operation, key.step))
            if name in self.hold:
                await self.hold[name].wait()
            answers = self.answers.get(name, [])
            if answers:
                answer = answers.pop(0)
                if isinstance(answer, BaseException):
                    raise answer
                return answer
            return First(7) if name == "one" else None

        return call

    @property
    def names(self):
        return [name for name, _, _ in self.calls]


def define(world, **named):
    def pair(name, kind=Kind.COMPENSATABLE, **more):
        undo = world.step(f"undo-{name}") if kind is Kind.COMPENSATABLE else None
        return Step(name, kind, world.step(name), undo, retry=QUICK, compensation_retry=QUICK, **more)

    steps = named.pop("steps", None) or (
        pair("one", output=First),
        pair("two"),
        pair("three"),
        pair("four", Kind.RETRIABLE),
    )
    return Saga(name=named.pop("name", "test"), version=named.pop("version", 1), params=Params, steps=steps, **named)


@pytest.fixture
def world():
    return World()


@pytest.fixture
async def database(new_database):
    return await new_database(MIGRATIONS)


@pytest.fixture
async def workers(database):
    made = []

    def make(*sagas, lease=2.0, **named):
        coordinator = Coordinator(
            PostgresLog(database, lease_seconds=lease), sagas, lease_seconds=lease, sweep_seconds=0.05, seed=1, **named
        )
        made.append(coordinator)
        return coordinator

    yield make
    for coordinator in made:
        await coordinator.stop()


async def begin(database, coordinator, saga, saga_id=None, params=None):
    saga_id = saga_id or uuid4()
    async with database.transaction() as connection:
        begun = await coordinator.begin(connection, saga, saga_id, params or Params())
    coordinator.launch(begun)
    return saga_id


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
    assert record.state is SagaState.STUCK
    assert record.error.operation == "compensation"


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
    await eventually(lambda: _is("two" in world.names))
    _, asleep = zombie._running[saga_id]
    await alive.start()
    await eventually(lambda: _is(world.names.count("two") == 2))
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
    await eventually(lambda: _is("two" in world.names))
    await first.stop()
    world.hold.clear()
    await second.start()
    assert (await second.wait(saga_id, 5)).state is SagaState.SUCCEEDED


async def test_a_cancel_turns_the_saga_round_at_the_next_commit(database, world, workers):
    saga = define(world)
    coordinator = workers(saga)
    world.hold["two"] = asyncio.Event()
    saga_id = await begin(database, coordinator, saga)
    await eventually(lambda: _is("two" in world.names))
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
    await eventually(lambda: _is("four" in world.names))
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
    await eventually(lambda: _is("two" in world.names))
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
    await eventually(lambda: _is("undo-one" in world.names))
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


async def test_parallel_steps_run_side_by_side_and_are_undone_one_by_one(database, world, workers):
    def pair(name):
        return Step(name, Kind.COMPENSATABLE, world.step(name), world.step(f"undo-{name}"), retry=QUICK)

    saga = define(world, steps=(Parallel(pair("left"), pair("right")), pair("after")))
    coordinator = workers(saga)
    world.hold["left"] = asyncio.Event()
    world.answers["after"] = [InvalidArgument("no")]
    saga_id = await begin(database, coordinator, saga)
    await eventually(lambda: _is({"left", "right"} <= set(world.names)))
    world.hold["left"].set()
    assert (await coordinator.wait(saga_id, 5)).state is SagaState.COMPENSATED
    assert world.names[2:] == ["after", "undo-left", "undo-right"]


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


def no(*_):
    raise AssertionError


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((), "no steps"),
        ((Step("one", "sometimes", no),), "unknown kind 'sometimes'"),
        ((Step("one", Kind.READ, no), Step("one", Kind.READ, no)), "step 'one': two steps have this name"),
        (
            (Step("one", Kind.PIVOT, no), Step("two", Kind.COMPENSATABLE, no, no)),
            "step 'two': a compensatable step after",
        ),
        ((Step("one", Kind.PIVOT, no), Step("two", Kind.PIVOT, no)), "step 'two': a pivot step after"),
        ((Step("one", Kind.RETRIABLE, no, no),), "step 'one': a retriable step is never undone"),
        ((Step("one", Kind.READ),), "neither an action nor a local effect"),
        ((Step("one", Kind.READ, no, output=int),), "step 'one': output: <class 'int'> is no dataclass"),
        ((Step("One", Kind.READ, no),), "step 'One': a name is lower-case"),
        ((Step("one", Kind.READ, no, timeout_seconds=0),), "a timeout of 0 s"),
        ((Parallel(),), "an empty group"),
        ((Parallel(Step("a", Kind.PIVOT, no), Step("b", Kind.RETRIABLE, no)),), "must stand alone"),
    ],
)
def test_a_definition_that_cannot_be_run_safely_is_refused_by_name(steps, says):
    with pytest.raises(DefinitionError, match="saga 'bad'") as caught:
        Saga(name="bad", version=1, params=Params, steps=steps)
    assert says in str(caught.value)


def test_parameters_that_do_not_serialise_are_refused():
    @dataclass
    class Odd:
        thing: asyncio.Event

    with pytest.raises(DefinitionError, match="saga 'bad': params"):
        Saga(name="bad", version=1, params=Odd, steps=(Step("one", Kind.READ, no),))


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


async def _is(value):
    return value
