"""What a server sheds, when, in which order, and what it says to those whom it sheds."""

import asyncio
import time
from uuid import uuid4

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st

from novacron.errors import Overloaded
from novacron.rpc.call import PUSHBACK, SAGA_KEY, ServerCall
from novacron.rpc.overload import LoadShedder, QueueDelay
from novacron.rpc.policy import policy_of
from novacron.saga.key import SagaKey

from .rpc_echo import SERVICE, Echo, EchoServiceServicer, add_to_server


class Peer:
    """A caller's side of a request: with a service's certificate, or without."""

    def __init__(self, key=None):
        self._key = key

    def peer_identity_key(self):
        return self._key


async def shed(load, name, *, waited=0.0, now=0.0, metadata=None, peer=None):
    path = f"/{SERVICE}/{name}"
    call = ServerCall(path, policy_of(path), metadata or {}, peer or Peer(), arrived=now - waited)

    async def proceed(call):
        return False

    try:
        return await load.server_stage(call, proceed)
    except Overloaded as error:
        return error.retry_after_seconds > 0


def behind(waited, at=10.0):
    """A shedder whose every request has waited so long for a second."""
    load = LoadShedder(delay=QueueDelay(target=0.1, interval=0.5), clock=lambda: at)
    load.delay.saw(waited, at - 1)
    return load


async def test_low_priority_is_shed_first_and_high_last_as_a_server_fills_up():
    load = LoadShedder(limit=100)
    order = []
    for under_way in range(101):
        load.in_flight = under_way
        for name in ("Low", "One", "High"):
            if name not in order and await shed(load, name):
                order.append(name)
    assert order == ["Low", "One", "High"]
    assert load.in_flight == 100, "those that were let in have ended"


async def test_what_waits_too_long_is_shed_low_priorities_first():
    for waited, expected in ((0.05, []), (0.15, ["Low"]), (0.25, ["Low", "One"]), (0.9, ["Low", "One", "High"])):
        refused = []
        for name in ("Low", "One", "High"):
            if await shed(behind(waited), name, waited=waited, now=10.0):
                refused.append(name)
        assert refused == expected, waited


async def test_one_late_request_is_no_overload():
    load = LoadShedder(clock=lambda: 10.0)
    load.delay.saw(0.001, 9.9)
    assert not await shed(load, "Low", waited=3.0, now=10.0)


async def test_a_compensation_is_shed_last_whatever_its_method_but_only_a_service_is_believed():
    key = SagaKey(uuid4(), "reserve", "compensation")
    metadata = {SAGA_KEY: str(key)}
    service = Peer("x509_subject_alternative_name")
    assert not await shed(behind(0.3), "Low", waited=0.3, now=10.0, metadata=metadata, peer=service)
    assert await shed(behind(0.3), "Low", waited=0.3, now=10.0, metadata=metadata, peer=Peer())
    action = {SAGA_KEY: str(SagaKey(uuid4(), "reserve", "action"))}
    assert await shed(behind(0.3), "Low", waited=0.3, now=10.0, metadata=action, peer=service)


async def test_streams_that_last_for_hours_are_no_load():
    assert not await shed(LoadShedder(limit=0), "Watch")


@given(st.lists(st.tuples(st.floats(0.01, 0.4), st.floats(0, 0.5)), min_size=1, max_size=60))
def test_a_server_is_behind_only_when_nothing_was_in_time_for_a_whole_interval(steps):
    """Against the definition: the waits seen in the last interval and the one that began it, all above the target."""
    delay, now, seen = QueueDelay(target=0.1, interval=0.5), 0.0, []
    for passed, waited in steps:
        now += passed
        delay.saw(waited, now)
        seen.append((now, waited))
        since = None
        for at, one in reversed(seen):
            if one < 0.1:
                break
            since = at
        assert delay.behind(now) == (since is not None and now - since >= 0.5)


@pytest.fixture
async def servicer():
    return EchoServiceServicer()


@pytest.fixture
async def server(servers, servicer):
    return await servers.start("scheduler", [(add_to_server, servicer)])


async def test_a_full_server_refuses_at_once_says_when_to_come_back_and_still_answers_health_checks(
    servers, server, servicer
):
    server.load.limit = 2
    release = asyncio.Event()

    async def hang():
        await release.wait()
        return "x"

    servicer.behave = lambda text: hang()
    echo = Echo(servers.as_service(server, "vm", attempts=1))
    calls = [asyncio.create_task(echo("High", "a")) for _ in range(2)]
    while server.load.in_flight < 2:
        await asyncio.sleep(0.01)
    credentials = servers.identification("vm").client()
    async with grpc.aio.secure_channel(f"localhost:{server.mesh_port}", credentials) as bare:
        call = bare.unary_unary(f"/{SERVICE}/One", StringValue.SerializeToString, StringValue.FromString)
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await call(StringValue(value="a"), timeout=2)
        assert told.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert 250 <= int(dict(told.value.trailing_metadata())[PUSHBACK]) <= 500
        answer = await health_pb2_grpc.HealthStub(bare).Check(health_pb2.HealthCheckRequest(), timeout=2)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    release.set()
    await asyncio.gather(*calls)
    assert await echo("One", "a") == ["x"]


async def test_a_server_that_falls_behind_sheds_and_serves_again_when_it_has_caught_up(servers, server, servicer):
    """The event loop is kept busy as a crowd of requests would keep it."""
    server.load.delay.target, server.load.delay.interval = 0.02, 0.2
    echo = Echo(servers.as_service(server, "vm", attempts=1))
    await echo("Low", "a")
    busy = True

    async def hog():
        while busy:
            time.sleep(0.05)
            await asyncio.sleep(0)

    hogging = asyncio.create_task(hog())
    told = ""
    async with asyncio.timeout(10):
        while not told:
            try:
                await echo("Low", "a")
            except Overloaded as error:
                told = error.message
    assert "behind" in told
    busy = False
    await hogging
    async with asyncio.timeout(5):
        while True:
            try:
                assert await echo("Low", "a") == ["a"]
                break
            except Overloaded:
                await asyncio.sleep(0.05)
