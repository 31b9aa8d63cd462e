"""How a channel finds its target."""

import asyncio
import contextlib
from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import (
    GetReservationRequest,
    Reservation,
    ReservationServiceServicer,
    ReservationServiceStub,
    add_ReservationServiceServicer_to_server,
)
from novacron.embedded.process import free_port
from novacron.errors import Unreachable
from novacron.rpc import Channel, Server
from novacron.rpc.breaker import BreakerConfiguration
from novacron.rpc.channel import target_of
from novacron.rpc.identity import NoUsers
from novacron.settings import ProcessSettings
from novacron.testing.patience import eventually


class Reservations(ReservationServiceServicer):
    async def GetReservation(self, request, context):
        return Reservation(vm_id=request.vm_id)


async def test_a_handshake_on_a_busy_machine_may_take_its_time(servers):
    """The target is reached through a wire that begins to carry after half a second, as a host under load does."""
    server = await servers.start("scheduler", [(add_ReservationServiceServicer_to_server, Reservations())])
    writers = []

    async def copy(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)

    async def late(reader, writer):
        writers.append(writer)
        await asyncio.sleep(0.5)
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", server.mesh_port)
        writers.append(target_writer)
        await asyncio.gather(copy(reader, target_writer), copy(target_reader, writer), return_exceptions=True)

    async with await asyncio.start_server(late, "127.0.0.1", 0) as wire:
        address = f"localhost:{wire.sockets[0].getsockname()[1]}"
        async with Channel("scheduler", address, servers.identification("vm").client(), attempts=1) as channel:
            wanted = GetReservationRequest(vm_id=str(uuid4()))
            assert await ReservationServiceStub(channel).GetReservation(wanted) == Reservation(vm_id=wanted.vm_id)
    for writer in writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


class Named(ReservationServiceServicer):
    """Tells by which server it was asked."""

    def __init__(self, name):
        self.name = name

    async def GetReservation(self, request, context):
        await asyncio.sleep(0.002)
        return Reservation(vm_id=self.name)


async def replicas(servers, count, **settings):
    """Servers of one service, and a channel over all of their addresses."""
    started = [
        await servers.start("scheduler", [(add_ReservationServiceServicer_to_server, Named(str(number)))], **settings)
        for number in range(count)
    ]
    address = ",".join(f"127.0.0.1:{server.mesh_port}" for server in started)
    channel = Channel("scheduler", address, servers.identification("vm").client(), attempts=1)
    return started, channel


async def ask(channel):
    return (await ReservationServiceStub(channel).GetReservation(GetReservationRequest(vm_id=str(uuid4())))).vm_id


async def test_the_addresses_of_a_service_take_turns(servers):
    _, channel = await replicas(servers, 3)
    async with channel:

        async def all_are_asked():
            return {await ask(channel) for _ in range(9)} == {"0", "1", "2"}

        await eventually(all_are_asked)
        answers = [await ask(channel) for _ in range(30)]
        assert {answers.count(name) for name in "012"} == {10}


async def test_a_server_drains_and_goes_without_one_failed_call(servers):
    """Under load, without a retry: whoever fails here would have failed for a user."""
    started, channel = await replicas(servers, 2)
    for server in started:
        server._settings = server._settings.model_copy(update={"drain_seconds": 5.0})
    async with channel:

        async def both_are_asked():
            return {await ask(channel) for _ in range(4)} == {"0", "1"}

        await eventually(both_are_asked)
        stopped = asyncio.Event()
        answers = []

        async def call_on_and_on():
            while not stopped.is_set():
                answers.append(await ask(channel))

        callers = [asyncio.create_task(call_on_and_on()) for _ in range(8)]
        async with asyncio.timeout(10):
            while {"0", "1"} - set(answers):
                await asyncio.sleep(0.01)
        await started[0].stop()
        so_far = len(answers)
        while len(answers) < so_far + 50:
            await asyncio.sleep(0.01)
        stopped.set()
        await asyncio.gather(*callers)
    assert set(answers[so_far:]) == {"1"}


async def test_a_server_that_does_not_serve_yet_is_not_asked(servers, identify):
    """It listens, but says NOT_SERVING: as a service does that waits for its database."""
    early = Server(ProcessSettings(environment="testing", drain_seconds=0), NoUsers(), identify("scheduler"))
    early.add(add_ReservationServiceServicer_to_server, Named("early"))
    await early.start()
    try:
        ready = await servers.start("scheduler", [(add_ReservationServiceServicer_to_server, Named("ready"))])
        address = f"127.0.0.1:{early.mesh_port},127.0.0.1:{ready.mesh_port}"
        async with Channel("scheduler", address, identify("vm").client(), attempts=1) as channel:
            assert {await ask(channel) for _ in range(20)} == {"ready"}
            await early.serving()

            async def early_is_asked():
                return await ask(channel) == "early"

            await eventually(early_is_asked)
    finally:
        await early.stop()


async def test_a_service_that_comes_back_is_found_within_a_second(servers, identify):
    port = free_port()
    address = f"localhost:{port}"
    never_open = BreakerConfiguration(minimum_request_threshold=10**6)
    async with Channel("scheduler", address, identify("vm").client(), attempts=1, breaker=never_open) as channel:
        with pytest.raises(Unreachable):
            await ask(channel)
        await asyncio.sleep(1.5)  # long enough that a growing backoff would have grown
        with contextlib.suppress(Unreachable):
            await ask(channel)
        name = [(add_ReservationServiceServicer_to_server, Named("back"))]
        await servers.start("scheduler", name, mesh_listen=f"127.0.0.1:{port}")

        async def found():
            return await ask(channel) == "back"

        await eventually(found, within=2.0)


@pytest.mark.parametrize(
    "address", ["a.example:1,b.example:1", "127.0.0.1:1,[::1]:1", "127.0.0.1,127.0.0.2", ",127.0.0.1:1"]
)
def test_several_addresses_that_grpc_could_not_use_are_refused(address):
    with pytest.raises(ValueError, match=r"IP|host:port"):
        target_of(address)


def test_one_name_may_stand_for_many_addresses():
    assert target_of("scheduler.example:7463") == "scheduler.example:7463"
    assert target_of("[::1]:1, [::1]:2") == "ipv6:[::1]:1,[::1]:2"
