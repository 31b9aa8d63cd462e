"""The end of a server, whatever its calls do."""

import asyncio
import contextlib
from uuid import uuid4

from novacron.api.scheduler.v1 import (
    GetReservationRequest,
    ReservationServiceServicer,
    ReservationServiceStub,
    add_ReservationServiceServicer_to_server,
)
from novacron.errors import NovacronError
from novacron.rpc import server as server_module


class Deaf(ReservationServiceServicer):
    """Does not end when it is cancelled."""

    def __init__(self):
        self.called, self.released = asyncio.Event(), asyncio.Event()

    async def GetReservation(self, request, context):
        self.called.set()
        while not self.released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.released.wait()
        raise asyncio.CancelledError


async def test_a_call_that_does_not_end_does_not_keep_the_server_from_it(servers, monkeypatch):
    monkeypatch.setattr(server_module, "_LAST_SECONDS", 0.2)
    deaf = Deaf()
    server = await servers.start("scheduler", [(add_ReservationServiceServicer_to_server, deaf)])
    stub = ReservationServiceStub(servers.as_service(server, "vm"))
    call = asyncio.create_task(stub.GetReservation(GetReservationRequest(vm_id=str(uuid4())), timeout=30))
    await deaf.called.wait()
    await asyncio.wait_for(server.stop(), 10)
    deaf.released.set()
    with contextlib.suppress(NovacronError):
        await call
