"""What the chains of interceptors cost, and how they multiply requests when everything fails.

A unary call through the whole client chain beside a bare stub on the same server, and a bare stub on a server with our chain
beside one on a server without: one call of each in turn, so that all of them meet the same noise. Traces are configured and
the calls are not sampled. The breaker and the budget are measured alone, over a wire that answers at once.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

from novacron import logs, telemetry
from novacron.api.scheduler.v1 import (
    GetReservationRequest,
    Reservation,
    ReservationServiceServicer,
    ReservationServiceStub,
    add_ReservationServiceServicer_to_server,
)
from novacron.errors import NovacronError, Overloaded, Unavailable
from novacron.rpc import Channel, Identification, Server
from novacron.rpc.breaker import State
from novacron.rpc.call import ClientCall
from novacron.rpc.guard import Breakers
from novacron.rpc.identity import NoUsers
from novacron.rpc.policy import policy_of
from novacron.rpc.retry_budget import RetryBudget
from novacron.settings import ProcessSettings
from novacron_local.certificates import DevelopmentCA

from .report import Report, percentile

_METHOD = "/novacron.api.scheduler.v1.ReservationService/GetReservation"
_REQUEST = GetReservationRequest(vm_id=str(uuid4()))
# What the servicer is asked for through the request's metadata: nothing measured depends on it.
_FAILURES: dict[str, type[NovacronError]] = {"unavailable": Unavailable, "overloaded": Overloaded}


class Reservations(ReservationServiceServicer):
    """Answers at once; fails as the metadata asks for, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    async def GetReservation(self, request: Any, context: Any) -> Reservation:
        self.calls += 1
        for key, value in context.invocation_metadata():
            if key == "x-bench-fail":
                raise _FAILURES[value]("as asked for", retry_after_seconds=0.001)
        return Reservation(vm_id=request.vm_id)


def _identification(directory: str, service: str) -> Identification:
    issued = DevelopmentCA(Path(directory), "testing").identity(service)
    return Identification.read(issued.ca, issued.certificate, issued.key)


def _serve(directory: str, pipe: Connection) -> None:
    async def serve() -> None:
        logs.configure(ProcessSettings(log_level="ERROR"), "bench")
        _trace_nothing()
        identification = _identification(directory, "scheduler")
        servicer = Reservations()
        chained = Server(ProcessSettings(environment="testing", drain_seconds=0), NoUsers(), identification)
        chained.add(add_ReservationServiceServicer_to_server, servicer)
        bare = grpc.aio.server()
        add_ReservationServiceServicer_to_server(servicer, bare)
        port = bare.add_secure_port("127.0.0.1:0", identification.mesh_port())
        await chained.start()
        await chained.serving()
        await bare.start()
        pipe.send((port, chained.mesh_port))
        while await asyncio.to_thread(pipe.recv):
            pipe.send(servicer.calls)
        await bare.stop(0)
        await chained.stop()

    asyncio.run(serve())


def _trace_nothing() -> None:
    telemetry.trace_with(TracerProvider(sampler=ParentBased(ALWAYS_OFF), shutdown_on_exit=False))


@asynccontextmanager
async def _servers(directory: str) -> AsyncIterator[tuple[int, int, Callable[[], Awaitable[int]]]]:
    """Both servers in a process of their own: ``(bare port, chained port, calls that their servicer has seen)``."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(directory, theirs), daemon=True)
    process.start()

    async def calls() -> int:
        ours.send(True)
        return int(await asyncio.to_thread(ours.recv))

    try:
        bare, chained = await asyncio.to_thread(ours.recv)
        yield bare, chained, calls
    finally:
        ours.send(False)
        await asyncio.to_thread(process.join, 10)
        process.kill()


async def run(*, quick: bool = False) -> Report:
    logs.configure(ProcessSettings(log_level="ERROR"), "bench")
    _trace_nothing()
    rounds = 300 if quick else 6000
    with tempfile.TemporaryDirectory(prefix="novacron-bench-") as directory:
        credentials = _identification(directory, "vm").client()
        async with _servers(directory) as (bare_port, chained_port, calls):
            with telemetry.span("a request that is not sampled"):
                took, cpu = await _latencies(credentials, bare_port, chained_port, rounds)
            unavailable = await _amplification(credentials, chained_port, calls, "unavailable", rounds // 3)
            overloaded = await _amplification(credentials, chained_port, calls, "overloaded", rounds // 3)
    median = {name: percentile(values, 0.5) * 1e6 for name, values in took.items()}
    cpu_median = {name: percentile(values, 0.5) * 1e6 for name, values in cpu.items()}
    report = Report(
        "interceptors",
        figures={
            "chain_added_us": median["client_chain"] - median["bare"],
            "chain_added_cpu_us": cpu_median["client_chain"] - cpu_median["bare"],
            "breaker_added_us": await _breaker_and_budget(rounds),
            "server_chain_added_us": median["server_chain"] - median["bare"],
            "amplification": max(unavailable, overloaded),
            "amplification_unavailable": unavailable,
            "amplification_overloaded": overloaded,
        },
        floor={"bare_stub_p50_us": median["bare"], "bare_stub_cpu_us": cpu_median["bare"]},
        ratios={
            "client_chain_over_bare": median["client_chain"] / median["bare"],
            "server_chain_over_bare": median["server_chain"] / median["bare"],
        },
    )
    report.write()
    return report


async def _latencies(
    credentials: Any, bare_port: int, chained_port: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """One call of each kind in turn, in an order that turns too: seconds by the clock, and of this thread's processor."""
    async with (
        grpc.aio.secure_channel(f"localhost:{bare_port}", credentials) as bare,
        grpc.aio.secure_channel(f"localhost:{chained_port}", credentials) as bare_to_chained,
        Channel("scheduler", f"localhost:{bare_port}", credentials) as chained,
    ):
        kinds = {
            "bare": ReservationServiceStub(bare).GetReservation,
            "client_chain": ReservationServiceStub(chained).GetReservation,
            "server_chain": ReservationServiceStub(bare_to_chained).GetReservation,
        }
        took: dict[str, list[float]] = {name: [] for name in kinds}
        cpu: dict[str, list[float]] = {name: [] for name in kinds}
        order = list(kinds.items())
        gc.collect()
        gc.freeze()
        for number in range(rounds + 100):
            for name, call in order:
                began, used = time.perf_counter(), time.thread_time()
                await call(_REQUEST, timeout=5)
                if number >= 100:
                    took[name].append(time.perf_counter() - began)
                    cpu[name].append(time.thread_time() - used)
            order.append(order.pop(0))
        return took, cpu


async def _breaker_and_budget(rounds: int) -> float:
    """Microseconds that the breaker and the retry budget add to a call that succeeds, above a stage that does nothing.

    Nothing waits here, so the thread's own time is all the time there is, and other processes do not count.
    """
    breakers, budget = Breakers("scheduler"), RetryBudget()
    call = ClientCall(_METHOD, policy_of(_METHOD), "scheduler", 5.0, [])

    async def wire(call: ClientCall) -> None:
        return None

    async def nothing(call: ClientCall, proceed: Any) -> Any:
        return await proceed(call)

    async def guarded(call: ClientCall, proceed: Any) -> Any:
        budget.earn()
        response = await breakers.client_stage(call, proceed)
        budget.succeeded()
        return response

    added = []
    for _ in range(max(rounds // 20, 5)):
        lasted = []
        for stage in (nothing, guarded):
            began = time.thread_time()
            for _ in range(200):
                await stage(call, wire)
            lasted.append((time.thread_time() - began) / 200)
        added.append(lasted[1] - lasted[0])
    return statistics.median(added) * 1e6


async def _amplification(
    credentials: Any, port: int, calls: Callable[[], Awaitable[int]], failure: str, asked: int
) -> float:
    """Requests on the wire for each that was asked for, with every attempt failing and no breaker that opens."""
    before = await calls()
    async with Channel(
        "scheduler", f"localhost:{port}", credentials, metadata=lambda: (("x-bench-fail", failure),)
    ) as channel:
        channel.breakers.force(policy_of(_METHOD).breaker_class, State.DISABLED, "its refusals would hide the retries")
        stub = ReservationServiceStub(channel)
        left = iter(range(asked))

        async def one_after_the_other() -> None:
            for _ in left:
                try:
                    await stub.GetReservation(_REQUEST)
                except NovacronError:
                    continue

        await asyncio.gather(*(one_after_the_other() for _ in range(8)))
    return (await calls() - before) / asked
