"""Decisions of a real scheduler at 100, 1,000 and 10,000 nodes, beside OpenStack Placement and a best fit in SQL, in one run.

A decision is one ReserveResources, from the caller's side: every filter and score over every node, policies and quotas, the
claim, its record with reasons, COMMIT. 32 are in flight, from another process; what was reserved in a round is given back
after it. ``p99_ms_1000`` is that of 500 reserves a second at random moments, counted from when each was due: at 32 in flight
a latency says nothing but 32 over the rate. CPU is the scheduler's and PostgreSQL's, from /proc.

Placement claims with two requests, one VM at a time, on the same PostgreSQL: the candidates for an amount (``limit=10``), and
the allocation of the first. The weighing of candidates, which is Nova's part, costs it nothing here.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from novacron import logs
from novacron.db import Database
from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.process import free_port
from novacron.settings import ProcessSettings
from novacron.testing.databases import Databases
from novacron_scheduler.__main__ import MIGRATIONS

from ..faults.schedulers import SchedulerProcess
from .best_fit import BestFit
from .cpu import cpu_seconds
from .peer import Peer, beside
from .placement import Placement, Provider, placement
from .report import Report, percentile
from .scheduler_scene import beat, furnish

SIZES = (100, 1_000, 10_000)
IN_FLIGHT = 32
RATE = 500.0
_MOST_PER_NODE = 6  # reserves of one round: nodes fill to about a third
_BEST_FITS = 1_000  # for each second that a round of ours lasts
_PLAIN = {"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 20}
_REQUIRED = ("CUSTOM_DISK_SSD", "CUSTOM_REGION_EU")


@dataclass
class Measured:
    """What the rounds have come to, by number of nodes."""

    rates: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    decisions: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    crowded: list[float] = field(default_factory=list)
    paced: list[float] = field(default_factory=list)
    shed: int = 0
    placement_cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    best_fit: list[float] = field(default_factory=list)

    def cpu_ms(self, size: int) -> float:
        return self.cpu[size] / self.decisions[size] * 1000


async def run(*, quick: bool = False) -> Report:
    logs.configure(ProcessSettings(log_level="WARNING"), "bench")
    with tempfile.TemporaryDirectory(prefix="novacron-bench-", dir="/var/tmp") as name:
        server = EmbeddedPostgres(Path(name) / "postgres", free_port())
        server.prepare()
        try:
            with server.running():
                measured = await _measure(server, Path(name), *((2, 1.5) if quick else (5, 3.0)))
        finally:
            server.remove()
    report = _report(measured)
    report.write()
    return report


async def _measure(server: EmbeddedPostgres, directory: Path, rounds: int, seconds: float) -> Measured:
    postmaster = server.running_pid()
    assert postmaster is not None
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE placement")
    best_fit, measured = BestFit(server, 1_000), Measured()
    load = beside(sys.executable, "-m", "tests.bench.scheduler_load", str(directory), errors=None)
    async with (
        _schedulers(server, directory) as schedulers,
        load as callers,
        placement(server.url("placement")) as peer,
    ):
        peer.furnish([_provider(number) for number in range(1_000)])
        for size in SIZES:
            await _crowd(schedulers[size], callers, size, 1.0)
        await _claims(peer, 2, ())
        for _ in range(rounds):  # interleaved: the machine's moods meet all
            for size in SIZES:
                used = cpu_seconds(schedulers[size].pid, postmaster)
                durations, took, shed = await _crowd(schedulers[size], callers, size, seconds)
                measured.cpu[size] += cpu_seconds(schedulers[size].pid, postmaster) - used
                measured.decisions[size] += len(durations)
                measured.rates[size].append(len(durations) / took)
                measured.crowded += durations if size == 1_000 else []
                measured.shed += shed
                await callers.order(address=schedulers[size].address, release=True)
            paced = await callers.order(address=schedulers[1_000].address, nodes=1_000, rate=RATE, seconds=seconds)
            measured.paced += paced["durations"]
            measured.shed += paced["shed"]
            await callers.order(address=schedulers[1_000].address, release=True)
            for name, required in (("plain", ()), ("filtered", _REQUIRED)):
                used = cpu_seconds(*peer.pids, postmaster)
                await _claims(peer, 8, required)
                measured.placement_cpu[name].append((cpu_seconds(*peer.pids, postmaster) - used) / 8)
            peer.release_all()
            measured.best_fit.append(await best_fit.claims_per_second(int(seconds * _BEST_FITS), IN_FLIGHT))
    return measured


@asynccontextmanager
async def _schedulers(server: EmbeddedPostgres, directory: Path) -> AsyncIterator[dict[int, SchedulerProcess]]:
    """One for each number of nodes, each with a database of its own."""
    made = {}
    try:
        databases = Databases(server)
        for size in SIZES:
            url = await asyncio.to_thread(databases.create, *MIGRATIONS)
            database = Database(f"{url}?options=-csynchronous_commit%3Doff")  # furniture need not survive a crash
            await database.open()
            await furnish(database, size)
            await database.close()
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            made[size] = SchedulerProcess(url, directory)
            made[size].start()
        for scheduler in made.values():
            await scheduler.ready()
        yield made
    finally:
        for scheduler in made.values():
            scheduler.kill()


async def _crowd(
    scheduler: SchedulerProcess, callers: Peer, size: int, seconds: float
) -> tuple[list[float], float, int]:
    most = min(size, 1_000) * _MOST_PER_NODE
    done = await callers.order(address=scheduler.address, nodes=size, in_flight=IN_FLIGHT, seconds=seconds, most=most)
    return done["durations"], done["seconds"], done["shed"]


def _provider(number: int) -> Provider:
    said = beat(number)
    total = said.capacity.minus(said.reserved)
    traits = (f"CUSTOM_DISK_{said.description.labels['disk']}", f"CUSTOM_REGION_{said.description.region}")
    return Provider(
        {"VCPU": total.cpu_cores, "MEMORY_MB": total.memory_mib, "DISK_GB": total.storage_gib},
        tuple(trait.upper() for trait in traits),
    )


async def _claims(peer: Placement, count: int, required: tuple[str, ...]) -> None:
    for number in range(count):
        claim = await peer.claim(number, _PLAIN, required)
        if not claim.made:
            raise RuntimeError("Placement found no place for a VM on a thousand empty nodes")


def _report(measured: Measured) -> Report:
    peer_cpu = {name: statistics.median(values) * 1000 for name, values in measured.placement_cpu.items()}
    return Report(
        "scheduler",
        figures={
            **{f"decisions_per_s_{size}": statistics.median(measured.rates[size]) for size in SIZES},
            "p50_ms_1000": percentile(measured.paced, 0.50) * 1000,
            "p99_ms_1000": percentile(measured.paced, 0.99) * 1000,
            "p99_at_per_s": RATE,
            "p99_ms_1000_32_in_flight": percentile(measured.crowded, 0.99) * 1000,
            **{f"cpu_ms_per_decision_{size}": measured.cpu_ms(size) for size in SIZES},
            "decisions": sum(measured.decisions.values()) + len(measured.paced),
            "shed": measured.shed,
        },
        peer={
            "placement_cpu_ms_1000": peer_cpu["plain"],
            "placement_filtered_cpu_ms_1000": peer_cpu["filtered"],
            "pgbench_per_s_1000": statistics.median(measured.best_fit),
        },
        ratios={
            "cpu_over_placement": measured.cpu_ms(1_000) / peer_cpu["plain"],
            "cpu_over_placement_filtered": measured.cpu_ms(1_000) / peer_cpu["filtered"],
            "cost_growth_100_to_10000": measured.cpu_ms(10_000) / measured.cpu_ms(100),
        },
    )
