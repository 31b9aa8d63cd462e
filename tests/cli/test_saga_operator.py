"""`novacron saga retry|skip|compensate|resolve|cancel`, against real sagas on a real database."""

from dataclasses import dataclass
from uuid import uuid4

import pytest

from novacron.api.saga.v1 import add_SagaServiceServicer_to_server
from novacron.errors import Unavailable
from novacron.paging import PageTokens
from novacron.saga import MIGRATIONS, Coordinator, Kind, PostgresLog, RetryPolicy, Saga, SagaState, Step
from novacron.saga.operator import Operator
from novacron.saga.servicer import SagaServicer

ONCE = RetryPolicy(attempts=1)


@dataclass(frozen=True)
class Nothing:
    pass


@dataclass
class Workshop:
    """Sagas of one service, whose last step works or does not."""

    database: object
    coordinator: Coordinator
    saga: Saga
    address: str
    broken: bool = True
    undo_broken: bool = False

    async def stuck(self) -> str:
        async with self.database.transaction() as connection:
            begun = await self.coordinator.begin(connection, self.saga, uuid4(), Nothing())
        self.coordinator.launch(begun)
        assert (await self.coordinator.wait(begun.record.saga_id, 10)).state is SagaState.STUCK
        return str(begun.record.saga_id)


@pytest.fixture
async def workshop(logged_in, new_database, servers):
    database = await new_database(MIGRATIONS)

    async def works(context):
        return None

    async def may_work(context):
        if made.broken:
            raise Unavailable("the scheduler does not answer")

    async def may_be_undone(context):
        if made.undo_broken:
            raise Unavailable("the node does not answer")

    steps = (
        Step("reserve", Kind.COMPENSATABLE, works, may_be_undone, compensation_retry=ONCE),
        Step("confirm", Kind.RETRIABLE, may_work, retry=ONCE),
    )
    saga = Saga(name="create-vm", version=1, params=Nothing, steps=steps)
    coordinator = Coordinator(PostgresLog(database), [saga], sweep_seconds=0.02)
    servicer = SagaServicer(database, Operator(database, [saga]), PageTokens(bytes(32)))
    server = await servers.start("vm", [(add_SagaServiceServicer_to_server, servicer)])
    made = Workshop(database, coordinator, saga, f"127.0.0.1:{server.port}")
    profile = logged_in.profile
    profile["endpoints"]["vm"] = made.address
    logged_in.write_profile(**profile)
    await coordinator.start()
    yield made
    await coordinator.stop()


async def test_a_stuck_saga_is_retried_and_its_page_shows_who_did_it_and_why(novacron, workshop):
    saga_id = await workshop.stuck()
    workshop.broken = False
    result = await novacron("saga", "retry", saga_id, "--reason", "the scheduler is back")
    assert result.code == 0, result.err
    assert "create-vm goes on where it was stuck" in result.err
    assert (await workshop.coordinator.wait(saga_id, 10)).state is SagaState.SUCCEEDED
    shown = await novacron("saga", "show", saga_id)
    assert shown.out.splitlines()[-2].split() == ["TIME", "OPERATOR", "DID", "REASON"]
    assert shown.out.splitlines()[-1].endswith("retry  the scheduler is back")


async def test_a_saga_that_is_stuck_on_its_way_back_shows_on_what_and_why_it_had_turned_back(novacron, workshop):
    saga_id = await workshop.stuck()
    workshop.undo_broken = True
    assert (await novacron("saga", "compensate", saga_id, "--reason", "not wanted")).code == 0
    assert (await workshop.coordinator.wait(saga_id, 10)).state is SagaState.STUCK
    shown = await novacron("saga", "show", saga_id)
    lines = dict(line.split(":", 1) for line in shown.out.splitlines()[:6] if ":" in line)
    assert lines["error"].strip() == "reserve (undo): the node does not answer"
    assert lines["turned back by"].strip() == "confirm: the scheduler does not answer"
    told = (await novacron("saga", "show", saga_id, "-o", "json")).json
    assert (told["error"], told["cause"]) == (lines["error"].strip(), lines["turned back by"].strip())


async def test_a_step_done_by_hand_is_skipped(novacron, workshop):
    saga_id = await workshop.stuck()
    result = await novacron("saga", "skip", saga_id, "confirm", "--reason", "confirmed by hand", "-o", "json")
    assert result.code == 0, result.err
    assert [(one["action"], one["step"]) for one in result.json["interventions"]] == [("skip", "confirm")]
    assert (await workshop.coordinator.wait(saga_id, 10)).state is SagaState.SUCCEEDED


@pytest.mark.parametrize("command", ["compensate", "resolve"])
async def test_a_stuck_saga_is_turned_back_or_ended(novacron, workshop, command):
    saga_id = await workshop.stuck()
    assert (await novacron("saga", command, saga_id, "--reason", "not wanted")).code == 0
    record = await workshop.coordinator.wait(saga_id, 10)
    assert record.state is SagaState.COMPENSATED


async def test_what_a_saga_is_in_no_state_for_is_refused_with_what_to_look_at(novacron, workshop):
    saga_id = await workshop.stuck()
    result = await novacron("saga", "cancel", saga_id, "--reason", "not wanted")
    assert result.code == 1
    assert "create-vm is stuck: only a running saga can be cancelled" in result.err
    wrong_step = await novacron("saga", "skip", saga_id, "dance", "--reason", "why not")
    assert wrong_step.code == 2
    assert "its steps are reserve, confirm" in wrong_step.err


async def test_a_command_without_a_reason_is_wrong_usage(novacron, workshop):
    saga_id = await workshop.stuck()
    for command in (["retry", saga_id], ["skip", saga_id, "confirm"]):
        result = await novacron("saga", *command)
        assert result.code == 2
        assert "--reason" in result.err
    empty = await novacron("saga", "retry", saga_id, "--reason", "")
    assert empty.code == 2
    assert "reason" in empty.err


async def test_a_saga_that_is_not_there_is_exit_code_3(novacron, workshop):
    result = await novacron("saga", "retry", str(uuid4()), "--reason", "why not")
    assert result.code == 3
    assert "novacron saga list" in result.err
