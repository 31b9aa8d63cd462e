"""64 clients for the last 50 slots of four nodes, at two processes: our schedulers, killed amid it, and Placement, left alone.

Ours are the rounds of ``tests/faults/claim_races.py``, a quota and two ``kill -9`` in each. Placement is asked as Nova asks it,
through two servers that nobody disturbs, up to three times for each VM. Counted are the vCPUs that it gives out beyond what
there is, the 409s that its callers see, and the slots that are left while VMs were refused.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from novacron import logs
from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.process import free_port
from novacron.settings import ProcessSettings
from novacron.testing.databases import Databases
from novacron_scheduler.__main__ import MIGRATIONS

from ..faults.claim_races import CLIENTS, SLOTS, Round, race, table
from .placement import Placement, Provider, placement
from .report import Report

_VM = {"VCPU": 1, "MEMORY_MB": 1024, "DISK_GB": 10}


@dataclass(frozen=True)
class PeerRound:
    """What came of one race at Placement."""

    made: int
    beyond: int  # vCPUs given out beyond what there is; nothing else is scarce here
    conflicts: int

    @property
    def left(self) -> int:
        """Slots that nobody got, though there were callers for all."""
        return max(SLOTS - self.made, 0)


async def run(*, quick: bool = False) -> Report:
    logs.configure(ProcessSettings(log_level="WARNING"), "bench")
    rounds = 2 if quick else 13
    with tempfile.TemporaryDirectory(prefix="novacron-bench-", dir="/var/tmp") as name:
        server = EmbeddedPostgres(Path(name) / "postgres", free_port())
        server.prepare()
        try:
            with server.running():
                ours, theirs = await _races(server, Path(name), rounds)
        finally:
            server.remove()
    print(f"\n{table(ours)}\n\nPlacement\nround  made  beyond  conflicts  left")
    for number, one in enumerate(theirs, 1):
        print(f"{number:>5}  {one.made:>4}  {one.beyond:>6}  {one.conflicts:>9}  {one.left:>4}")
    report = Report(
        "scheduler_races",
        figures={
            "rounds": rounds,
            "kills": 2 * rounds,
            "over_commits": sum(one.over_commits for one in ours),
            "conflicts": sum(one.conflicts for one in ours),
            "quota_exceeded": sum(one.quota_exceeded for one in ours),
            "miscounted": sum(one.miscounted for one in ours),
        },
        peer={
            "placement_rounds_over_committed": sum(one.beyond > 0 for one in theirs),
            "placement_conflicts": sum(one.conflicts for one in theirs),
            "placement_slots_left": sum(one.left for one in theirs),
        },
    )
    report.write()
    return report


async def _races(server: EmbeddedPostgres, directory: Path, rounds: int) -> tuple[list[Round], list[PeerRound]]:
    url = await asyncio.to_thread(Databases(server).create, *MIGRATIONS)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE placement")
    ours, theirs = [], []
    async with race(url, directory) as made, placement(server.url("placement"), servers=2) as peer:
        for _ in range(rounds):  # interleaved: the machine's moods meet both
            ours.append(await made.round())
            theirs.append(await _at_placement(peer))
    return ours, theirs


async def _at_placement(peer: Placement) -> PeerRound:
    sizes = [SLOTS // 4 + (number < SLOTS % 4) for number in range(4)]
    peer.furnish([Provider({"VCPU": size, "MEMORY_MB": 10**6, "DISK_GB": 10**4}) for size in sizes])
    claims = await asyncio.gather(*(peer.claim(number, _VM) for number in range(CLIENTS)))
    return PeerRound(
        made=sum(claim.made for claim in claims),
        beyond=peer.overcommitted(),
        conflicts=sum(claim.conflicts for claim in claims),
    )
