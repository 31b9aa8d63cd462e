"""Streams through both chains: their ends, their refusals, and what happens to them when a server stops."""

import asyncio

import pytest

from novacron.errors import Cancelled, NovacronError, PermissionDenied, Unavailable
from novacron.rpc.breaker import BreakerConfiguration

from .rpc_echo import ARITIES, Echo, EchoServiceServicer, add_to_server

NEVER_OPEN = BreakerConfiguration(minimum_request_threshold=10**6)


@pytest.fixture
async def servicer():
    return EchoServiceServicer()


@pytest.fixture
async def server(servers, servicer):
    return await servers.start("scheduler", [(add_to_server, servicer)])


async def test_every_arity_carries_its_messages_both_ways(servers, server, servicer):
    echo = Echo(servers.as_service(server, "vm"))
    assert await echo("One", "a") == ["a"]
    assert await echo("Many", "a") == ["a", "a"]
    assert await echo("Collect", "a", "b", "c") == ["abc"]
    assert await echo("Talk", "a", "b", "c") == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["Collect", "Talk"])
async def test_an_empty_stream_of_requests_is_a_stream(servers, server, name):
    echo = Echo(servers.as_service(server, "vm"))
    assert await echo(name) == ([""] if name == "Collect" else [])


async def test_a_refusal_while_requests_are_being_written_is_that_refusal_or_says_that_the_server_went_away(
    servers, server
):
    """grpc.aio loses the server's answer when a write fails at that moment; what it makes of it is no fault inside of us."""
    echo = Echo(servers.as_service(server, "monitoring", attempts=1, breaker=NEVER_OPEN))
    for _ in range(60):
        for name in ("Talk", "Collect"):
            with pytest.raises((PermissionDenied, Unavailable)):
                await echo(name, *"abcdefgh")


async def test_a_stream_whose_reader_leaves_ends_its_handler(servers, server, servicer):
    left = asyncio.Event()

    async def until_left():
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    servicer.behave = lambda text: text if text == "a" else until_left()
    talk = Echo(servers.as_service(server, "vm")).send("Talk", "a", "b")
    await anext(talk)
    await talk.aclose()
    async with asyncio.timeout(10):
        await left.wait()


async def test_a_callers_iterator_that_raises_ends_the_call_and_nothing_is_left_behind(servers, server):
    echo = Echo(servers.as_service(server, "vm", attempts=1))
    call, _, _ = echo._methods["Collect"]

    async def broken():
        raise LookupError("no more")
        yield

    with pytest.raises((NovacronError, LookupError)):
        await call(broken())


@pytest.mark.parametrize("name", ARITIES)
async def test_a_channel_that_closes_ends_its_calls_with_an_error_and_not_with_their_tasks_cancel(
    servers, server, servicer, name
):
    servicer.behave = lambda text: asyncio.sleep(30)
    channel = servers.as_service(server, "vm", attempts=1)
    calling = asyncio.create_task(Echo(channel)(name, "a"))
    if name != "Collect":
        async with asyncio.timeout(10):
            while not servicer.calls:
                await asyncio.sleep(0.01)
    else:
        await asyncio.sleep(0.1)
    await channel.close()
    with pytest.raises((Cancelled, Unavailable)):
        await calling


async def test_a_server_that_stops_sends_its_long_streams_away_and_lets_the_others_end(servers, servicer):
    server = await servers.start("scheduler", [(add_to_server, servicer)])
    server._settings = server._settings.model_copy(update={"drain_seconds": 5.0})
    servicer.behave = lambda text: text if text == "watch" else _after(0.6, text)
    echo = Echo(servers.as_service(server, "vm", attempts=1))

    watch = echo.send("Talk", "watch", "slow", timeout=4)
    assert (await anext(watch)).value == "watch"
    loop = asyncio.get_running_loop()
    started = loop.time()
    stopping = asyncio.create_task(server.stop())
    assert (await anext(watch)).value == "slow", "a call in flight ends in peace"
    with pytest.raises(StopAsyncIteration):
        await anext(watch)
    await stopping
    assert loop.time() - started < 4.5, "nobody's watch of the server's health holds it up"


async def _after(seconds, text):
    await asyncio.sleep(seconds)
    return text


async def test_a_watch_is_told_that_the_server_is_about_to_stop(servers, servicer):
    server = await servers.start("scheduler", [(add_to_server, servicer)])
    server._settings = server._settings.model_copy(update={"drain_seconds": 5.0})
    servicer.hold = asyncio.Event()
    watch = Echo(servers.as_service(server, "vm", attempts=1)).send("Watch", "a")
    await anext(watch)
    await server.stop()
    with pytest.raises(Unavailable, match="about to stop"):
        await anext(watch)
