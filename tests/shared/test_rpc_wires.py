"""Calls over wires that suffer: what is found out, what is repeated, and what a caller is told."""

import asyncio

import pytest

from novacron.errors import DeadlineExceeded, Outcome, Unavailable
from novacron.rpc import Channel
from novacron.testing.patience import eventually
from novacron.testing.toxics import Bandwidth, Cut, Direction, HalfOpen, Latency, Reset

from .rpc_echo import Echo, EchoServiceServicer, add_to_server


@pytest.fixture
def servicer():
    return EchoServiceServicer()


@pytest.fixture
async def server(servers, servicer):
    return await servers.start("scheduler", [(add_to_server, servicer)])


@pytest.fixture
async def wire(server, fault_proxy):
    return await fault_proxy(server.mesh_port)


@pytest.fixture
async def channel(wire, servers):
    async with Channel("scheduler", wire.address, servers.identification("vm").client(), patience=5) as opened:
        yield opened


@pytest.fixture
async def echo(channel):
    made = Echo(channel)
    assert await made("One", "there") == ["there"]  # the connection stands
    return made


async def held(servicer, until, echo, *call, **named):
    """A call whose handler has begun and waits; ``servicer.ended`` says whether it has ended since."""
    before = servicer.calls
    servicer.ended = False

    async def wait(text):
        try:
            await until.wait()
        finally:
            servicer.ended = True
        return text

    servicer.behave = wait
    made = asyncio.create_task(echo(*call, **named))

    async def arrived():
        return servicer.calls == before + 1

    await eventually(arrived)
    return made


async def test_after_a_reset_the_next_call_finds_a_new_connection(wire, echo):
    for round_ in range(3):
        with wire.suffering(Reset()):
            pass
        assert await echo("One", f"{round_}") == [f"{round_}"]


async def test_a_call_whose_answer_was_cut_off_is_done_again_where_it_may_be(wire, echo, servicer):
    answer = asyncio.Event()
    before, call = servicer.calls, await held(servicer, answer, echo, "One", "again", timeout=10)
    with wire.suffering(Cut(0), Direction.TO_CLIENT):
        answer.set()

        async def cut_off():
            return wire.connections == 0

        await eventually(cut_off)
    assert await call == ["again"]
    assert servicer.calls == before + 2


async def test_a_call_whose_answer_was_cut_off_is_unknown_where_it_may_not_be_done_again(wire, echo, servicer):
    before = servicer.calls
    with wire.suffering(Cut(0), Direction.TO_CLIENT), pytest.raises(Unavailable) as told:
        await echo("OneOnce", "once", timeout=10)
    assert (servicer.calls, told.value.outcome) == (before + 1, Outcome.UNKNOWN)


async def test_a_call_whose_answer_never_comes_ends_by_its_deadline_and_may_have_happened(wire, echo, servicer):
    before = servicer.calls
    with wire.suffering(HalfOpen(), Direction.TO_CLIENT), pytest.raises(DeadlineExceeded) as told:
        await echo("OneOnce", "lost", timeout=0.5)
    assert (servicer.calls, told.value.outcome) == (before + 1, Outcome.UNKNOWN)


async def test_a_deadline_that_passes_ends_the_handler_though_the_client_can_no_longer_say_so(wire, echo, servicer):
    never = asyncio.Event()
    call = await held(servicer, never, echo, "OneOnce", "late", timeout=1)
    with wire.suffering(HalfOpen()):
        with pytest.raises(DeadlineExceeded):
            await call

        async def ended():
            return servicer.ended

        await eventually(ended)


async def test_who_reads_slowly_holds_up_nobody_else(wire, echo, server, servers, servicer):
    with wire.suffering(Bandwidth(10_000)):
        slow = asyncio.create_task(echo("One", "x" * 300_000, timeout=60))
        beside = Echo(servers.as_service(server, "vm"))
        for number in range(20):
            assert await beside("One", f"{number}", timeout=10) == [f"{number}"]
        assert not slow.done()
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)


async def test_calls_that_wait_for_the_answer_of_others_do_not_wait_for_a_late_wire_one_after_the_other(wire, echo):
    with wire.suffering(Latency(0.2)):
        async with asyncio.timeout(10):  # one by one they would take twenty
            answers = await asyncio.gather(*(echo("One", f"{number}", timeout=8) for number in range(50)))
    assert answers == [[f"{number}"] for number in range(50)]
