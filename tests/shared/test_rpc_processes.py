"""Several processes of one service on the same ports, and the end of a process."""

import asyncio
import os
import signal
import subprocess
import sys
from uuid import uuid4

import pytest

from novacron.api.scheduler.v1 import GetReservationRequest, ReservationServiceStub
from novacron.embedded.process import free_port
from novacron.errors import NovacronError
from novacron.rpc import Channel
from novacron.testing.patience import eventually

SERVICE = """
import asyncio, os
from novacron.api.scheduler.v1 import Reservation, ReservationServiceServicer, add_ReservationServiceServicer_to_server
from novacron.process import run
from novacron.rpc import Identification, Server
from novacron.rpc.identity import NoUsers
from novacron.settings import ProcessSettings

class Reservations(ReservationServiceServicer):
    async def GetReservation(self, request, context):
        return Reservation(vm_id=str(os.getpid()))

async def serve(settings, stopping):
    server = Server(settings, NoUsers(), Identification.from_settings(settings))
    server.add(add_ReservationServiceServicer_to_server, Reservations())
    await server.start()
    await server.serving()
    await stopping.wait()
    await server.stop()

run("scheduler", ProcessSettings, serve)
"""
STUBBORN = """
import asyncio
from novacron.process import run
from novacron.settings import ProcessSettings

async def never_ends():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def serve(settings, stopping):
    serve.task = asyncio.create_task(never_ends(), name="stubborn")
    print("up", flush=True)
    await stopping.wait()

import novacron.process
novacron.process._LAST_SECONDS = 0.3
run("test", ProcessSettings, serve)
"""


@pytest.fixture
def start(tmp_path, ca):
    """``start(source, **settings)``: a service as a process; killed with the test if it still runs."""
    issued = ca.identity("scheduler")
    started = []

    def run(source, **settings):
        (tmp_path / "service.py").write_text(source)
        environment = {**os.environ, "NOVACRON_ENVIRONMENT": "testing", "NOVACRON_LISTEN": ""}
        environment |= {"NOVACRON_TLS_CA": str(issued.ca), "NOVACRON_TLS_KEY": str(issued.key)}
        environment["NOVACRON_TLS_CERT"] = str(issued.certificate)
        environment |= {f"NOVACRON_{key.upper()}": str(value) for key, value in settings.items()}
        process = subprocess.Popen(
            [sys.executable, str(tmp_path / "service.py")],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


async def workers_of(port, identification):
    """The processes that answer at a port, asked over connections of their own."""
    address, pids = f"localhost:{port}", set()
    for _ in range(6):
        async with Channel(address, address, identification, attempts=1) as channel:
            request = GetReservationRequest(vm_id=str(uuid4()))
            pids.add(int((await ReservationServiceStub(channel).GetReservation(request)).vm_id))
    return pids


async def test_workers_share_a_port_one_that_dies_is_replaced_and_all_end_with_their_supervisor(start, identify):
    port, vm = free_port(), identify("vm").client()
    supervisor = start(SERVICE, processes=2, mesh_listen=f"127.0.0.1:{port}", drain_seconds=1)

    async def two_answer():
        pids = await workers_of(port, vm)
        return pids if len(pids) == 2 else None

    first = await eventually(two_answer, within=30)
    assert supervisor.pid not in first
    killed = min(first)
    os.kill(killed, signal.SIGKILL)

    async def replaced():
        pids = await workers_of(port, vm)
        return pids if len(pids) == 2 and killed not in pids else None

    second = await eventually(replaced, within=30)
    assert first - {killed} <= second, "the other one was left alone"
    supervisor.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(supervisor.wait, 20) == 0
    for pid in second:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(NovacronError):
        await workers_of(port, vm)


def test_workers_that_could_not_share_a_port_are_refused_with_the_variable_to_set(start):
    process = start(SERVICE, processes=2, mesh_listen="127.0.0.1:0")
    _, told = process.communicate(timeout=30)
    assert process.returncode == 78
    assert "NOVACRON_MESH_LISTEN needs a port when NOVACRON_PROCESSES is above 1" in told


def test_a_process_ends_though_a_task_swallows_its_cancellation(start):
    process = start(STUBBORN)
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "stubborn" in told, "and says which one it was"
