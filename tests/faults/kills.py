"""Creates and deletes in the middle of which something is killed, and what is true once everything runs again."""

from __future__ import annotations

import asyncio
import os
from random import Random
from uuid import UUID, uuid4

import grpc

from novacron.api.vm.v1 import CreateVmRequest, DeleteVmRequest, VmServiceStub, VmSpec

from ..e2e.stack import Metadata, Stack
from .whole import Whole, becomes_whole

SEED = os.environ.get("NOVACRON_FAULT_SEED", "1")
Request = CreateVmRequest | DeleteVmRequest


async def request(stack: Stack, metadata: Metadata, call: str, *requests: Request) -> None:
    """One call for each, once, whatever comes of it: the caller is not who makes things whole."""
    async with stack.channel("vm") as channel:
        method = getattr(VmServiceStub(channel), call)
        calls = (method(one, metadata=metadata, timeout=10) for one in requests)
        answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        assert not isinstance(answer, BaseException) or isinstance(answer, grpc.aio.AioRpcError), answer


def creates(ids: list[UUID]) -> list[CreateVmRequest]:
    spec = VmSpec(cpu_cores=1, memory_mib=128, storage_gib=1, base_image="novacron-guest")
    return [
        CreateVmRequest(vm_id=str(one), name=f"vm-{one.hex[:12]}", spec=spec, return_immediately=True) for one in ids
    ]


async def in_the_middle(stack: Stack, victim: str, moment: float, call: str, *requests: Request) -> Whole:
    """Kill ``victim`` ``moment`` seconds after the requests were sent; what the stack is like when it is whole again."""
    sent = asyncio.create_task(request(stack, await stack.token(), call, *requests))
    await asyncio.sleep(moment)  # the moment itself is the test's input, no condition is awaited
    killed = stack.kill(victim)
    await sent
    await stack.back(killed)
    return await becomes_whole(stack)


async def rounds_of(stack: Stack, victim: str, *, rounds: int, vms: int, latest: float) -> None:
    for number in range(rounds):
        random = Random(f"{SEED} {victim} {number}")
        ids = [uuid4() for _ in range(vms)]
        whole = await in_the_middle(stack, victim, random.uniform(0.05, latest), "CreateVm", *creates(ids))
        deletes = [DeleteVmRequest(vm_id=str(vm["id"])) for vm in whole.vms if vm["id"] in ids]
        whole = await in_the_middle(stack, victim, random.uniform(0.05, latest), "DeleteVm", *deletes)
        # A delete whose call was cut off may never have begun: the same delete again is then the first.
        await request(stack, await stack.token(), "DeleteVm", *deletes)
        assert {vm["state"] for vm in (await becomes_whole(stack)).vms if vm["id"] in ids} <= {"deleted"}
