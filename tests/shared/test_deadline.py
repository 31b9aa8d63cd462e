"""One deadline per request tree, in every arity."""

import asyncio
import time

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from novacron.errors import DeadlineExceeded, DeadlineTooShort, Outcome
from novacron.rpc import deadline

from .rpc_echo import ARITIES, SERVICE, Echo, EchoServiceServicer, add_to_server


@pytest.fixture
async def servicer():
    return EchoServiceServicer()


@pytest.fixture
async def server(servers, servicer):
    return await servers.start("scheduler", [(add_to_server, servicer)])


@pytest.fixture
async def echo(servers, server):
    return Echo(servers.as_service(server, "vm", attempts=1))


@pytest.mark.parametrize("name", ARITIES)
async def test_the_caller_and_the_handler_have_one_deadline(echo, servicer, name):
    left = []
    servicer.behave = lambda text: left.append(deadline.remaining()) or text
    await echo(name, "a", timeout=15)
    assert 0 < left[0] <= 15


@pytest.mark.parametrize("name", ARITIES)
async def test_a_call_below_has_what_the_request_has_left_less_a_margin(servers, echo, server, servicer, name):
    nested = Echo(servers.as_service(server, "vm", attempts=1))
    left = []

    async def call_below():
        left.append(deadline.remaining())
        servicer.behave = lambda text: left.append(deadline.remaining()) or text
        return (await nested(name, "a", timeout=60))[0]

    servicer.behave = lambda text: call_below()
    await echo(name, "a", timeout=1.0)
    above, below = left[:2]
    assert below <= above - deadline.MARGIN_SECONDS


@pytest.mark.parametrize("name", ARITIES)
async def test_a_handler_ends_with_its_callers_deadline_and_so_does_the_call_below_it(
    servers, echo, server, servicer, name
):
    nested = Echo(servers.as_service(server, "vm", attempts=1))
    ended = asyncio.Event()

    async def hang():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def call_below():
        servicer.behave = lambda text: hang()
        return (await nested(name, "a", timeout=60))[0]

    servicer.behave = lambda text: call_below()
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await echo(name, "a", timeout=0.3)
    async with asyncio.timeout(10):
        await ended.wait()
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("name", ARITIES)
async def test_a_call_for_which_too_little_is_left_is_refused_and_not_sent(echo, servicer, name):
    with deadline.within(0.012), pytest.raises(DeadlineTooShort) as told:
        await echo(name, "a")
    assert told.value.outcome is Outcome.NOT_SENT
    assert servicer.calls == 0


async def test_a_blocks_deadline_cannot_be_longer_than_the_one_around_it():
    with deadline.within(1), deadline.within(60):
        assert deadline.remaining() <= 1
    assert deadline.remaining() is None


async def test_work_that_outlives_its_caller_steps_out_by_name_and_alone(echo, servicer):
    left = {}

    async def background():
        deadline.detached()
        left["detached"] = deadline.remaining()

    async def handle():
        await asyncio.create_task(background())
        left["handler"] = deadline.remaining()
        return ""

    servicer.behave = lambda text: handle()
    await echo("One", "a", timeout=10)
    assert left["detached"] is None
    assert left["handler"] is not None


@pytest.mark.parametrize(("name", "arity"), [("Quick", "unary_unary"), ("Many", "unary_stream")])
async def test_a_caller_without_a_deadline_gets_the_methods_own(servers, server, servicer, name, arity):
    async def hang():
        await asyncio.Event().wait()

    servicer.behave = lambda text: hang()
    credentials = servers.identification("vm").client()
    async with grpc.aio.secure_channel(f"localhost:{server.mesh_port}", credentials) as bare:
        call = getattr(bare, arity)(f"/{SERVICE}/{name}", StringValue.SerializeToString, StringValue.FromString)(
            StringValue(value="a")
        )
        started = time.monotonic()
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await (call if arity == "unary_unary" else call.read())
    assert told.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "deadline of its own" in told.value.details()
    assert time.monotonic() - started < 4
