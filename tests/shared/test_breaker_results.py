"""What an outcome of a call says of its target: a failure, a success, or nothing."""

import asyncio

import pytest

from novacron.api.scheduler.v1 import NodeServiceStub, add_NodeServiceServicer_to_server
from novacron.errors import (
    BEHIND,
    BreakerOpen,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    DeadlineTooShort,
    Internal,
    NoCapacity,
    NotFound,
    Outcome,
    Overloaded,
    PermissionDenied,
    Throttled,
    Unavailable,
    Unknown,
    Unreachable,
)
from novacron.rpc.breaker import Result, State
from novacron.rpc.breaker_configuration import BreakerConfiguration, FailureCriterion
from novacron.rpc.guard import result_of

from .node_service import EAGER, ask


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Unavailable("down"), Result.FAILURE),
        (Unreachable("nobody listens"), Result.FAILURE),
        (DeadlineExceeded("late"), Result.FAILURE),
        (Overloaded("shed"), Result.FAILURE),
        (Internal("a fault"), Result.FAILURE),
        (Unknown("a fault"), Result.FAILURE),
        (DataLoss("a fault"), Result.FAILURE),
        (NotFound("the client's"), Result.SUCCESS),
        (PermissionDenied("the client's"), Result.SUCCESS),
        (NoCapacity("a sound answer"), Result.SUCCESS),
        (Cancelled("by us"), Result.NEUTRAL),
        (asyncio.CancelledError(), Result.NEUTRAL),
        (GeneratorExit(), Result.NEUTRAL),
        (DeadlineTooShort("refused by ourselves"), Result.NEUTRAL),
        (Unavailable("an agent is away", metadata={BEHIND: "the agent of node n1"}), Result.NEUTRAL),
        (Throttled("refused by ourselves"), Result.NEUTRAL),
        (BreakerOpen("refused by one behind the target"), Result.NEUTRAL),
        (ZeroDivisionError("in our own code"), Result.NEUTRAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value.name,
)
def test_only_the_targets_faults_are_held_against_it(error, result):
    assert result_of(error, timeout=1.0) is result


def test_an_attempt_that_had_no_fair_time_says_nothing():
    late = DeadlineExceeded("late")
    assert result_of(late, timeout=0.099) is Result.NEUTRAL
    assert result_of(late, timeout=0.1) is Result.FAILURE
    assert result_of(late, 0.1, BreakerConfiguration(fair_timeout_ms=500)) is Result.NEUTRAL


@pytest.mark.parametrize(
    ("criterion", "error"),
    [
        (FailureCriterion.UNAVAILABLE, Unavailable("x")),
        (FailureCriterion.UNAVAILABLE, Unreachable("x")),
        (FailureCriterion.TIMEOUT, DeadlineExceeded("x")),
        (FailureCriterion.OVERLOAD, Overloaded("x")),
        (FailureCriterion.SERVER_ERROR, Internal("x")),
    ],
)
def test_what_is_no_criterion_counts_neither_way(criterion, error):
    without = BreakerConfiguration(failure_criteria=frozenset(FailureCriterion) - {criterion})
    only = BreakerConfiguration(failure_criteria=frozenset({criterion}))
    assert result_of(error, 1.0, without) is Result.NEUTRAL
    assert result_of(error, 1.0, only) is Result.FAILURE


@pytest.mark.parametrize("error", [BreakerOpen("to the database"), DeadlineTooShort("for the rest")])
async def test_what_a_target_did_before_it_was_refused_itself_is_not_known_and_the_target_is_sound(
    servers, nodes, error
):
    """A saga that took this for "never sent" would leave behind what the target had made by then."""

    async def refused(request, context):
        raise error

    nodes.GetNode = refused
    nodes.server = await servers.start("scheduler", [(add_NodeServiceServicer_to_server, nodes)])
    channel = servers.as_service(nodes.server, "vm", breaker=EAGER)
    for _ in range(3):
        with pytest.raises(type(error)) as caught:
            await ask(NodeServiceStub(channel))
        assert caught.value.outcome is Outcome.UNKNOWN
    breaker = channel.breakers.of("novacron.api.scheduler.v1.NodeService")
    assert (breaker.state, breaker.last_rates()[0]) == (State.CLOSED, 0)
