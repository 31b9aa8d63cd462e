"""A target that is away for a moment is waited for, by calls that were never sent, and by no other."""

import asyncio
import time
from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import (
    GetReservationRequest,
    Reservation,
    ReservationServiceServicer,
    ReservationServiceStub,
    add_ReservationServiceServicer_to_server,
)
from novacron.errors import Outcome, Unavailable, Unreachable, WaitedInVain
from novacron.rpc import Channel
from novacron.rpc.breaker import State
from novacron.rpc.policy import policy_of
from novacron.testing.patience import eventually
from novacron.testing.toxics import Down


class Reservations(ReservationServiceServicer):
    def __init__(self):
        self.calls = 0
        self.error = None

    async def GetReservation(self, request, context):
        self.calls += 1
        if self.error is not None:
            raise self.error
        return Reservation(vm_id=request.vm_id)


@pytest.fixture
def reservations():
    return Reservations()


@pytest.fixture
async def wire(servers, fault_proxy, reservations):
    server = await servers.start("scheduler", [(add_ReservationServiceServicer_to_server, reservations)])
    return await fault_proxy(server.mesh_port)


@pytest.fixture
async def channel_of(wire, servers):
    opened = []

    def open_channel(**options):
        credentials = servers.identification("vm").client()
        opened.append(Channel("scheduler", wire.address, credentials, **options))
        return opened[-1]

    yield open_channel
    for channel in opened:
        await channel.close()


def ask(channel, **named):
    return ReservationServiceStub(channel).GetReservation(GetReservationRequest(vm_id=str(uuid4())), **named)


async def test_calls_wait_for_a_target_that_is_away_and_each_is_sent_once(wire, channel_of, reservations):
    channel = channel_of(patience=20)
    await ask(channel)
    with wire.suffering(Down()):
        calls = [asyncio.create_task(ask(channel, timeout=20)) for _ in range(50)]
        assert not (await asyncio.wait(calls, timeout=0.7))[0], "all of them wait"
    await asyncio.gather(*calls)
    assert reservations.calls == 51
    assert {breaker.state for breaker in channel.breakers.all().values()} == {State.CLOSED}


async def test_patience_ends_and_says_that_nothing_was_sent(wire, channel_of, reservations):
    with wire.suffering(Down()):
        began = time.monotonic()
        with pytest.raises(WaitedInVain) as told:
            await ask(channel_of(patience=0.4), timeout=60)
    assert time.monotonic() - began >= 0.4
    assert (told.value.outcome, reservations.calls) == (Outcome.NOT_SENT, 0)


async def test_patience_never_outlasts_the_deadline_and_leaves_time_to_say_so(wire, channel_of):
    with wire.suffering(Down()), pytest.raises(Unreachable):
        await ask(channel_of(patience=60), timeout=0.5)


async def test_who_gives_no_deadline_waits_for_the_connection_and_then_has_the_methods_own_time(wire, channel_of):
    channel = channel_of(patience=60)
    method = policy_of("/novacron.api.scheduler.v1.ReservationService/GetReservation").timeout_seconds
    with wire.suffering(Down()):
        call = asyncio.create_task(ask(channel))
        assert not (await asyncio.wait({call}, timeout=method + 0.2))[0], "it waits longer than an answer would take"
    await call


async def test_without_patience_a_call_fails_at_once_as_gRPC_does(wire, channel_of):
    with wire.suffering(Down()), pytest.raises(Unreachable) as told:
        await ask(channel_of(attempts=1), timeout=60)
    assert not isinstance(told.value, WaitedInVain)


async def test_nobody_waits_for_a_target_that_answers_no(channel_of, reservations):
    reservations.error = Unavailable("not now")
    with pytest.raises(Unavailable, match="not now"):
        await ask(channel_of(patience=60, attempts=1), timeout=60)
    assert reservations.calls == 1


async def test_closing_the_channel_ends_the_waiting(wire, channel_of):
    channel = channel_of(patience=60)
    with wire.suffering(Down()):
        call = asyncio.create_task(ask(channel, timeout=60))
        await asyncio.wait({call}, timeout=0.3)
        await channel.close()

        async def ended():
            return call.done()

        await eventually(ended)
    assert isinstance(call.exception(), Unreachable)
