"""A rolling restart under load: every process in turn is told to stop and started again, while users go on calling.

All calls are idempotent and go through our own client. None may fail: who restarts is away for a moment, and the client's
part is to wait that long.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc

from novacron.api.auth.v1 import AuthServiceStub, GetJwksRequest
from novacron.api.federation.v1 import ListCloudProvidersRequest, ProviderServiceStub
from novacron.api.monitoring.v1 import MetricsServiceStub, QueryVmMetricsRequest
from novacron.api.registry.v1 import ListServicesRequest, RegistryServiceStub
from novacron.api.scheduler.v1 import ListNodesRequest, NodeServiceStub
from novacron.api.vm.v1 import (
    VM_STATE_DELETED,
    VM_STATE_RUNNING,
    CreateVmRequest,
    DeleteVmRequest,
    GetVmConsoleRequest,
    GetVmRequest,
    ListVmsRequest,
    VmServiceStub,
    VmSpec,
)
from novacron.errors import NovacronError
from novacron.rpc.channel import Channel
from novacron_local.layout import SERVICES

from ..e2e.stack import Stack

PROCESSES = (*SERVICES, "agent")
_SPEC = VmSpec(cpu_cores=1, memory_mib=128, storage_gib=1, base_image="novacron-guest")
# What a user waits for an answer. A process of Python is back in seconds, on a busy machine in some more.
_DEADLINE = 30.0
Call = Callable[[], Awaitable[Any]]


@dataclass
class Tally:
    """What came of the load."""

    calls: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    restarted: dict[str, float] = field(default_factory=dict)  # seconds until it served again
    longest: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        rows = [
            f"  {name:<24} {count:>6} calls   longest {self.longest[name]:6.2f} s" for name, count in self.calls.items()
        ]
        away = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.restarted.items())
        return "\n".join(
            [
                f"{sum(self.calls.values())} calls, {len(self.failed)} failed; {len(self.created)} VMs created, "
                f"{len(self.deleted)} deleted; restarted: {away}",
                *rows,
                *self.failed[:20],
            ]
        )


class Load:
    """Users of every service who never stop asking."""

    def __init__(self, stack: Stack, channels: dict[str, Channel], vm_id: str) -> None:
        self.tally = Tally()
        self._stack = stack
        vms = VmServiceStub(channels["vm"])
        self._vms = vms
        metrics = QueryVmMetricsRequest(vm_id=vm_id, metric="cpu_usage_percent")
        self._asked: dict[str, Call] = {
            "vm ListVms": lambda: vms.ListVms(ListVmsRequest(), timeout=_DEADLINE),
            "vm GetVm": lambda: vms.GetVm(GetVmRequest(vm_id=vm_id), timeout=_DEADLINE),
            "vm GetVmConsole": lambda: vms.GetVmConsole(GetVmConsoleRequest(vm_id=vm_id), timeout=_DEADLINE),
            "scheduler ListNodes": lambda: NodeServiceStub(channels["scheduler"]).ListNodes(
                ListNodesRequest(), timeout=_DEADLINE
            ),
            "federation ListProviders": lambda: ProviderServiceStub(channels["federation"]).ListCloudProviders(
                ListCloudProvidersRequest(), timeout=_DEADLINE
            ),
            "registry ListServices": lambda: RegistryServiceStub(channels["registry"]).ListServices(
                ListServicesRequest(), timeout=_DEADLINE
            ),
            "monitoring QueryVmMetrics": lambda: MetricsServiceStub(channels["monitoring"]).QueryVmMetrics(
                metrics, timeout=_DEADLINE
            ),
            "auth GetJwks": lambda: AuthServiceStub(channels["auth"]).GetJwks(GetJwksRequest(), timeout=_DEADLINE),
        }

    @asynccontextmanager
    async def going_on(self, *, creators: int, commands: bool, pause: float = 0.02) -> AsyncIterator[None]:
        """The load for the length of the block; each of its last calls has ended when this returns.

        ``pause``: how long a user thinks between two calls.
        """
        stopping = asyncio.Event()
        asked = {**self._asked, **({"novacron vm list": self._command} if commands else {})}
        loops = [asyncio.create_task(self._repeat(name, call, stopping, pause)) for name, call in asked.items()]
        loops += [asyncio.create_task(self._come_and_go(stopping)) for _ in range(creators)]
        try:
            yield
        finally:
            stopping.set()
            await asyncio.gather(*loops)

    async def go(self) -> None:
        """Delete what the load has left."""
        left = set(self.tally.created) - set(self.tally.deleted)
        await asyncio.gather(*(self._vms.DeleteVm(DeleteVmRequest(vm_id=one), timeout=_DEADLINE) for one in left))

    async def _repeat(self, name: str, call: Call, stopping: asyncio.Event, pause: float) -> None:
        while not stopping.is_set():
            await self._counted(name, call)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause)

    async def _counted(self, name: str, call: Call) -> Any:
        began = time.monotonic()
        try:
            return await call()
        except (NovacronError, AssertionError, TimeoutError) as error:
            after = time.monotonic() - began
            self.tally.failed.append(f"{name} after {after:.2f} s: {type(error).__name__} {error}")
            return None
        finally:
            self.tally.calls[name] += 1
            longest = self.tally.longest
            longest[name] = max(longest.get(name, 0.0), time.monotonic() - began)

    async def _come_and_go(self, stopping: asyncio.Event) -> None:
        """Creates, and deletes every second one."""
        vms = self._vms
        while not stopping.is_set():
            vm_id = str(uuid4())
            create = CreateVmRequest(vm_id=vm_id, name=f"vm-{vm_id[:13]}", spec=_SPEC)
            vm = await self._counted("vm CreateVm", lambda create=create: vms.CreateVm(create, timeout=_DEADLINE))
            if vm is None or vm.state != VM_STATE_RUNNING:
                await asyncio.sleep(0.1)
                self.tally.failed.append(f"VM {vm_id} was not made: {vm}")
                continue
            self.tally.created.append(vm_id)
            if len(self.tally.created) % 2:
                delete = DeleteVmRequest(vm_id=vm_id)
                vm = await self._counted("vm DeleteVm", lambda delete=delete: vms.DeleteVm(delete, timeout=_DEADLINE))
                if vm is None or vm.state != VM_STATE_DELETED:
                    self.tally.failed.append(f"VM {vm_id} was not deleted: {vm}")
                    continue
                self.tally.deleted.append(vm_id)

    async def _command(self) -> None:
        # As patient as the others; and starting the command itself takes its time on a busy machine.
        await self._stack.done("--wait", str(_DEADLINE), "vm", "list", "--output", "json")


@asynccontextmanager
async def users(stack: Stack) -> AsyncIterator[Load]:
    """Load on a stack that serves, with one VM that stays."""
    async with AsyncExitStack() as opened:
        credentials = grpc.ssl_channel_credentials(Path(stack.profile["ca_file"]).read_bytes())
        token = await stack.token()
        channels = {
            service: await opened.enter_async_context(
                Channel(
                    service,
                    stack.profile["endpoints"][service],
                    credentials,
                    metadata=lambda: token,
                    patience=_DEADLINE,
                    attempts=20,  # until the deadline: what is away may be behind the service that answers
                )
            )
            for service in SERVICES
        }
        kept = str(uuid4())
        create = CreateVmRequest(vm_id=kept, name=f"vm-{kept[:13]}", spec=_SPEC)
        await VmServiceStub(channels["vm"]).CreateVm(create, timeout=_DEADLINE)
        load = Load(stack, channels, kept)
        load.tally.created.append(kept)
        yield load


async def roll(stack: Stack, tally: Tally, processes: Sequence[str] = PROCESSES) -> None:
    """Restart one after the other, each when the one before serves again."""
    for name in processes:
        began = time.monotonic()
        await stack.back(stack.kill(name, signal.SIGTERM))
        tally.restarted[name] = time.monotonic() - began
