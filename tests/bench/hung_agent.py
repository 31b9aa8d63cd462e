"""What one agent that hangs costs the VMs of the others: p99 of calls to healthy agents, without and with it.

Three agents, each a process. In all rounds users read the consoles of VMs on two of them, and that is measured; others ask for
the VM on the third, so many times a second whatever becomes of it. In every second round that agent is stopped with SIGSTOP:
the kernel still takes its connections and nothing is refused, so calls to it end by their deadlines, or at the breaker. Each
round begins with a part that is not measured, in which what the round before left behind comes to its end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from novacron.api.vm.v1 import VM_STATE_RUNNING, CreateVmRequest, GetVmConsoleRequest, Vm, VmServiceStub, VmSpec
from novacron.errors import NovacronError
from novacron.ids import new_id
from novacron.rpc.breaker_configuration import BreakerConfiguration
from novacron.rpc.channel import Channel

from ..e2e.stack import Stack, running_stack
from .report import Report, percentile

AGENTS = 3
ONE_VM_A_NODE = {"SIMULATED_VCPUS": "4", "CPU_ALLOCATION_RATIO": "1"}
_SPEC = VmSpec(cpu_cores=3, memory_mib=64, storage_gib=1, base_image="novacron-guest")
# Users of healthy VMs, each with a moment's thought between two calls.
_USERS, _THOUGHT = 4, 0.01
_NEVER_OPEN = BreakerConfiguration(minimum_request_threshold=10**9)
# Calls a second to the agent that hangs, and how long each waits for it.
_ASKED, _PATIENCE = 16, 2.0


async def run(*, quick: bool = False) -> Report:
    rounds, seconds = (2, 3.0) if quick else (10, 10.0)
    with running_stack(agents=AGENTS, **ONE_VM_A_NODE) as stack:
        token = await stack.token()
        credentials = grpc.ssl_channel_credentials((stack.data.certificates / "ca.pem").read_bytes())
        address = stack.profile["endpoints"]["vm"]

        def client(**options: Any) -> Channel:
            return Channel("vm", address, credentials, metadata=lambda: token, **options)

        # The others are many: no breaker of one client spares the vm service their calls.
        async with client() as ours, client(attempts=1, breaker=_NEVER_OPEN) as theirs:
            vms = VmServiceStub(ours)
            hung, *healthy = await one_on_each_node(vms)
            victim = await agent_of(stack, hung)
            without: list[float] = []
            with_it: list[float] = []
            answers: list[str] = []
            refused: list[str] = []
            asked_without = 0
            async with others(VmServiceStub(theirs), hung, answers):
                for _ in range(rounds):  # interleaved: the machine's moods meet both
                    await users(vms, healthy, seconds / 3)
                    answers.clear()
                    without += await users(vms, healthy, seconds)
                    asked_without += len(answers)
                    os.kill(victim, signal.SIGSTOP)
                    try:
                        await users(vms, healthy, seconds / 3)
                        answers.clear()
                        with_it += await users(vms, healthy, seconds)
                        refused += [one for one in answers if one != "OK"]
                    finally:
                        os.kill(victim, signal.SIGCONT)
    report = Report(
        "hung_agent",
        figures={
            "calls_without": len(without),
            "calls_with": len(with_it),
            "others_without": asked_without,
            "others_refused_with": len(refused),
            "p50_ms_without": percentile(without, 0.50) * 1000,
            "p50_ms_with": percentile(with_it, 0.50) * 1000,
            "p99_ms_without": percentile(without, 0.99) * 1000,
            "p99_ms_with": percentile(with_it, 0.99) * 1000,
        },
        ratios={
            "p50_with_over_without": percentile(with_it, 0.50) / percentile(without, 0.50),
            "p99_with_over_without": percentile(with_it, 0.99) / percentile(without, 0.99),
        },
    )
    report.write()
    return report


async def one_on_each_node(vms: VmServiceStub, nodes: int = AGENTS) -> list[str]:
    made: list[Vm] = []
    for _ in range(nodes):
        vm_id = str(new_id())
        made.append(await vms.CreateVm(CreateVmRequest(vm_id=vm_id, name=f"vm-{vm_id}", spec=_SPEC), timeout=60))
    if [vm.state for vm in made] != [VM_STATE_RUNNING] * nodes or len({vm.node_id for vm in made}) < nodes:
        raise RuntimeError(f"not one VM on each node: {made}")
    return [vm.vm_id for vm in made]


async def agent_of(stack: Stack, vm_id: str) -> int:
    """The process whose domain this VM is."""
    from ..faults.whole import look

    whole = await look(stack)
    node_id = next(vm["node_id"] for vm in whole.vms if str(vm["id"]) == vm_id)
    address = next(node["agent_address"] for node in whole.nodes if node["id"] == node_id)
    for process in stack.record.processes:
        if address in process.addresses.values() and process.pid is not None:
            return process.pid
    raise RuntimeError(f"nobody of the stack listens at {address}")


async def users(vms: VmServiceStub, healthy: list[str], seconds: float) -> list[float]:
    """Read consoles for so long; the duration of each call. Any failure is one of the experiment."""
    durations: list[float] = []
    ends = time.perf_counter() + seconds

    async def user(number: int) -> None:
        request = GetVmConsoleRequest(vm_id=healthy[number % len(healthy)])
        while time.perf_counter() < ends:
            began = time.perf_counter()
            await vms.GetVmConsole(request, timeout=30)
            durations.append(time.perf_counter() - began)
            await asyncio.sleep(_THOUGHT)

    await asyncio.gather(*map(user, range(_USERS)))
    return durations


@asynccontextmanager
async def others(vms: VmServiceStub, vm_id: str, answers: list[str]) -> AsyncIterator[None]:
    """For the length of the block ``vm_id`` is asked for, at the same rate whether it answers or not."""

    async def ask() -> None:
        try:
            await vms.GetVmConsole(GetVmConsoleRequest(vm_id=vm_id), timeout=_PATIENCE)
            answers.append("OK")
        except NovacronError as error:
            answers.append(error.code.name)

    async def keep_asking() -> None:
        async with asyncio.TaskGroup() as asked:
            while True:
                asked.create_task(ask())
                await asyncio.sleep(1 / _ASKED)

    asking = asyncio.create_task(keep_asking())
    try:
        yield
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
