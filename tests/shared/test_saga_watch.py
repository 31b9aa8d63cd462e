"""What operators watch of sagas: what is stuck or old in the whole log, and how long steps take."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from prometheus_client import REGISTRY

from novacron.errors import FailedPrecondition
from novacron.saga import MIGRATIONS, Coordinator, Kind, PostgresLog, RetryPolicy, Saga, SagaState, Step
from novacron.saga.watch import _LOOK as watch_look
from novacron.saga.watch import Watch
from novacron.testing.patience import eventually

ONCE = RetryPolicy(attempts=1)


@dataclass(frozen=True)
class Nothing:
    pass


async def fails(context):
    raise FailedPrecondition("no such disk")


async def waits(context):
    await asyncio.sleep(3600)


def of_one_step(name, action):
    step = Step("only", Kind.RETRIABLE, action, retry=ONCE, timeout_seconds=3600)
    return Saga(name=name, version=1, params=Nothing, steps=(step,))


def told(metric, **labels):
    return REGISTRY.get_sample_value(f"novacron_saga_{metric}", labels)


async def begin(coordinator, database, saga):
    async with database.transaction() as connection:
        begun = await coordinator.begin(connection, saga, uuid4(), Nothing())
    coordinator.launch(begun)
    return begun.record.saga_id


async def test_what_is_stuck_and_what_is_old_is_told_by_name_and_none_when_it_is_over(new_database):
    database = await new_database(MIGRATIONS)
    sticks, drags = of_one_step("watched-sticks", fails), of_one_step("watched-drags", waits)
    watch = Watch(database, every_seconds=0.05)
    coordinator = Coordinator(PostgresLog(database), [sticks, drags], sweep_seconds=0.02, watch=watch)
    await coordinator.start()
    stuck = await begin(coordinator, database, sticks)
    assert (await coordinator.wait(stuck, 10)).state is SagaState.STUCK
    old = await begin(coordinator, database, drags)
    async with database.connection() as connection:
        await connection.execute("UPDATE saga SET created_at = now() - interval '1 hour' WHERE saga_id = %s", (old,))

    async def seen():
        age = told("oldest_unfinished_age_seconds", saga="watched-drags") or 0
        return told("stuck", saga="watched-sticks") == 1 and 3600 <= age < 3700

    await eventually(seen, message="it is told")
    assert told("unfinished", saga="watched-drags") == 1
    assert told("unfinished", saga="watched-sticks") == told("stuck", saga="watched-drags") == 0
    assert told("oldest_unfinished_age_seconds", saga="watched-sticks") == 0
    async with database.connection() as connection:
        await connection.execute("DELETE FROM saga")

    async def over():
        return told("stuck", saga="watched-sticks") == told("unfinished", saga="watched-drags") == 0

    await eventually(over)
    await coordinator.stop()


async def test_a_look_takes_the_place_of_a_sweep_that_would_find_nothing_and_of_no_other(new_database):
    database = await new_database(MIGRATIONS)
    saga, other = of_one_step("watched-due", fails), of_one_step("watched-unknown", fails)
    known = {("watched-due", 1)}
    coordinator = Coordinator(PostgresLog(database), [saga, other])  # not started: nobody sweeps
    watch = Watch(database, every_seconds=0)
    assert not await watch.may_be_due(known)
    async with database.transaction() as connection:
        mine = (await coordinator.begin(connection, saga, uuid4(), Nothing())).record.saga_id
        await coordinator.begin(connection, other, uuid4(), Nothing())
    assert not await watch.may_be_due(known), "both are leased"
    async with database.connection() as connection:
        await connection.execute("UPDATE saga SET due_at = now() WHERE saga_id <> %s", (mine,))
    assert not await watch.may_be_due(known), "what is due is another release's"
    async with database.connection() as connection:
        await connection.execute("UPDATE saga SET due_at = now()")
    assert await watch.may_be_due(known)
    assert all([await Watch(database).may_be_due(known), await watch.may_be_due(known)])
    seldom = Watch(database)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM saga")
    assert not await seldom.may_be_due(known)
    assert await seldom.may_be_due(known), "it did not look, so it cannot say"


async def test_a_look_reads_nothing_of_what_is_over(new_database):
    database = await new_database(MIGRATIONS)
    async with database.connection() as connection:
        await connection.execute(
            """INSERT INTO saga (saga_id, name, version, state, params, due_at, deadline)
               SELECT gen_random_uuid(), 'old', 1, 'succeeded', '{}', now(), now() FROM generate_series(1, 20000)"""
        )
        await connection.execute("ANALYZE saga")
        plan = "\n".join(row[0] for row in await (await connection.execute(f"EXPLAIN {watch_look}")).fetchall())
    assert "Seq Scan" not in plan, plan


async def test_an_idle_coordinator_that_is_watched_asks_once_a_sweep(new_database):
    database = await new_database(MIGRATIONS)
    asked = []
    connection_of = database.connection

    def counted():
        asked.append(1)
        return connection_of()

    database.connection = counted
    watch = Watch(database, every_seconds=0.1)
    coordinator = Coordinator(PostgresLog(database), [of_one_step("idle", fails)], sweep_seconds=0.05, watch=watch)
    sweeps = []
    look = watch.may_be_due

    async def swept(known):
        sweeps.append(1)
        return await look(known)

    watch.may_be_due = swept
    await coordinator.start()

    async def some():
        return len(sweeps) >= 10

    await eventually(some)
    await coordinator.stop()
    assert len(sweeps) - 1 <= len(asked) - 1 <= len(sweeps), "one question a sweep, and one to give back at the end"


async def test_the_time_of_each_attempt_is_kept_by_step_whatever_came_of_it(new_database):
    database = await new_database(MIGRATIONS)

    async def takes_a_moment(context):
        await asyncio.sleep(0.06)

    steps = (
        Step("first", Kind.COMPENSATABLE, takes_a_moment, takes_a_moment),
        Step("second", Kind.COMPENSATABLE, fails, takes_a_moment, retry=ONCE),
    )
    saga = Saga(name="timed", version=1, params=Nothing, steps=steps)
    coordinator = Coordinator(PostgresLog(database), [saga])
    record = await coordinator.wait(await begin(coordinator, database, saga), 10)
    assert record.state is SagaState.COMPENSATED

    def count(step, operation, metric="count", **more):
        return told(f"step_duration_seconds_{metric}", saga="timed", step=step, operation=operation, **more)

    assert (count("first", "action"), count("first", "compensation")) == (1, 1)
    assert count("first", "action", "sum") >= 0.06
    assert count("first", "action", "bucket", le="0.05") == 0
    assert count("second", "action") == 1
    await coordinator.stop()
