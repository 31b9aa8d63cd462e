"""The operator's commands over gRPC: what each does to a saga, what it refuses, and what stays of it."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
import pytest

from novacron.api.saga.v1 import (
    SAGA_STATE_COMPENSATED,
    SAGA_STATE_STUCK,
    SAGA_STATE_SUCCEEDED,
    CancelSagaRequest,
    CompensateSagaRequest,
    GetSagaRequest,
    ListSagasRequest,
    ResolveSagaRequest,
    RetrySagaRequest,
    SagaServiceStub,
    SkipSagaStepRequest,
    add_SagaServiceServicer_to_server,
)
from novacron.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unavailable
from novacron.paging import PageTokens
from novacron.saga import MIGRATIONS, Coordinator, Kind, PostgresLog, RetryPolicy, Saga, Step
from novacron.saga.operator import Operator
from novacron.saga.servicer import SagaServicer
from novacron.testing.patience import eventually

QUICK = RetryPolicy(attempts=2, first_seconds=0.001, most_seconds=0.002)
WHY = "the rack has power again"


@dataclass(frozen=True)
class Order:
    dish: str = "soup"


@dataclass(frozen=True)
class Table:
    number: int


@dataclass
class Kitchen:
    """The world of the saga `serve`: what was done in it, and which of its operations fail."""

    broken: set[str] = field(default_factory=set)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def __call__(self, name, answer=None):
        async def operation(context):
            self.calls.append(name)
            if name in self.held:
                await self.held[name].wait()
            if name in self.broken:
                raise Unavailable(f"{name} does not work")
            return answer

        return operation

    def saga(self) -> Saga:
        async def note(what, connection, context):
            assert context.services == "participants"
            statement = "INSERT INTO noted VALUES (%s, %s)"
            await connection.execute(statement, (what, context.result(Table).number if what == "paid" else 0))

        async def paid(connection, context, _):
            await note("paid", connection, context)

        async def undone(connection, context, error):
            await note("undone", connection, context)

        quick = {"retry": QUICK, "compensation_retry": QUICK}
        return Saga(
            name="serve",
            version=1,
            params=Order,
            steps=(
                Step("seat", Kind.COMPENSATABLE, self("seat", Table(7)), self("unseat"), output=Table, **quick),
                Step("cook", Kind.COMPENSATABLE, self("cook"), self("uncook"), **quick),
                Step("pay", Kind.RETRIABLE, self("pay"), local=paid, retry=QUICK),
                Step("wash", Kind.RETRIABLE, self("wash"), retry=QUICK),
            ),
            on_compensated=undone,
        )


@dataclass
class House:
    """A service that owns sagas, with its coordinator, and an operator who may do everything."""

    database: object
    server: object
    servers: object
    coordinator: Coordinator
    saga: Saga
    kitchen: Kitchen
    operator: object = None
    tenant_id: UUID = field(default_factory=uuid4)

    def stub(self, *permissions, tenant_id=None):
        user = self.servers.users.add(*permissions, tenant_id=tenant_id)
        return SagaServiceStub(self.servers.as_user(self.server, user)), user

    async def begin(self) -> str:
        async with self.database.transaction() as connection:
            begun = await self.coordinator.begin(connection, self.saga, uuid4(), Order(), tenant_id=self.tenant_id)
        self.coordinator.launch(begun)
        return str(begun.record.saga_id)

    async def stuck(self, *broken) -> str:
        """A saga that is stuck because these operations do not work."""
        self.kitchen.broken |= set(broken)
        saga_id = await self.begin()
        await self.ends(saga_id, SAGA_STATE_STUCK)
        self.kitchen.calls.clear()
        return saga_id

    async def ends(self, saga_id, state):
        async def reached():
            found = await self.operator.GetSaga(GetSagaRequest(saga_id=saga_id))
            return found if found.state == state else None

        return await eventually(reached)

    async def noted(self):
        async with self.database.connection() as connection:
            return await (await connection.execute("SELECT what, number FROM noted")).fetchall()


@pytest.fixture
async def house(new_database, servers):
    database, kitchen = await new_database(MIGRATIONS), Kitchen()
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE noted (what text PRIMARY KEY, number int)")
    saga = kitchen.saga()
    log = PostgresLog(database, lease_seconds=2)
    coordinator = Coordinator(log, [saga], services="participants", lease_seconds=2, sweep_seconds=0.02, seed=1)
    operator = Operator(database, [saga], services="participants")
    servicer = SagaServicer(database, operator, PageTokens(bytes(32)))
    server = await servers.start("vm", [(add_SagaServiceServicer_to_server, servicer)])
    made = House(database, server, servers, coordinator, saga, kitchen)
    made.operator, made.user = made.stub("saga:read", "saga:operate", "tenant:any")
    await coordinator.start()
    yield made
    await coordinator.stop()


async def test_a_stuck_saga_whose_fault_is_gone_is_retried_to_its_success(house):
    saga_id = await house.stuck("pay")
    house.kitchen.broken.clear()
    await house.operator.RetrySaga(RetrySagaRequest(saga_id=saga_id, reason=WHY))
    ended = await house.ends(saga_id, SAGA_STATE_SUCCEEDED)
    assert house.kitchen.calls == ["pay", "wash"]
    assert ended.error == ""
    assert [(one.attempt, one.outcome) for one in ended.attempts if one.step == "pay"] == [
        (1, "unknown"),
        (2, "unknown"),
        (3, "ok"),
    ]


async def test_a_retry_grants_all_attempts_anew_and_is_counted_as_before(house):
    saga_id = await house.stuck("pay")
    await house.operator.RetrySaga(RetrySagaRequest(saga_id=saga_id, reason=WHY))
    await eventually(lambda: _value(len(house.kitchen.calls) == 2))
    await house.ends(saga_id, SAGA_STATE_STUCK)
    assert house.kitchen.calls == ["pay", "pay"]


async def test_a_saga_stuck_on_its_way_back_is_retried_to_its_undoing(house):
    saga_id = await house.stuck("cook", "uncook")
    stuck = await house.operator.GetSaga(GetSagaRequest(saga_id=saga_id))
    assert stuck.error.startswith("cook (undo): ")
    assert stuck.cause.startswith("cook: ")
    house.kitchen.broken.clear()
    await house.operator.RetrySaga(RetrySagaRequest(saga_id=saga_id, reason=WHY))
    over = await house.ends(saga_id, SAGA_STATE_COMPENSATED)
    assert (over.error, over.cause) == (stuck.cause, ""), "it is no longer stuck, and this is why it was undone"
    assert house.kitchen.calls == ["uncook", "unseat"]
    assert await house.noted() == [("undone", 0)]


async def test_a_skipped_step_counts_as_done_with_its_local_effect_and_is_not_called(house):
    saga_id = await house.stuck("pay")
    await house.operator.SkipSagaStep(SkipSagaStepRequest(saga_id=saga_id, step="pay", reason="paid in cash"))
    await house.ends(saga_id, SAGA_STATE_SUCCEEDED)
    assert house.kitchen.calls == ["wash"]
    assert await house.noted() == [("paid", 7)]


async def test_a_skipped_compensation_leaves_the_rest_of_the_way_back(house):
    saga_id = await house.stuck("cook", "uncook")
    await house.operator.SkipSagaStep(SkipSagaStepRequest(saga_id=saga_id, step="cook", reason="thrown away"))
    await house.ends(saga_id, SAGA_STATE_COMPENSATED)
    assert house.kitchen.calls == ["unseat"]


async def test_only_the_step_where_the_saga_is_stuck_can_be_skipped(house):
    saga_id = await house.stuck("pay")
    with pytest.raises(FailedPrecondition, match="stuck at pay, not at wash"):
        await house.operator.SkipSagaStep(SkipSagaStepRequest(saga_id=saga_id, step="wash", reason=WHY))
    with pytest.raises(InvalidArgument, match="its steps are seat, cook, pay, wash"):
        await house.operator.SkipSagaStep(SkipSagaStepRequest(saga_id=saga_id, step="dance", reason=WHY))
    with pytest.raises(FailedPrecondition, match="later steps of serve read what seat returns"):
        await house.operator.SkipSagaStep(SkipSagaStepRequest(saga_id=saga_id, step="seat", reason=WHY))


async def test_compensate_turns_a_saga_back_from_behind_its_point_of_no_return(house):
    saga_id = await house.stuck("pay")
    await house.operator.CompensateSaga(CompensateSagaRequest(saga_id=saga_id, reason=WHY))
    ended = await house.ends(saga_id, SAGA_STATE_COMPENSATED)
    assert house.kitchen.calls == ["uncook", "unseat"]
    assert await house.noted() == [("undone", 0)]
    assert "pay does not work" in ended.error


async def test_resolve_ends_a_saga_as_compensated_and_calls_nobody(house):
    saga_id = await house.stuck("cook", "uncook")
    await house.operator.ResolveSaga(ResolveSagaRequest(saga_id=saga_id, reason="cleaned by hand"))
    await house.ends(saga_id, SAGA_STATE_COMPENSATED)
    assert house.kitchen.calls == []
    assert await house.noted() == [("undone", 0)]


async def test_cancel_turns_a_running_saga_round_and_the_reason_is_what_its_owner_reads(house):
    house.kitchen.held["cook"] = asyncio.Event()
    saga_id = await house.begin()
    await eventually(lambda: _value("cook" in house.kitchen.calls))
    await house.operator.CancelSaga(CancelSagaRequest(saga_id=saga_id, reason="the guest has left"))
    house.kitchen.held["cook"].set()
    ended = await house.ends(saga_id, SAGA_STATE_COMPENSATED)
    assert house.kitchen.calls == ["seat", "cook", "uncook", "unseat"]
    assert "the guest has left" in ended.error
    assert [one.action for one in ended.interventions] == ["cancel"]


async def test_a_command_for_a_stuck_saga_is_refused_for_any_other(house):
    saga_id = await house.begin()
    await house.ends(saga_id, SAGA_STATE_SUCCEEDED)
    before = await house.operator.GetSaga(GetSagaRequest(saga_id=saga_id))
    with pytest.raises(FailedPrecondition, match=f"serve is succeeded: retry is for stuck.*saga show {saga_id}"):
        await house.operator.RetrySaga(RetrySagaRequest(saga_id=saga_id, reason=WHY))
    with pytest.raises(FailedPrecondition, match="skip is for stuck"):
        await house.operator.SkipSagaStep(SkipSagaStepRequest(saga_id=saga_id, step="pay", reason=WHY))
    with pytest.raises(FailedPrecondition, match="compensate is for stuck"):
        await house.operator.CompensateSaga(CompensateSagaRequest(saga_id=saga_id, reason=WHY))
    with pytest.raises(FailedPrecondition, match="resolve is for stuck"):
        await house.operator.ResolveSaga(ResolveSagaRequest(saga_id=saga_id, reason=WHY))
    with pytest.raises(FailedPrecondition, match="only a running saga can be cancelled"):
        await house.operator.CancelSaga(CancelSagaRequest(saga_id=saga_id, reason=WHY))
    assert await house.operator.GetSaga(GetSagaRequest(saga_id=saga_id)) == before


async def test_a_command_without_a_reason_is_refused(house):
    saga_id = await house.stuck("pay")
    for call, request in (
        (house.operator.RetrySaga, RetrySagaRequest),
        (house.operator.CompensateSaga, CompensateSagaRequest),
        (house.operator.ResolveSaga, ResolveSagaRequest),
        (house.operator.CancelSaga, CancelSagaRequest),
    ):
        with pytest.raises(InvalidArgument, match="reason"):
            await call(request(saga_id=saga_id))
    with pytest.raises(InvalidArgument, match="reason"):
        await house.operator.SkipSagaStep(SkipSagaStepRequest(saga_id=saga_id, step="pay"))


async def test_operators_of_a_tenant_reach_only_its_sagas_and_readers_none(house):
    saga_id = await house.stuck("pay")
    stranger, _ = house.stub("saga:read", "saga:operate")
    with pytest.raises(NotFound, match=f"saga {saga_id} not found"):
        await stranger.RetrySaga(RetrySagaRequest(saga_id=saga_id, reason=WHY))
    with pytest.raises(NotFound):
        await stranger.GetSaga(GetSagaRequest(saga_id=saga_id))
    assert not (await stranger.ListSagas(ListSagasRequest())).sagas
    reader, _ = house.stub("saga:read", tenant_id=house.tenant_id)
    with pytest.raises(PermissionDenied):
        await reader.RetrySaga(RetrySagaRequest(saga_id=saga_id, reason=WHY))
    house.kitchen.broken.clear()
    own, _ = house.stub("saga:read", "saga:operate", tenant_id=house.tenant_id)
    await own.RetrySaga(RetrySagaRequest(saga_id=saga_id, reason=WHY))
    await house.ends(saga_id, SAGA_STATE_SUCCEEDED)


async def test_every_intervention_is_shown_with_who_when_and_why_in_its_order(house):
    saga_id = await house.stuck("pay", "wash")
    await house.operator.SkipSagaStep(SkipSagaStepRequest(saga_id=saga_id, step="pay", reason="paid in cash"))
    await house.ends(saga_id, SAGA_STATE_STUCK)
    house.kitchen.broken.clear()
    answer = await house.operator.RetrySaga(RetrySagaRequest(saga_id=saga_id, reason=WHY))
    assert [(one.action, one.step, one.reason) for one in answer.interventions] == [
        ("skip", "pay", "paid in cash"),
        ("retry", "", WHY),
    ]
    assert {one.initiated_by for one in answer.interventions} == {str(house.user.user_id)}
    assert answer.interventions[0].time.ToNanoseconds() < answer.interventions[1].time.ToNanoseconds()


@pytest.mark.parametrize(
    "statement", ["UPDATE saga_intervention SET reason = 'nothing happened'", "DELETE FROM saga_intervention"]
)
async def test_what_operators_did_can_be_neither_changed_nor_taken_out(house, statement):
    saga_id = await house.stuck("pay")
    await house.operator.ResolveSaga(ResolveSagaRequest(saga_id=saga_id, reason=WHY))
    async with house.database.connection() as connection:
        with pytest.raises(psycopg.errors.RaiseException, match="what operators did"):
            await connection.execute(statement)
        await connection.execute("DELETE FROM saga WHERE saga_id = %s", (saga_id,))  # with its saga it goes
        cursor = await connection.execute("SELECT count(*) FROM saga_intervention")
        assert await cursor.fetchone() == (0,)


async def test_a_command_repeated_for_want_of_an_answer_is_one_intervention(house):
    saga_id = await house.stuck("pay")
    house.kitchen.broken.clear()
    request = RetrySagaRequest(saga_id=saga_id, reason=WHY)
    await house.operator.RetrySaga(request)
    await house.operator.RetrySaga(request)
    ended = await house.ends(saga_id, SAGA_STATE_SUCCEEDED)
    assert len((await house.operator.RetrySaga(request)).interventions) == len(ended.interventions) == 1
    with pytest.raises(FailedPrecondition, match="retry is for stuck"):
        await house.operator.RetrySaga(RetrySagaRequest(saga_id=saga_id, reason="another one"))


async def test_two_operators_at_once_are_one_command_and_one_refusal(house):
    saga_id = await house.stuck("cook", "uncook")
    answers = await asyncio.gather(
        house.operator.ResolveSaga(ResolveSagaRequest(saga_id=saga_id, reason=WHY)),
        house.operator.CompensateSaga(CompensateSagaRequest(saga_id=saga_id, reason=WHY)),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, FailedPrecondition) for one in answers) == [False, True]


async def _value(value):
    return value
