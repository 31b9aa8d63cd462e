"""The retry layer: what it repeats, what it does not, and how it is kept from drowning the target."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.embedded.process import free_port
from novacron.errors import (
    BreakerOpen,
    DeadlineExceeded,
    DeadlineTooShort,
    FailedPrecondition,
    Internal,
    NovacronError,
    Overloaded,
    Unavailable,
    Unreachable,
)
from novacron.rpc import Channel
from novacron.rpc.breaker import BreakerConfiguration
from novacron.rpc.observe import retrying
from novacron.rpc.request_stream import RequestStream
from novacron.rpc.retry_budget import RetryBudget

from .rpc_echo import ARITIES, Echo, EchoServiceServicer, add_to_server

NEVER_OPEN = BreakerConfiguration(minimum_request_threshold=10**6)


@pytest.fixture
async def servicer():
    return EchoServiceServicer()


@pytest.fixture
async def server(servers, servicer):
    return await servers.start("scheduler", [(add_to_server, servicer)])


@pytest.fixture
async def channel(servers, server):
    return servers.as_service(server, "vm", breaker=NEVER_OPEN)


@pytest.fixture
async def echo(channel):
    return Echo(channel)


def failing(times, error=Unavailable):
    """Fails so often, then answers."""
    left = [times]

    def behave(text):
        left[0] -= 1
        if left[0] >= 0:
            raise error("not now", retry_after_seconds=0.001)
        return text

    return behave


async def test_a_call_is_repeated_in_every_arity_whose_requests_were_not_consumed(echo, servicer, channel):
    for name in ("One", "Many"):
        channel.retry.budget = RetryBudget()
        servicer.behave = failing(2)
        servicer.attempts.clear()
        assert set(await echo(name, "a")) == {"a"}
        assert servicer.attempts == ["0", "1", "2"], "each attempt says which it is"


async def test_what_is_not_idempotent_is_not_repeated_in_any_arity(echo, servicer):
    for name in ARITIES:
        servicer.behave, servicer.calls = failing(1), 0
        with pytest.raises(Unavailable):
            await echo(f"{name}Once", "a")
        assert servicer.calls == 1, name


async def test_a_stream_that_has_given_a_response_is_not_begun_again(echo, servicer):
    servicer.fail_after = Unavailable("cut")
    seen = []
    with pytest.raises(Unavailable, match="cut"):
        async for response in echo.send("Many", "a"):
            seen.append(response.value)
    assert seen == ["a"]
    assert servicer.calls == 1


async def test_a_stream_of_requests_that_were_sent_is_not_sent_again(echo, servicer):
    for name in ("Collect", "Talk"):
        servicer.behave, servicer.calls = failing(1), 0
        with pytest.raises(Unavailable):
            await echo(name, "a", "b")
        assert servicer.calls == 1, name


async def test_a_stream_of_requests_of_which_none_was_sent_arrives_whole_once_there_is_a_connection(servers, servicer):
    port = free_port()
    address = f"localhost:{port}"
    channel = Channel(address, address, servers.identification("vm").client(), attempts=40, breaker=NEVER_OPEN)
    channel.retry.budget = RetryBudget(floor=100)
    async with channel:
        waiting = [
            asyncio.create_task(Echo(channel)(name, "a", "b", "c", timeout=20)) for name in ("CollectOnce", "Talk")
        ]
        await asyncio.sleep(0.1)
        assert not any(one.done() for one in waiting), "it is still trying"
        await servers.start("scheduler", [(add_to_server, servicer)], mesh_listen=f"127.0.0.1:{port}")
        assert await waiting[0] == ["abc"]
        assert await waiting[1] == ["a", "b", "c"]


async def test_a_first_message_that_may_have_been_sent_is_not_offered_again():
    async def messages():
        yield "a"
        yield "b"

    for not_sent, again in ((True, ["a", "b"]), (False, None)):
        stream = RequestStream(messages())
        assert await anext(aiter(stream)) == "a"
        assert stream.rewind(not_sent) is (again is not None)
        if again is not None:
            assert [message async for message in stream] == again
            assert not stream.rewind(not_sent), "now both are gone"


async def test_without_a_connection_every_arity_ends_unreachable(identify):
    address = f"localhost:{free_port()}"
    async with Channel(address, address, identify("vm").client(), attempts=2) as channel:
        for name in ARITIES:
            with pytest.raises(Unreachable):
                await Echo(channel)(name, "a", "b")


@pytest.mark.parametrize("error", [FailedPrecondition, Internal, BreakerOpen, DeadlineTooShort])
async def test_only_what_may_pass_by_itself_is_repeated(echo, servicer, error):
    servicer.behave = failing(1, error)
    with pytest.raises(error):
        await echo("One", "a")
    assert servicer.calls == 1


async def test_our_own_cancel_ends_the_call_and_is_not_repeated(echo, servicer):
    hanging = asyncio.Event()

    async def hang():
        hanging.set()
        await asyncio.Event().wait()

    servicer.behave = lambda text: hang()
    call = asyncio.create_task(echo("One", "a"))
    await hanging.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert servicer.calls == 1


async def test_an_attempt_that_hangs_leaves_time_for_another(echo, servicer):
    async def hang_at_first():
        if servicer.calls == 1:
            await asyncio.Event().wait()
        return "answered"

    servicer.behave = lambda text: hang_at_first()
    started = time.monotonic()
    assert await echo("Quick", "a", timeout=5) == ["answered"]
    assert servicer.calls == 2
    assert 0.2 <= time.monotonic() - started < 4.5, "the method's own 0.2 s are what one attempt may take"


async def test_the_servers_word_on_when_to_come_back_is_obeyed(echo, servicer):
    def busy(text):
        if servicer.calls == 1:
            raise Unavailable("busy", retry_after_seconds=0.4)
        return text

    servicer.behave = busy
    started = time.monotonic()
    await echo("One", "a")
    assert time.monotonic() - started >= 0.4


async def test_a_server_that_says_never_is_not_asked_again(echo, servicer):
    def never(text):
        raise Unavailable("gone", retry_after_seconds=-1)

    servicer.behave = never
    with pytest.raises(Unavailable) as told:
        await echo("One", "a")
    assert servicer.calls == 1
    assert told.value.retry_after_seconds < 0


async def test_a_pause_that_outlasts_the_deadline_fails_at_once(echo, servicer):
    def busy(text):
        raise Unavailable("busy", retry_after_seconds=30)

    servicer.behave = busy
    started = time.monotonic()
    with pytest.raises(Unavailable):
        await echo("One", "a")
    assert time.monotonic() - started < 4
    assert servicer.calls == 1


async def test_no_call_outlives_its_deadline_however_often_it_is_tried(echo, servicer):
    async def slow():
        await asyncio.sleep(1)
        raise Unavailable("down")

    servicer.behave = lambda text: slow()
    started = time.monotonic()
    with pytest.raises((Unavailable, DeadlineExceeded)):
        await echo("One", "a", timeout=1.2)
    assert time.monotonic() - started < 2.5


async def test_inside_a_retry_the_layers_below_do_not_retry_again(echo, servicer):
    def down(text):
        raise Unavailable("down")

    servicer.behave = down
    retrying(2)
    with pytest.raises(Unavailable):
        await echo("One", "a")
    assert servicer.attempts == ["2"], "and they are told"


@pytest.mark.parametrize("error", [Unavailable, Overloaded])
async def test_with_every_attempt_failing_requests_on_the_wire_are_at_most_a_fifth_more(echo, servicer, error):
    servicer.behave = failing(10**6, error)
    asked = 300

    async def ask():
        with pytest.raises(NovacronError):
            await echo("One", "a")

    for _ in range(asked // 10):
        await asyncio.gather(*(ask() for _ in range(10)))
    assert servicer.calls <= asked * 1.2
    if error is Unavailable:
        assert servicer.calls > asked * 1.1, "but it does retry"


async def test_an_overloaded_server_is_asked_again_more_slowly_than_one_that_is_away():
    from novacron.rpc.retry import _wait

    class State:
        attempt_number = 2

        def __init__(self, error):
            self.outcome = self
            self.exception = lambda: error

    def mean(error):
        return sum(_wait(State(error)) for _ in range(300)) / 300

    assert mean(Overloaded("x")) > 3 * mean(Unavailable("x"))


@given(st.lists(st.sampled_from(["ask", "retry", "succeed", "second"]), max_size=300))
def test_retries_of_a_window_are_a_fifth_of_its_requests_or_three(steps):
    now = [0.0]
    budget = RetryBudget(clock=lambda: now[0])
    asked, spent, succeeded = [], [], 0
    for step in steps:
        if step == "ask":
            asked.append(now[0])
            budget.earn()
        elif step == "succeed":
            succeeded += 1
            budget.succeeded()
        elif step == "second":
            now[0] += 1
        elif budget.spend():
            spent.append(now[0])
    advanced = 3 + 0.2 * succeeded
    assert len(spent) <= 0.2 * len(asked) + advanced
    if now[0] < 9:
        assert len(spent) <= max(0.2 * len(asked), advanced) or succeeded
