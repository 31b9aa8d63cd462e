"""The breaker where calls are made: real servers, real channels, all four arities."""

import asyncio
from uuid import uuid4

import grpc
import pytest
from google.protobuf import descriptor_pool
from prometheus_client import REGISTRY

from novacron.api.auth.v1 import AuthServiceServicer, AuthServiceStub, GetUserPermissionsRequest
from novacron.api.auth.v1 import add_AuthServiceServicer_to_server as add_auth
from novacron.api.scheduler.v1 import (
    GetNodeRequest,
    Node,
    NodeServiceServicer,
    NodeServiceStub,
    add_NodeServiceServicer_to_server,
)
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
    NovacronError,
    Outcome,
    Overloaded,
    PermissionDenied,
    Throttled,
    Unavailable,
    Unknown,
    Unreachable,
)
from novacron.rpc import policy
from novacron.rpc.breaker import Result, State
from novacron.rpc.breaker_configuration import BreakerConfiguration, ConfigurationError, FailureCriterion
from novacron.rpc.breaker_override import BreakerOverride
from novacron.rpc.guard import Breakers, result_of
from novacron.saga.key import SagaKey, set_current_key

EAGER = BreakerConfiguration(minimum_request_threshold=2, failure_threshold=2, timeout_duration_seconds=0.2)
CLASS = "test.Arity"
ARITIES = ("unary_unary", "stream_unary", "unary_stream", "stream_stream")


# What an outcome says of the target.


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


# All four arities.


class Arities:
    """One method of each arity, which fails, hangs or answers as it is told."""

    def __init__(self):
        self.mode = "well"
        self.calls = 0

    async def behave(self):
        self.calls += 1
        if self.mode == "hang":
            await asyncio.Event().wait()
        if self.mode != "well":
            raise self.mode

    async def one(self, request, context):
        await self._guarded(context)
        return b"done"

    async def many(self, request, context):
        await self._guarded(context)
        yield b"first"
        yield b"second"

    async def _guarded(self, context):
        try:
            await self.behave()
        except NovacronError as error:
            await context.abort(error.code, str(error))


@pytest.fixture
async def arities(identify):
    """A bare server: which calls get through is the client's affair."""
    served, server = Arities(), grpc.aio.server()
    handlers = {
        name: getattr(grpc, f"{name}_rpc_method_handler")(served.many if name.endswith("stream") else served.one)
        for name in ARITIES
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(CLASS, handlers),))
    me = identify("scheduler")
    served.address = f"localhost:{server.add_secure_port('127.0.0.1:0', me.mesh_port())}"
    await server.start()
    yield served
    await server.stop(0)


@pytest.fixture
def method(arities, identify, monkeypatch):
    """``method("unary_stream")``: a channel and a call of that arity, one attempt each."""
    from novacron.rpc import Channel
    from novacron.rpc import channel as channels

    monkeypatch.setattr(
        channels, "policy_of", lambda path: policy.MethodPolicy(path, breaker_class=CLASS, timeout_seconds=5)
    )

    def of(arity, configuration=EAGER):
        channel = Channel("arity", arities.address, identify("vm").client(), attempts=1, breaker=configuration)
        stub = getattr(channel, arity)(f"/{CLASS}/{arity}")

        async def requests():
            yield b"ask"

        async def call(**named):
            made = stub(requests() if arity.startswith("stream") else b"ask", **named)
            if arity.endswith("unary"):
                return await made
            return [response async for response in made]

        return channel, call, stub

    return of


@pytest.mark.parametrize("arity", ARITIES)
async def test_in_every_arity_it_opens_refuses_without_sending_and_closes_when_the_target_is_back(
    arities, method, arity
):
    channel, call, _ = method(arity)
    async with channel:
        arities.mode = Unavailable("down")
        for _ in range(2):
            with pytest.raises(Unavailable):
                await call()
        sent = arities.calls
        with pytest.raises(BreakerOpen, match=f"arity/{CLASS} is open: the call was not sent") as caught:
            await call()
        assert arities.calls == sent
        assert caught.value.metadata == {"breaker": f"arity/{CLASS}", "state": "open"}
        assert 0 < caught.value.retry_after_seconds <= 0.2
        arities.mode = "well"
        await asyncio.sleep(0.21)  # the open time itself
        for _ in range(EAGER.success_threshold):
            await call()
        assert channel.breakers.of(CLASS).state is State.CLOSED
        assert channel.breakers.of(CLASS).in_flight == 0


@pytest.mark.parametrize("arity", ARITIES)
async def test_in_every_arity_a_cancelled_call_gives_its_permit_back_and_counts_for_nothing(arities, method, arity):
    channel, call, _ = method(arity)
    async with channel:
        arities.mode = "hang"
        tasks = [asyncio.create_task(call()) for _ in range(20)]
        while arities.calls < 20:
            await asyncio.sleep(0.01)
        assert channel.breakers.of(CLASS).in_flight == 20
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        breaker = channel.breakers.of(CLASS)
        assert (breaker.in_flight, breaker.last_rates()[0], breaker.state) == (0, 0, State.CLOSED)


@pytest.mark.parametrize("arity", ARITIES)
async def test_in_every_arity_a_crowd_at_half_open_is_let_through_by_threes(arities, method, arity):
    channel, call, _ = method(arity)
    async with channel:
        arities.mode = Unavailable("down")
        for _ in range(2):
            with pytest.raises(Unavailable):
                await call()
        arities.mode, sent = "hang", arities.calls
        await asyncio.sleep(0.21)
        crowd = [asyncio.create_task(call()) for _ in range(50)]
        refused, _ = await asyncio.wait(crowd, timeout=0.5)
        assert len(refused) == 47
        assert all(isinstance(task.exception(), BreakerOpen) for task in refused)
        assert arities.calls == sent + 3
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        assert channel.breakers.of(CLASS).probes(0) == 0


@pytest.mark.parametrize("arity", ["unary_stream", "stream_stream"])
async def test_a_stream_that_is_left_in_its_middle_has_long_given_its_permit_back(arities, method, arity):
    channel, _, stub = method(arity)

    async def requests():
        yield b"ask"

    async with channel:
        stream = stub(requests() if arity.startswith("stream") else b"ask")
        assert await anext(stream) == b"first"
        assert channel.breakers.of(CLASS).in_flight == 0
        assert channel.breakers.of(CLASS).last_rates() == (1, 0.0, 0.0)
        await stream.aclose()
        assert channel.breakers.of(CLASS).last_rates() == (1, 0.0, 0.0)


async def test_client_errors_are_successes_and_never_open_it(arities, method):
    channel, call, _ = method("unary_unary")
    async with channel:
        arities.mode = NotFound("no such thing")
        for _ in range(30):
            with pytest.raises(NotFound):
                await call()
        assert channel.breakers.of(CLASS).last_rates() == (30, 0.0, 0.0)


async def test_transitions_and_refusals_are_numbers_that_prometheus_reads(arities, method):
    def sample(name, **labels):
        return REGISTRY.get_sample_value(name, {"server_address": "arity", "novacron_breaker_class": CLASS, **labels})

    changed = {"novacron_breaker_from": "closed", "novacron_breaker_to": "open"}
    before = sample("novacron_breaker_transitions_total", **changed) or 0
    refused = sample("novacron_breaker_refused_total", novacron_breaker_state="open") or 0
    channel, call, _ = method("unary_unary")
    async with channel:
        arities.mode = Internal("a fault")
        for _ in range(3):
            with pytest.raises(NovacronError):
                await call()
        assert sample("novacron_breaker_transitions_total", **changed) == before + 1
        assert sample("novacron_breaker_refused_total", novacron_breaker_state="open") == refused + 1
        assert sample("novacron_breakers", novacron_breaker_state="open") >= 1


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


# Configured while calls go on.


def test_overrides_go_class_over_target_over_the_channels_own():
    breakers = Breakers("scheduler", BreakerConfiguration(success_threshold=9))
    breakers.configure(
        {
            "": BreakerOverride({"failure_threshold": 2, "slow_rate": 0.3}),
            "reads": BreakerOverride({"failure_threshold": 7}),
        }
    )
    reads, writes = breakers.of("reads").configuration, breakers.of("writes").configuration
    assert (reads.failure_threshold, reads.slow_rate, reads.success_threshold) == (7, 0.3, 9)
    assert (writes.failure_threshold, writes.slow_rate) == (2, 0.3)
    breakers.configure({})
    assert breakers.of("reads").configuration == BreakerConfiguration(success_threshold=9)


def test_an_override_that_makes_no_sense_changes_nothing_and_names_its_field():
    breakers = Breakers("scheduler")
    breakers.of("reads")
    breakers.configure({"": BreakerOverride({"failure_threshold": 2})})
    with pytest.raises(ConfigurationError, match="failure_rate: must be above 0"):
        breakers.configure({"": BreakerOverride({"failure_rate": 2.0})})
    assert [breakers.of(one).configuration.failure_threshold for one in ("reads", "new")] == [2, 2]


def test_an_override_for_breakers_that_are_not_there_yet_is_held_to_the_same():
    breakers = Breakers("scheduler")
    for breaker_class in ("", "reads"):
        with pytest.raises(ConfigurationError):
            breakers.configure({breaker_class: BreakerOverride({"failure_rate": 2.0})})
    assert breakers.of("reads").configuration == BreakerConfiguration()


def test_a_configured_state_holds_for_breakers_there_and_to_come_and_one_set_by_hand_stays():
    breakers = Breakers("scheduler")
    breakers.of("reads")
    forced = {"": BreakerOverride(state=State.FORCED_OPEN)}
    breakers.configure(forced)
    assert [breakers.of(one).state for one in ("reads", "new")] == [State.FORCED_OPEN] * 2
    breakers.force("reads", State.CLOSED, "by hand")
    breakers.configure({**forced, "other": BreakerOverride({"slow_rate": 0.5})})
    assert breakers.of("reads").state is State.CLOSED, "nothing about its state has been configured anew"
    breakers.configure({})
    assert breakers.of("new").state is State.CLOSED


# Fallbacks.


class Nodes(NodeServiceServicer):
    def __init__(self):
        self.down = False
        self.calls = 0

    async def GetNode(self, request, context):
        self.calls += 1
        if self.down:
            raise Unavailable("the scheduler is starting")
        return Node(name=request.node, agent_address=f"host:{self.calls}")


@pytest.fixture
async def nodes(servers):
    made = Nodes()
    made.server = await servers.start("scheduler", [(add_NodeServiceServicer_to_server, made)])
    return made


def ask(stub, name="n1"):
    return stub.GetNode(GetNodeRequest(node=name))


async def test_a_nodes_place_is_the_last_known_one_while_the_scheduler_is_away_or_its_breaker_open(servers, nodes):
    channel = servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER)
    stub = NodeServiceStub(channel)
    assert (await ask(stub)).agent_address == "host:1"
    nodes.down = True
    for _ in range(4):
        assert (await ask(stub)).agent_address == "host:1"
    assert channel.breakers.of("novacron.api.scheduler.v1.NodeService").state is State.OPEN
    assert nodes.calls == 3, "the last two were not sent"
    with pytest.raises(BreakerOpen):
        await ask(stub, "another node, of which nothing is known")


async def test_what_is_given_instead_may_be_changed_by_who_gets_it(servers, nodes):
    stub = NodeServiceStub(servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER))
    (await ask(stub)).agent_address = "scribbled over"
    nodes.down = True
    (await ask(stub)).agent_address = "again"
    assert (await ask(stub)).agent_address == "host:1"


async def test_a_saga_is_given_no_old_answer(servers, nodes):
    stub = NodeServiceStub(servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER))
    await ask(stub)
    nodes.down = True
    set_current_key(SagaKey(uuid4(), "destroy", "action"))
    with pytest.raises(Unavailable):
        await ask(stub)


async def test_one_users_answer_is_not_another_users(servers, nodes):
    channel = servers.as_user(nodes.server, attempts=1, breaker=EAGER)
    stub = NodeServiceStub(channel)
    mine, yours = servers.users.add("node:read"), servers.users.add("node:read")
    await stub.GetNode(GetNodeRequest(node="n1"), metadata=mine.metadata)
    nodes.down = True
    await stub.GetNode(GetNodeRequest(node="n1"), metadata=mine.metadata)
    with pytest.raises(Unavailable):
        await stub.GetNode(GetNodeRequest(node="n1"), metadata=yours.metadata)


async def test_an_old_answer_is_too_old_after_its_time(servers, nodes):
    channel = servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER)
    now = 0.0
    channel.fallback._clock = lambda: now
    stub = NodeServiceStub(channel)
    await ask(stub)
    nodes.down, now = True, 60.0
    await ask(stub)
    now = 60.1
    with pytest.raises(Unavailable):
        await ask(stub)


async def test_fallbacks_can_be_switched_off_at_run_time(servers, nodes):
    channel = servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER)
    stub = NodeServiceStub(channel)
    await ask(stub)
    channel.configure({"": BreakerOverride({"fallback_enabled": False})})
    nodes.down = True
    with pytest.raises(Unavailable):
        await ask(stub)


async def test_another_service_is_asked_and_then_the_default_where_the_method_declares_them(
    servers, nodes, monkeypatch
):
    there = Nodes()
    elsewhere = await servers.start("scheduler", [(add_NodeServiceServicer_to_server, there)])
    path = "/novacron.api.scheduler.v1.NodeService/GetNode"
    fallback = policy.Fallback(another_service=True, default_value='{"name": "nobody"}')
    declared = policy.policy_of(path)
    from dataclasses import replace

    from novacron.rpc import channel as channels

    monkeypatch.setattr(channels, "policy_of", lambda _: replace(declared, fallback=fallback))
    west = servers.as_service(elsewhere, "vm", attempts=1, breaker=EAGER)
    channel = servers.as_service(nodes.server, "vm", attempts=1, breaker=EAGER, other=lambda name: west)
    stub = NodeServiceStub(channel)
    nodes.down = True
    assert (await ask(stub)).name == "nobody", "no other service is configured"
    channel.configure({"": BreakerOverride(fallback_service="scheduler-west")})
    assert (await ask(stub)).agent_address == "host:1"
    there.down = True
    assert (await ask(stub)).name == "nobody"
    name = path[1:].replace("/", ".")
    channel.configure({"": BreakerOverride(fallback_response={name: {"name": "configured"}})})
    assert (await ask(stub)).name == "configured"
    channel.configure({"": BreakerOverride(fallback_response={name: {"no such": "field"}})})
    assert (await ask(stub)).name == "nobody"


async def test_what_somebody_may_do_is_never_guessed(servers):
    """The permission check fails closed: its contract declares no fallback, and nothing configured gives it one."""

    class Auth(AuthServiceServicer):
        async def GetUserPermissions(self, request, context):
            raise Unavailable("auth is starting")

    server = await servers.start("auth", [(add_auth, Auth())])
    channel = servers.as_service(server, "vm", attempts=1, breaker=EAGER)
    answer = {"novacron.api.auth.v1.AuthService.GetUserPermissions": {"permissions": ["*:*"]}}
    channel.configure({"": BreakerOverride(fallback_response=answer, fallback_service="auth")})
    for _ in range(4):
        with pytest.raises(Unavailable):
            await AuthServiceStub(channel).GetUserPermissions(GetUserPermissionsRequest(user_id=str(uuid4())))
    methods = descriptor_pool.Default().FindServiceByName("novacron.api.auth.v1.AuthService").methods
    assert [
        one.name for one in methods if policy.policy_of(f"/{one.containing_service.full_name}/{one.name}").fallback
    ] == []


async def test_attempts_of_a_call_are_configured_at_run_time(servers, nodes):
    channel = servers.as_service(nodes.server, "vm", attempts=3)
    nodes.down = True
    channel.configure({"": BreakerOverride({"max_retry_attempts": 1})})
    with pytest.raises(Unavailable):
        await ask(NodeServiceStub(channel))
    assert nodes.calls == 1
    channel.configure({})
    assert channel.retry.attempts == 3
