"""CreateVm through the whole saga, every process on this machine, beside the bare calls and commits that it is made of.

The floor is one request's worth of gRPC and PostgreSQL with nothing around it: 5 echo calls (the user's, reserve, provision,
monitor, confirm) and 8 single-row commits (the saga's 5, the scheduler's 2, monitoring's 1), one after the other.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from novacron.api.vm.v1 import VM_STATE_RUNNING, CreateVmRequest, VmServiceStub, VmSpec
from novacron.ids import new_id

from ..e2e.stack import running_stack
from .floor import Floor, floor
from .report import Report, percentile

_CALLS, _COMMITS = 5, 8
_SPEC = VmSpec(cpu_cores=1, memory_mib=64, storage_gib=1, base_image="novacron-guest")


async def run(*, quick: bool = False) -> Report:
    rounds, per_round, crowd = (3, 10, 60) if quick else (10, 40, 1500)
    capacity = {"SIMULATED_VCPUS": "1000000", "SIMULATED_MEMORY_MIB": "1000000000", "SIMULATED_DISK_GIB": "1000000000"}
    with running_stack(**capacity) as stack:
        async with stack.channel("vm") as channel, floor(stack.database_url()) as bare:
            create = _creator(VmServiceStub(channel), await stack.token())
            for _ in range(20):
                await create()
                await _one_floor(bare)
            ours, theirs = [], []
            for _ in range(rounds):  # interleaved: the machine's moods meet both
                ours += [await _timed(create) for _ in range(per_round)]
                theirs += [await _timed(lambda: _one_floor(bare)) for _ in range(per_round)]
            cpu, began = stack.cpu_seconds(), time.perf_counter()
            loaded = await _crowd(create, crowd, in_flight=32)
            took, cpu = time.perf_counter() - began, stack.cpu_seconds() - cpu
    report = Report(
        "create_vm",
        figures={
            "vms_per_s": crowd / took,
            "p50_ms": percentile(ours, 0.50) * 1000,
            "p99_ms": percentile(ours, 0.99) * 1000,
            "p50_ms_32_in_flight": percentile(loaded, 0.50) * 1000,
            "p99_ms_32_in_flight": percentile(loaded, 0.99) * 1000,
            "cpu_ms_per_vm": cpu / crowd * 1000,
        },
        floor={"p50_ms": percentile(theirs, 0.50) * 1000, "p99_ms": percentile(theirs, 0.99) * 1000},
        ratios={"p50_over_floor": percentile(ours, 0.50) / percentile(theirs, 0.50)},
    )
    report.write()
    return report


def _creator(vms: VmServiceStub, token: tuple[tuple[str, str], ...]) -> Any:
    async def create() -> None:
        vm_id = str(new_id())
        request = CreateVmRequest(vm_id=vm_id, name=f"vm-{vm_id}", spec=_SPEC)
        vm = await vms.CreateVm(request, metadata=token, timeout=60)
        if vm.state != VM_STATE_RUNNING:
            raise RuntimeError(f"VM {vm_id} is in state {vm.state}: {vm.error}")

    return create


async def _one_floor(bare: Floor) -> None:
    for _ in range(_CALLS):
        await bare.call()
    for _ in range(_COMMITS):
        await bare.commit()


async def _timed(action: Any) -> float:
    began = time.perf_counter()
    await action()
    return time.perf_counter() - began


async def _crowd(create: Any, total: int, *, in_flight: int) -> list[float]:
    durations: list[float] = []
    left = iter(range(total))

    async def one_after_the_other() -> None:
        for _ in left:
            durations.append(await _timed(create))

    await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
    return durations
