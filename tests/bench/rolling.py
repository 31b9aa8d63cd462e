"""A rolling restart of every process under load: how many idempotent calls were made, how many failed, and how long any waited.

The floor is the same load on the same stack with nobody restarted: what a call takes when nothing happens.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from ..e2e.stack import running_stack
from ..faults.rolling import PROCESSES, Tally, roll, users
from ..faults.whole import becomes_whole
from .report import Report


async def run(*, quick: bool = False) -> Report:
    processes = ("vm", "auth") if quick else PROCESSES
    with running_stack(SIMULATED_VCPUS="512", SIMULATED_MEMORY_MIB="262144") as stack:
        await stack.done("login")
        calm: Tally
        async with users(stack) as load:
            calm = load.tally
            async with load.going_on(creators=2, commands=True):
                await asyncio.sleep(3 if quick else 20)
        async with users(stack) as load:
            tally = load.tally
            async with load.going_on(creators=2, commands=True):
                await roll(stack, tally, processes)
        whole = await becomes_whole(stack)
    created = {UUID(vm) for one in (calm, tally) for vm in one.created}
    deleted = {UUID(vm) for one in (calm, tally) for vm in one.deleted}
    print(f"\n{tally}")
    report = Report(
        "rolling",
        figures={
            "processes_restarted": len(tally.restarted),
            "calls": sum(tally.calls.values()),
            "calls_failed": len(tally.failed),
            "vms_created": len(tally.created),
            "vms_deleted": len(tally.deleted),
            "vms_inconsistent": len(whole.live.keys() ^ (created - deleted)),
            "longest_call_s": max(tally.longest.values()),
            "longest_away_s": max(tally.restarted.values()),
        },
        floor={"calls_failed": len(calm.failed), "longest_call_s": max(calm.longest.values())},
        ratios={"longest_call_over_longest_away": max(tally.longest.values()) / max(tally.restarted.values())},
    )
    report.write()
    return report
