"""What the client holds back itself: calls that the target would shed, and calls beyond its places."""

import asyncio

import pytest

from novacron.errors import Outcome, Overloaded, Throttled, Unavailable
from novacron.rpc.breaker import BreakerConfiguration
from novacron.rpc.bulkhead import Bulkhead
from novacron.rpc.call import ClientCall
from novacron.rpc.policy import policy_of
from novacron.rpc.throttle import Throttle

from .rpc_echo import ARITIES, SERVICE, Echo, EchoServiceServicer, add_to_server


@pytest.fixture
async def servicer():
    return EchoServiceServicer()


@pytest.fixture
async def channel(servers, servicer):
    server = await servers.start("scheduler", [(add_to_server, servicer)])
    return servers.as_service(server, "vm", attempts=1, breaker=BreakerConfiguration(minimum_request_threshold=10**6))


def call(name="One"):
    path = f"/{SERVICE}/{name}"
    return ClientCall(path, policy_of(path), "scheduler", 2.0, [])


async def ask(throttle, accepted=True, name="One"):
    """How one call ended: `accepted`, `shed` by the target, `held back` here, or `failed`."""

    async def proceed(call):
        if accepted is None:
            raise Unavailable("down")
        if not accepted:
            raise Overloaded("shed")

    try:
        await throttle.client_stage(call(name), proceed)
    except Throttled:
        return "held back"
    except Overloaded:
        return "shed"
    except Unavailable:
        return "failed"
    return "accepted"


async def test_a_target_that_accepts_is_never_held_back():
    throttle = Throttle("scheduler", chance=lambda: 0.0)
    assert {await ask(throttle) for _ in range(100)} == {"accepted"}


async def test_calls_are_held_back_by_the_rule_of_the_sre_book():
    throttle = Throttle("scheduler", chance=lambda: 1.0)  # never by chance: only count
    for number in range(40):
        await ask(throttle, accepted=number % 4 == 0)
    assert (throttle.requests, throttle.accepts) == (40, 10)
    assert throttle.refusal_probability() == pytest.approx((40 - 2 * 10) / 41)


async def test_what_is_held_back_counts_as_asked_so_that_more_is_held_back_while_it_lasts():
    throttle = Throttle("scheduler", chance=lambda: 0.0)
    assert await ask(throttle, accepted=False) == "shed"
    before = throttle.refusal_probability()
    assert await ask(throttle) == "held back"
    assert throttle.refusal_probability() > before


async def test_a_target_that_takes_calls_again_gets_them_all_within_two_minutes():
    now = [0.0]
    throttle = Throttle("scheduler", clock=lambda: now[0], chance=lambda: 0.0)
    await ask(throttle, accepted=False)
    assert await ask(throttle) == "held back"
    now[0] = 119
    assert await ask(throttle) == "held back"
    now[0] = 119 + 121
    assert await ask(throttle) == "accepted"
    assert (throttle.requests, throttle.accepts) == (1, 1)


async def test_a_target_that_is_down_is_the_breakers_concern_alone():
    throttle = Throttle("scheduler", chance=lambda: 0.0)
    assert {await ask(throttle, accepted=None) for _ in range(20)} == {"failed"}


async def test_a_call_that_was_never_sent_says_nothing_of_the_target():
    throttle = Throttle("scheduler")

    async def refuse_here(call):
        raise Throttled("no place")

    for _ in range(5):
        with pytest.raises(Throttled):
            await throttle.client_stage(call(), refuse_here)
    assert (throttle.requests, throttle.accepts) == (0, 0)


async def test_compensations_are_never_held_back():
    throttle = Throttle("scheduler", chance=lambda: 0.0)
    await ask(throttle, accepted=False)
    assert await ask(throttle, name="High") == "accepted"
    assert await ask(throttle, name="Low") == "accepted", "and what it takes lets others in again"


async def test_a_call_held_back_is_a_typed_refusal_that_no_breaker_counts(channel, servicer):
    def shed(text):
        raise Overloaded("shed")

    servicer.behave = shed
    with pytest.raises(Overloaded):
        await Echo(channel)("One", "a")
    channel.throttle._chance = lambda: 0.0
    breaker = channel.breakers.of(policy_of(f"/{SERVICE}/One").breaker_class)
    seen, sent = len(breaker._calls), servicer.calls
    with pytest.raises(Throttled, match="held back here and not sent") as told:
        await Echo(channel)("One", "a")
    assert told.value.outcome is Outcome.NOT_SENT
    assert told.value.metadata["throttled_by"] == "client"
    assert (len(breaker._calls), servicer.calls) == (seen, sent)


@pytest.mark.parametrize("name", ARITIES)
async def test_a_target_that_hangs_takes_no_more_places_than_it_has(channel, servicer, name):
    channel.bulkhead = bulkhead = Bulkhead("scheduler", limit=2, waiting=1)
    channel.run = _with_bulkhead(channel, bulkhead)
    echo = Echo(channel)
    release = asyncio.Event()

    async def hang():
        await release.wait()
        return "x"

    servicer.behave = lambda text: hang()
    calls = [asyncio.create_task(echo(name, "a")) for _ in range(3)]
    async with asyncio.timeout(15):
        while servicer.calls < 2 or bulkhead.waiting < 1:
            await asyncio.sleep(0.01)
    with pytest.raises(Throttled, match="under way already"):
        await echo(name, "a")
    assert servicer.calls == 2
    release.set()
    await asyncio.gather(*calls)
    assert (bulkhead.in_flight, bulkhead.waiting) == (0, 0)


def _with_bulkhead(channel, bulkhead):
    from novacron.rpc.call import chain
    from novacron.rpc.wire import on_the_wire

    return chain([bulkhead.client_stage], on_the_wire)


async def test_a_place_is_waited_for_at_most_half_of_the_calls_time(channel, servicer):
    channel.run = _with_bulkhead(channel, Bulkhead("scheduler", limit=1))
    servicer.behave = lambda text: asyncio.sleep(30)
    echo = Echo(channel)
    holding = asyncio.create_task(echo("One", "a"))
    while not servicer.calls:
        await asyncio.sleep(0.01)
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(Throttled):
        await echo("One", "a", timeout=3)
    assert 1.49 <= loop.time() - started < 2.9
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)


async def test_a_stream_holds_its_place_until_it_ends_however_it_ends(channel):
    bulkhead = Bulkhead("scheduler", limit=1)
    channel.run = _with_bulkhead(channel, bulkhead)
    stream = Echo(channel).send("Many", "a")
    assert (await anext(stream)).value == "a"
    assert bulkhead.in_flight == 1
    await stream.aclose()
    assert bulkhead.in_flight == 0
    watch = Echo(channel).send("Watch", "a")
    await anext(watch)
    assert bulkhead.in_flight == 0, "what lasts for hours has no place to hold"
    await watch.aclose()
