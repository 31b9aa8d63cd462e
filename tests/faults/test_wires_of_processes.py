"""Faults on the wires between real processes: whomever the vm service calls, PostgreSQL and Valkey as well."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest
import pytest_asyncio

from novacron.api.vm.v1 import CreateVmRequest, DeleteVmRequest, VmServiceStub
from novacron.embedded.process import free_port
from novacron.errors import NovacronError
from novacron.rpc.breaker_configuration import BETWEEN_SERVICES
from novacron.rpc.channel import Channel
from novacron.testing.faultproxy import FaultProxy
from novacron.testing.toxics import Cut, Direction, Down, HalfOpen, Latency, Reset
from novacron_local.layout import Ports

from ..e2e.stack import Stack, free_base, running_stack
from .test_wires import DEADLINE, GRACE, UNEXPLAINED, creates
from .whole import becomes_whole

pytestmark = [pytest.mark.faults, pytest.mark.faults_all, pytest.mark.asyncio(loop_scope="module")]
# (behind which wire, what is wrong, which way)
CELLS: list[tuple[str, Any, Direction | None]] = [
    ("valkey", HalfOpen(), None),
    ("valkey", Down(), None),
    ("auth", Down(), None),
    ("auth", HalfOpen(), None),
    ("auth", Latency(0.2, jitter=0.2), None),
    ("registry", HalfOpen(), None),
    ("registry", Down(), None),
    ("scheduler", Reset(), None),
    ("scheduler", HalfOpen(), Direction.TO_CLIENT),
    ("agent", Down(), None),
    ("agent", Cut(6_000), Direction.TO_CLIENT),
    ("postgres", HalfOpen(), None),
    ("postgres", Cut(3_000), Direction.TO_CLIENT),
]
STANDS_ALONE = {"valkey", "registry"}  # nobody may notice that they are away


@dataclass(frozen=True)
class Wired:
    """A stack whose vm service reaches everyone through a wire."""

    stack: Stack
    wires: Mapping[str, FaultProxy]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wired() -> AsyncIterator[Wired]:
    ports = Ports(free_base())
    behind = {
        "auth": ports.mesh("auth"),
        "registry": ports.mesh("registry"),
        "scheduler": ports.mesh("scheduler"),
        "agent": ports.agent(1),
        "postgres": ports.postgres,
        "valkey": ports.valkey,
    }
    async with AsyncExitStack() as opened:
        wires = {
            name: await opened.enter_async_context(FaultProxy("127.0.0.1", port, listen_port=free_port()))
            for name, port in behind.items()
        }
        addresses = {name: f"127.0.0.1:{wire.port}" for name, wire in wires.items()}
        vm = {f"{name.upper()}_ADDRESS": addresses[name] for name in ("auth", "registry", "scheduler")}
        vm["DATABASE_URL"] = f":{ports.postgres}/ -> :{wires['postgres'].port}/"
        vm["REDIS_URL"] = f":{ports.valkey} -> :{wires['valkey'].port}"
        settings = {"vm": vm, "agent": {"AGENT_ADVERTISE": addresses["agent"]}}
        up = (sys.executable, str(Path(__file__).with_name("wired_up.py")), json.dumps(settings))
        # In a thread: the wires carry what it starts.
        stack = running_stack(up=up, port_base=ports.base, in_memory=True, SAGA_LEASE_SECONDS="2", SIMULATED_VCPUS="64")
        made = await asyncio.to_thread(stack.__enter__)
        try:
            yield Wired(made, wires)
        finally:
            await asyncio.to_thread(stack.__exit__, None, None, None)


@pytest.mark.parametrize(
    ("wire", "fault", "direction"),
    [pytest.param(*cell, id=f"{cell[0]}-{cell[1]}") for cell in CELLS],
)
async def test_a_fault_between_processes_is_answered_in_time_and_leaves_everything_whole(
    wired: Wired, wire: str, fault: Any, direction: Direction | None
):
    stack = wired.stack
    token = await stack.token()  # nobody has cached what its session may do
    credentials = grpc.ssl_channel_credentials(Path(stack.profile["ca_file"]).read_bytes())
    address = stack.profile["endpoints"]["vm"]
    # A user's own breaker stays open for a minute: this one asks again soon.
    async with Channel("vm", address, credentials, metadata=lambda: token, breaker=BETWEEN_SERVICES) as channel:
        vms = VmServiceStub(channel)

        async def ask(request: CreateVmRequest | DeleteVmRequest, seconds: float = DEADLINE) -> str:
            method = vms.CreateVm if isinstance(request, CreateVmRequest) else vms.DeleteVm
            try:
                async with asyncio.timeout(seconds + GRACE):
                    await method(request, timeout=seconds)
            except NovacronError as error:
                assert error.code not in UNEXPLAINED, error  # noqa: PT017 - or it was answered
                return str(error.code.name)
            return "OK"

        wanted = creates(4)
        with wired.wires[wire].suffering(fault, direction):
            answers = await asyncio.gather(*map(ask, wanted))
        assert wire not in STANDS_ALONE or set(answers) == {"OK"}, answers
        await becomes_whole(stack)

        async def done(request: CreateVmRequest | DeleteVmRequest) -> None:
            async with asyncio.timeout(60):
                while await ask(request, 20) not in ("OK", "FAILED_PRECONDITION"):
                    await asyncio.sleep(0.2)

        await asyncio.gather(*map(done, wanted))  # the same requests: a VM that was undone stays so
        deletes = [DeleteVmRequest(vm_id=one.vm_id) for one in wanted]
        with wired.wires[wire].suffering(fault, direction):
            await asyncio.gather(*map(ask, deletes))
        await becomes_whole(stack)
        await asyncio.gather(*map(done, deletes))
        whole = await becomes_whole(stack)
        assert not whole.live.keys() & {UUID(one.vm_id) for one in wanted}
