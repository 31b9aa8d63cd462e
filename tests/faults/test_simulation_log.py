"""The simulation's log and PostgreSQL's, side by side: the same operations give the same answers and leave the same rows."""

import asyncio
import itertools
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from novacron.db import Database
from novacron.errors import Conflict, FailedPrecondition, LeaseLost
from novacron.saga import MIGRATIONS, Kind, PostgresLog, Saga, SagaState, Step, StepError, enqueue, request_cancel
from novacron.saga.operator import Operator
from novacron.saga.plan import Decision
from novacron.saga.record import Attempt, AttemptOutcome, Record
from novacron.testing.simulation.tables import Tables

LEASE = 100.0
SAGAS = 2
STEPS = ("one", "two")
OPERATIONS = ("action", "compensation")
OPERATOR = uuid4()
# PostgreSQL's clock goes on by milliseconds between two statements. Times of the rows are compared to a few seconds, and no
# sum of these comes so near to a lease or a backoff.
PAUSES = (0.0, 35.31, 100.57, 333.79)
DEADLINES = (50.13, 5000.41)


@dataclass(frozen=True)
class Params:
    word: str = "hello"


async def nothing(context):
    return None


saga_number = st.integers(0, SAGAS - 1)
owner = st.sampled_from("ab")
holder = st.sampled_from(("whoever has it", "whoever has it", "whoever has it", "a", "b"))
attempt = st.tuples(st.sampled_from(STEPS), st.sampled_from(OPERATIONS), st.integers(1, 3))
done = st.tuples(attempt, st.sampled_from((AttemptOutcome.OK, AttemptOutcome.REFUSED, AttemptOutcome.UNKNOWN)))
operation = st.one_of(
    st.tuples(st.just("begin"), saga_number, owner, st.sampled_from(DEADLINES), st.sampled_from((STEPS, STEPS[:1]))),
    st.tuples(st.just("enqueue"), saga_number, st.sampled_from(DEADLINES)),
    st.tuples(
        st.just("commit"),
        saga_number,
        holder,
        st.sampled_from((0, 0, 0, 0, 1)),  # epochs ago
        st.sampled_from([*SagaState, SagaState.STUCK, *[SagaState.RUNNING] * 4, *[SagaState.COMPENSATING] * 3]),
        st.booleans(),  # bound
        st.booleans(),  # with an error
        st.lists(done, max_size=2, unique_by=lambda one: one[0]),
        st.booleans(),  # and what is open as well
        st.lists(attempt, max_size=2, unique=True),
        st.sampled_from((None, None, "effect", "lost race")),
    ),
    st.tuples(st.just("claim"), owner, st.sampled_from((1, 100)), st.booleans()),
    st.tuples(st.just("renew"), owner, st.sampled_from((0, 0, 1))),
    st.tuples(st.just("release"), owner),
    st.tuples(st.just("cancel"), saga_number, st.sampled_from(("", "not wanted", "really not"))),
    st.tuples(st.just("retry"), saga_number),
    st.tuples(st.just("compensate"), saga_number),
    st.tuples(st.just("pass"), st.sampled_from(PAUSES)),
)


def commit(state, intents=(), *, bound=False, fails=False, local=None):
    return ("commit", 0, "whoever has it", 0, state, bound, fails, [], True, list(intents), local)


BEGIN = ("begin", 0, "a", DEADLINES[1], STEPS[:1])
FORWARD, BACK = ("one", "action", 2), ("one", "compensation", 1)
# Ways that chance takes too seldom.
CANCELLED = [BEGIN, ("cancel", 0, ""), commit(SagaState.RUNNING, [FORWARD, BACK]), ("cancel", 0, "really not")]
BOUND = [BEGIN, ("cancel", 0, "not wanted"), commit(SagaState.RUNNING, [FORWARD, BACK], bound=True)]
STUCK = [BEGIN, commit(SagaState.STUCK, fails=True), ("retry", 0), ("claim", "b", 100, True), commit(SagaState.STUCK)]
TURNED = [BEGIN, commit(SagaState.STUCK, fails=True), ("compensate", 0), ("claim", "b", 100, True)]
ENDED = [BEGIN, commit(SagaState.SUCCEEDED, local="effect"), commit(SagaState.RUNNING), ("release", "a"), ("retry", 0)]
TAKEN = [BEGIN, *[("pass", 333.79), ("claim", "b", 100, True)] * 10, ("renew", "b", 0)]


class SideBySide:
    """One example: both logs, under names that no other example has."""

    _examples = itertools.count()

    def __init__(self, database):
        self.mark = next(self._examples)
        self.database = database
        self.real = PostgresLog(database, lease_seconds=LEASE)
        self.clock = 0.0
        self.model = Tables(LEASE, lambda: self.clock)
        self.ids = [uuid4() for _ in range(SAGAS)]
        steps = tuple(Step(name, Kind.COMPENSATABLE, nothing, nothing) for name in STEPS)
        self.sagas = [
            Saga(name=f"saga-{self.mark}-{number}", version=1 + number % 2, params=Params, steps=steps)
            for number in range(SAGAS)
        ]
        self.operator = Operator(database, self.sagas)
        self.effects = 0
        self.turns = 0

    async def do(self, verb, *arguments):
        self.turns += 1
        await getattr(self, f"_{verb}")(*arguments)
        await self.compare()

    def record(self, number, epoch=1):
        saga = self.sagas[number]
        return Record(
            self.ids[number], saga.name, saga.version, SagaState.RUNNING, None, saga.encode(Params()), epoch=epoch
        )

    async def _begin(self, number, who, deadline, steps):
        intents = tuple(Attempt(step, "action", 1, epoch=1) for step in steps)
        arguments = self.record(number), self.owner(who), intents, deadline
        async with self.database.transaction() as connection:
            answer = await self.real.begin(connection, *arguments)
        assert answer == self.model.begin(*arguments, at=self.clock)

    async def _enqueue(self, number, deadline):
        saga = self.sagas[number]
        shorter = Saga(name=saga.name, version=saga.version, params=Params, steps=saga.steps, deadline_seconds=deadline)
        async with self.database.transaction() as connection:
            await enqueue(connection, shorter, self.ids[number], Params())
        self.model.enqueue(self.record(number), deadline, at=self.clock)

    async def _commit(self, number, who, ago, state, bound, fails, ended, open_too, begun, local):
        known = self.model.rows.get(self.ids[number])
        record = self.record(number, epoch=(known.epoch if known else 1) - ago)
        error = StepError("one", "action", "REASON", f"message {self.turns}") if fails else None
        resume = SagaState.RUNNING if state is SagaState.STUCK else None
        decision = Decision(state, error=error, resume_state=resume, bound=bound)
        outcomes = [
            Attempt(*which, outcome, {"n": self.turns} if outcome is AttemptOutcome.OK else None, error)
            for which, outcome in ended
        ]
        if open_too and known:
            listed = {which for which, _ in ended}
            outcomes += [
                replace(one, outcome=AttemptOutcome.UNKNOWN, error=error)
                for one in self.model.attempts[known.saga_id].values()
                if one.outcome is AttemptOutcome.STARTED and one.id not in listed
            ]
        intents = [Attempt(*which, epoch=record.epoch) for which in begun]

        async def noted(connection):
            await connection.execute("INSERT INTO noted VALUES (%s)", (self.mark,))
            if local == "lost race":
                raise Conflict("lost")

        def counted():
            if local == "lost race":
                raise Conflict("lost")
            self.effects += 1

        who = (known and known.owner) if who == "whoever has it" else self.owner(who)
        arguments = who or "nobody", record, decision, outcomes, intents
        real = await answer_of(self.real.commit(*arguments, noted if local else None))
        try:
            model = self.model.commit(*arguments, counted if local else None, at=self.clock)
        except (Conflict, LeaseLost) as refused:
            model = type(refused)
        assert real == model

    async def _claim(self, who, limit, all_of_them):
        due = sorted(row.due_at for row in self.model.rows.values())
        if any(later - earlier < 2 for earlier, later in itertools.pairwise(due)):
            limit = 100  # which of two equally due comes first is nobody's promise
        names = [(saga.name, saga.version) for saga in self.sagas[: SAGAS if all_of_them else 1]]
        real = await self.real.claim(self.owner(who), names, limit)
        model = self.model.claim(self.owner(who), names, limit, at=self.clock)
        assert sorted(map(seen, real), key=str) == sorted(map(seen, model), key=str)

    async def _renew(self, who, ago):
        held = [(row.saga_id, row.epoch - ago) for row in self.model.rows.values()]
        kept = self.model.renew(self.owner(who), held, at=self.clock)
        assert await self.real.renew(self.owner(who), held) == kept

    async def _release(self, who):
        await self.real.release(self.owner(who))
        self.model.release(self.owner(who), at=self.clock)

    async def _cancel(self, number, reason):
        async with self.database.connection() as connection:
            real = await request_cancel(connection, self.ids[number], reason)
        assert real == self.model.request_cancel(self.ids[number], reason, at=self.clock)

    async def _retry(self, number):
        await self._resumed(self.operator.retry, number, None)

    async def _compensate(self, number):
        await self._resumed(self.operator.compensate, number, SagaState.COMPENSATING)

    async def _resumed(self, command, number, state):
        if self.ids[number] in self.model.rows:
            answer = await answer_of(command(self.ids[number], None, OPERATOR, f"reason {self.turns}"))
            resumed = self.model.resume(self.ids[number], state, at=self.clock)
            assert (answer is None) == resumed

    async def _pass(self, seconds):
        self.clock += seconds
        async with self.database.connection() as connection:  # the same, seen from the rows
            await connection.execute(
                "UPDATE saga SET due_at = due_at - %(by)s * interval '1 second', "
                "lease_until = lease_until - %(by)s * interval '1 second', "
                "deadline = deadline - %(by)s * interval '1 second' "
                "WHERE saga_id = ANY (%(ids)s) AND state NOT IN ('succeeded', 'compensated')",
                {"by": seconds, "ids": self.ids},
            )

    def owner(self, who):
        return f"{who}-{self.mark}"

    async def compare(self):
        async with self.database.connection() as connection:
            cursor = await connection.execute(
                "SELECT saga_id, owner, takeovers, resume_state, finished_at IS NOT NULL, "
                "EXTRACT(epoch FROM due_at - clock_timestamp())::float8, "
                "EXTRACT(epoch FROM lease_until - clock_timestamp())::float8, "
                "EXTRACT(epoch FROM deadline - clock_timestamp())::float8 FROM saga WHERE saga_id = ANY (%s)",
                (self.ids,),
            )
            rows = {row[0]: row[1:] for row in await cursor.fetchall()}
            noted = await (await connection.execute("SELECT count(*) FROM noted WHERE n = %s", (self.mark,))).fetchone()
        assert rows.keys() == self.model.rows.keys()
        assert noted[0] == self.effects
        for saga_id, (who, takeovers, resume, finished, *times) in rows.items():
            row = self.model.rows[saga_id]
            assert (who, takeovers, resume, finished) == (
                row.owner,
                row.takeovers,
                row.resume_state,
                row.finished_at is not None,
            )
            if not row.state.terminal:
                left = [None if at is None else at - self.clock for at in (row.due_at, row.lease_until, row.deadline)]
                assert times == [None if one is None else pytest.approx(one, abs=6.0) for one in left]
            read = await self.real.read(saga_id)
            assert seen(read) == seen(self.model.read(saga_id, at=self.clock))


def seen(record):
    """A record without what differs for good: wall-clock times, and the order of outcomes written by one commit."""
    overdue = record.overdue if not record.state.terminal else None
    attempts = {one.id: (one.outcome, one.output, one.error, one.epoch) for one in record.attempts}
    return (
        record.saga_id,
        record.name,
        record.version,
        record.state,
        record.tenant_id,
        record.params,
        record.epoch,
        record.cancel_reason,
        overdue,
        record.error,
        record.forgiven_epoch,
        sorted(attempts.items(), key=str),
    )


async def answer_of(running):
    try:
        return await running
    except (Conflict, LeaseLost, FailedPrecondition) as refused:
        return type(refused)


def test_any_sequence_of_operations_has_the_same_answers_and_leaves_the_same_rows_in_both(new_database_url):
    url = new_database_url(MIGRATIONS)
    with asyncio.Runner() as runner:
        database = Database(url)

        async def prepare():
            await database.open()
            async with database.connection() as connection:
                await connection.execute("CREATE TABLE noted (n integer NOT NULL)")

        async def go(operations):
            both = SideBySide(database)
            for one in operations:
                await both.do(*one)

        @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
        @example(CANCELLED)
        @example(BOUND)
        @example(STUCK)
        @example(TURNED)
        @example(ENDED)
        @example(TAKEN)
        @given(st.lists(operation, min_size=10, max_size=40))
        def compare(operations):
            runner.run(go(operations))

        runner.run(prepare())
        try:
            compare()
        finally:
            runner.run(database.close())


async def test_attempts_are_read_in_the_order_in_which_they_finished_in_both(new_database):
    database = await new_database(MIGRATIONS)
    both = SideBySide(database)
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE noted (n integer NOT NULL)")
    running = ("commit", 0, "a", 0, SagaState.RUNNING, False, False)
    await both.do("begin", 0, "a", 5000.41, STEPS)
    await both.do(*running, [(("two", "action", 1), AttemptOutcome.UNKNOWN)], False, [("two", "action", 2)], None)
    await both.do(*running, [(("one", "action", 1), AttemptOutcome.OK)], False, [], None)
    await both.do(*running, [(("two", "action", 2), AttemptOutcome.OK)], False, [], None)
    order = [("two", "action", 1), ("one", "action", 1), ("two", "action", 2)]
    assert [one.id for one in (await both.real.read(both.ids[0])).attempts] == order
    assert [one.id for one in both.model.read(both.ids[0], at=0.0).attempts] == order
