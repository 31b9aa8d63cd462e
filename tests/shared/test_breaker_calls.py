"""The breaker where calls are made: real servers, real channels, all four arities."""

import asyncio

import grpc
import pytest
from prometheus_client import REGISTRY

from novacron.errors import BreakerOpen, Internal, NotFound, NovacronError, Unavailable
from novacron.rpc import Channel, policy
from novacron.rpc import channel as channels
from novacron.rpc.breaker import State

from .node_service import EAGER

CLASS = "test.Arity"
ARITIES = ("unary_unary", "stream_unary", "unary_stream", "stream_stream")


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
