"""How a channel finds its target."""

import asyncio
from uuid import uuid4

from novacron.api.scheduler.v1 import (
    GetReservationRequest,
    Reservation,
    ReservationServiceServicer,
    ReservationServiceStub,
    add_ReservationServiceServicer_to_server,
)
from novacron.rpc import Channel


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
