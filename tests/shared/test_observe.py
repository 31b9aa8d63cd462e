"""What is seen of a call: its spans on both sides, and what it leaves in the numbers."""

import asyncio
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import REGISTRY

from novacron import telemetry
from novacron.errors import BreakerOpen, FailedPrecondition, Internal, NotFound, Unavailable
from novacron.rpc.breaker import BreakerConfiguration, State
from novacron.testing.patience import eventually

from .rpc_echo import SERVICE, Echo, EchoServiceServicer, add_to_server
from .saga_world import Params, define


@pytest.fixture
def tracing():
    """Spans are made, and seen, for the length of a test; all of them, or as ``tracing(ratio)`` says."""
    seen = InMemorySpanExporter()

    def at(ratio):
        provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(ratio)), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(seen))
        telemetry.trace_with(provider)
        return seen

    yield at
    telemetry.trace_with(None)


@pytest.fixture
def spans(tracing):
    return tracing(1.0)


@pytest.fixture
async def servicer():
    return EchoServiceServicer()


@pytest.fixture
async def house(servers, servicer):
    """A server and a client of it. Made by the test: whether a server makes spans is decided at its start."""

    async def make(**named):
        server = await servers.start("scheduler", [(add_to_server, servicer)])
        named.setdefault("breaker", BreakerConfiguration(minimum_request_threshold=10**6))
        return servers.as_service(server, "vm", **named)

    return make


async def ended(spans, count):
    async def all_of_them():
        return len(spans.get_finished_spans()) >= count

    await eventually(all_of_them)
    return {span.kind: span for span in spans.get_finished_spans()}


async def test_both_sides_of_a_call_are_one_trace_under_the_current_names(spans, house):
    channel = await house()
    with telemetry.span("a user's request") as root:
        await Echo(channel)("One", "hello")
    seen = await ended(spans, 3)
    client, server = seen[SpanKind.CLIENT], seen[SpanKind.SERVER]
    assert client.parent.span_id == root.get_span_context().span_id
    assert server.parent.span_id == client.context.span_id
    assert client.context.trace_id == server.context.trace_id == root.get_span_context().trace_id
    method = {"rpc.system.name": "grpc", "rpc.method": f"{SERVICE}/One", "rpc.response.status_code": "OK"}
    assert client.name == server.name == f"{SERVICE}/One"
    assert dict(client.attributes) == {**method, "server.address": channel.name}
    assert {key: server.attributes[key] for key in method} == method
    assert server.attributes["network.peer.address"] in ("127.0.0.1", "::1")


@pytest.mark.parametrize("method", ["One", "Many", "Collect", "Talk"])
async def test_every_arity_has_its_spans(spans, house, method):
    with telemetry.span("a user's request"):
        await Echo(await house())(method, "hello")
    seen = await ended(spans, 3)
    assert seen[SpanKind.SERVER].parent.span_id == seen[SpanKind.CLIENT].context.span_id


async def test_the_span_of_a_stream_lasts_until_the_stream_has_ended(spans, house, servicer):
    servicer.fail_after = Internal("broke in the middle")
    with telemetry.span("a user's request"):
        stream = Echo(await house()).send("Many", "hello")
        await anext(stream)
    assert [span for span in spans.get_finished_spans() if span.kind is SpanKind.CLIENT] == []
    with pytest.raises(Internal):
        async for _ in stream:
            pass
    client = (await ended(spans, 3))[SpanKind.CLIENT]
    assert client.attributes["error.type"] == "INTERNAL"


@pytest.mark.parametrize(
    ("error", "code", "servers_fault"),
    [(NotFound("no such VM"), "NOT_FOUND", False), (Internal("oh"), "INTERNAL", True)],
)
async def test_any_error_is_one_to_the_client_and_only_the_servers_own_are_to_the_server(
    spans, house, servicer, error, code, servers_fault
):
    def fail(_):
        raise error

    servicer.behave = fail
    with pytest.raises(type(error)), telemetry.span("a user's request"):
        await Echo(await house())("OneOnce", "hello")
    seen = await ended(spans, 3)
    client, server = seen[SpanKind.CLIENT], seen[SpanKind.SERVER]
    for span in (client, server):
        assert span.attributes["rpc.response.status_code"] == code
    assert (client.attributes["error.type"], client.status.status_code) == (code, StatusCode.ERROR)
    assert (server.attributes.get("error.type") == code) is servers_fault
    assert (server.status.status_code is StatusCode.ERROR) is servers_fault


async def test_attempts_beyond_the_first_are_events_on_the_span_of_the_call_and_are_counted(spans, house, servicer):
    left = [2]

    def fail_twice(text):
        left[0] -= 1
        if left[0] >= 0:
            raise Unavailable("not now", retry_after_seconds=0.001)
        return text

    servicer.behave = fail_twice
    channel = await house()
    with telemetry.span("a user's request"):
        await Echo(channel)("One", "hello")
    seen = await ended(spans, 5)
    client = seen[SpanKind.CLIENT]
    assert [(event.name, event.attributes["novacron.attempt"]) for event in client.events] == [
        ("attempt", 1),
        ("attempt", 2),
    ]
    # Each attempt is the same call to those who serve it.
    served = [span for span in spans.get_finished_spans() if span.kind is SpanKind.SERVER]
    assert {span.parent.span_id for span in served} == {client.context.span_id}
    labels = {"rpc_method": f"{SERVICE}/One", "server_address": channel.name, "error_type": "UNAVAILABLE"}
    assert REGISTRY.get_sample_value("novacron_retry_attempts_total", labels) == 2


async def test_a_breaker_that_refuses_is_seen_on_the_span_and_named_as_the_errors_type(spans, house):
    channel = await house()
    echo = Echo(channel)
    await echo("One", "hello")
    await ended(spans, 1)
    spans.clear()
    for breaker_class in channel.breakers.all():
        channel.breakers.force(breaker_class, State.FORCED_OPEN, "a test")
    with pytest.raises(BreakerOpen), telemetry.span("a user's request"):
        await echo("One", "hello")
    client, _ = spans.get_finished_spans()
    assert client.attributes["error.type"] == BreakerOpen.reason
    assert "breaker refused" in [event.name for event in client.events]


async def test_a_trace_that_is_not_sampled_is_passed_on_and_makes_no_span(tracing, house, servicer):
    spans = tracing(0.0)
    within = []

    async def nested(text):
        with telemetry.span("a step of the work"):
            within.append(telemetry.current_traceparent())
        return text

    servicer.behave = nested
    echo = Echo(await house())
    with telemetry.span("a user's request") as root:
        await echo("One", "hello")
    assert within == [telemetry.traceparent_of(root.get_span_context())]
    assert not telemetry.sampled(within[0])
    assert spans.get_finished_spans() == ()


async def test_what_a_saga_kept_of_a_trace_is_recorded_or_not_whoever_carries_it_on(tracing):
    spans = tracing(1.0)
    recorded, unrecorded = (f"00-{'ab' * 16}-{'cd' * 8}-{flags}" for flags in ("01", "00"))
    with telemetry.span("a request that is not recorded", unrecorded):
        assert telemetry.current_traceparent() == unrecorded
        with telemetry.span("a saga's step", recorded) as step:
            assert telemetry.current_traceparent() == telemetry.traceparent_of(step.get_span_context())
        assert telemetry.current_traceparent() == unrecorded
    assert [span.name for span in spans.get_finished_spans()] == ["a saga's step"]


@pytest.mark.parametrize("junk", ["junk-00", f"00-{'0' * 32}-{'cd' * 8}-00", f"00-{'ab' * 16}-{'cd' * 8}-00\n"])
async def test_what_is_no_traceparent_is_never_passed_on(tracing, junk):
    tracing(1.0)
    assert telemetry.sampled(junk)


async def test_a_call_that_nobody_asked_for_begins_its_trace_with_who_serves_it(spans, house):
    await Echo(await house())("One", "a heartbeat")
    seen = await ended(spans, 1)
    assert seen.keys() == {SpanKind.SERVER}
    assert seen[SpanKind.SERVER].parent is None


async def test_where_nothing_is_traced_nothing_is_sent(house, servicer):
    sent = []
    answer = servicer._answer

    async def seen(request, context):
        sent.extend(key for key, _ in context.invocation_metadata())
        return await answer(request, context)

    servicer._answer = seen
    with telemetry.span("nothing") as nothing:
        await Echo(await house())("One", "hello")
    assert nothing is None
    assert "traceparent" not in sent


async def test_calls_are_counted_by_method_status_and_kind_of_error_on_both_sides(house, servicer):
    def fail(_):
        raise FailedPrecondition("not in this state")

    def count(side, **labels):
        name = f"rpc_{side}_call_duration_seconds_count"
        every = {"rpc_system_name": "grpc", "rpc_method": f"{SERVICE}/OneOnce", **labels}
        return REGISTRY.get_sample_value(name, every) or 0

    failed = {"rpc_response_status_code": "FAILED_PRECONDITION", "error_type": ""}
    before = count("server", **failed)
    servicer.behave = fail
    channel = await house()
    with pytest.raises(FailedPrecondition):
        await Echo(channel)("OneOnce", "hello")
    assert count("server", **failed) - before == 1
    made = {**failed, "server_address": channel.name, "error_type": "FAILED_PRECONDITION"}
    assert count("client", **made) == 1


async def test_a_call_given_up_by_its_caller_is_counted_as_cancelled_on_both_sides(house, servicer):
    begun = asyncio.Event()

    async def hang(text):
        begun.set()
        await asyncio.Event().wait()

    servicer.behave = hang
    channel = await house()
    call = asyncio.ensure_future(Echo(channel)("OneOnce", "hello"))
    await begun.wait()
    call.cancel()
    cancelled = {"rpc_system_name": "grpc", "rpc_method": f"{SERVICE}/OneOnce", "rpc_response_status_code": "CANCELLED"}

    async def counted():
        client = {**cancelled, "error_type": "CANCELLED", "server_address": channel.name}
        return REGISTRY.get_sample_value(
            "rpc_client_call_duration_seconds_count", client
        ) == 1 and REGISTRY.get_sample_value("rpc_server_call_duration_seconds_count", {**cancelled, "error_type": ""})

    await eventually(counted)


async def test_a_saga_that_another_worker_takes_over_goes_on_in_the_same_trace(spans, database, world, workers):
    saga = define(world)
    dead, alive = workers(saga, lease=0.5), workers(saga, lease=0.5)
    with telemetry.span("a user's request") as root:
        async with database.transaction() as connection:
            begun = await dead.begin(connection, saga, uuid4(), Params())  # and never launched: the process is gone
    await alive.start()
    record = await alive.wait(begun.record.saga_id, 5)
    assert record.epoch == 2
    steps = [span for span in spans.get_finished_spans() if span.name.startswith("saga ")]
    assert len(steps) >= 4
    assert {span.context.trace_id for span in steps} == {root.get_span_context().trace_id}
    assert {span.parent.span_id for span in steps} == {root.get_span_context().span_id}
