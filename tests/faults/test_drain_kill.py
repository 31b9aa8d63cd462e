"""A node is emptied while processes die: each VM runs exactly once, on one node or the other, and nobody had to help."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from novacron.api.vm.v1 import (
    NODE_DRAIN_STATE_DRAINED,
    CreateVmRequest,
    DrainNodeRequest,
    DrainServiceStub,
    GetNodeDrainRequest,
    NodeDrain,
    VmServiceStub,
    VmSpec,
)
from novacron.testing.patience import eventually

from ..e2e.stack import Stack
from .whole import Whole, becomes_whole

VMS = 3
SEED = os.environ.get("NOVACRON_FAULT_SEED", "1")
pytestmark = pytest.mark.faults


@dataclass
class Pair:
    """A stack of two hosts; all VMs are on ``full``, and ``empty`` is open."""

    stack: Stack
    full: str
    empty: str

    async def drain(self) -> NodeDrain:
        """Begin to move everything from the one to the other."""
        return await self._call("DrainNode", DrainNodeRequest(node=self.full, grace_seconds=0))

    async def is_over(self, drain: NodeDrain) -> NodeDrain:
        """The drain once it is over; the other host is open then, and the two have changed places."""

        async def ended() -> NodeDrain | None:
            found = await self._call("GetNodeDrain", GetNodeDrainRequest(drain=drain.drain_id))
            return found if found.finished_at.seconds else None

        found = await eventually(ended, within=60, every=0.2, message="the drain is over")
        assert found is not None
        return found

    async def turn(self) -> None:
        """What was emptied takes VMs again."""
        await self.stack.done("node", "undrain", self.full)
        self.full, self.empty = self.empty, self.full

    async def _call(self, method: str, request: Any) -> NodeDrain:
        metadata = await self.stack.token()
        async with self.stack.channel("vm") as channel:
            answer: NodeDrain = await getattr(DrainServiceStub(channel), method)(request, metadata=metadata, timeout=10)
        return answer


@pytest.fixture
async def pair(two_hosts: Stack) -> Pair:
    """With three VMs on one host, which are those of the test before if there was one."""
    await two_hosts.done("login")
    names = [node["name"] for node in (await two_hosts.done("node", "list", "-o", "json")).json]
    found = Pair(two_hosts, *names)
    vms = (await becomes_whole(two_hosts)).live
    if not vms:
        await two_hosts.done("node", "drain", found.empty, "--no-evict")
        await create(two_hosts)
        await two_hosts.done("node", "undrain", found.empty)
        vms = (await becomes_whole(two_hosts)).live
    if names_of(await becomes_whole(two_hosts)) == {found.empty}:
        found.full, found.empty = found.empty, found.full
    assert names_of(await becomes_whole(two_hosts)) == {found.full}
    return found


async def create(stack: Stack) -> None:
    spec = VmSpec(cpu_cores=1, memory_mib=128, storage_gib=1, base_image="novacron-guest")
    metadata = await stack.token()
    async with stack.channel("vm") as channel:
        vms = VmServiceStub(channel)
        requests = [CreateVmRequest(vm_id=str(uuid4()), name=f"vm-{number}", spec=spec) for number in range(VMS)]
        await asyncio.gather(*(vms.CreateVm(one, metadata=metadata, timeout=30) for one in requests))


def names_of(whole: Whole) -> set[str]:
    """The nodes that VMs are on."""
    names = {node["id"]: node["name"] for node in whole.nodes}
    return {names[vm["node_id"]] for vm in whole.live.values()}


async def test_the_command_empties_a_node_and_the_audit_is_true_all_the_while(pair: Pair):
    draining = asyncio.create_task(pair.stack.run("node", "drain", pair.full, "--budget", "1", "-o", "json"))
    audits = 0
    while not draining.done():
        audit = await pair.stack.run("audit")
        assert audit.code == 0, audit.out
        audits += 1
    result = await draining
    assert result.code == 0, result.err
    assert (result.json["state"], result.json["moved"]) == ("NODE_DRAIN_STATE_DRAINED", VMS)
    assert audits > 0
    whole = await becomes_whole(pair.stack)
    assert names_of(whole) == {pair.empty}
    assert {vm["state"] for vm in whole.live.values()} == {"running"}
    await pair.turn()
    (one, *_) = whole.live.values()
    moved = await pair.stack.done("vm", "move", one["name"], "--grace", "0", "-o", "json")
    assert moved.json["state"] == "VM_STATE_RUNNING"
    await pair.stack.done("vm", "move", one["name"], "--node", pair.full, "--grace", "0")


async def in_the_middle(pair: Pair, victim: str, moment: float) -> NodeDrain:
    """Kill ``victim`` ``moment`` seconds after the drain began; how it ended, once the stack is whole."""
    drain = await pair.drain()
    await asyncio.sleep(moment)  # the moment itself is the test's input, no condition is awaited
    killed = pair.stack.kill(victim)
    await pair.stack.back(killed)
    ended = await pair.is_over(drain)
    whole = await becomes_whole(pair.stack)
    assert {vm["state"] for vm in whole.live.values()} == {"running"}
    assert len(whole.live) == VMS
    assert (ended.moved + ended.left, len(ended.left_behind)) == (VMS, ended.left)
    return ended


@pytest.mark.faults_all
async def test_a_drain_whose_vm_service_is_killed_is_carried_to_its_end(pair: Pair):
    ended = await in_the_middle(pair, "vm", Random(SEED).uniform(0.3, 1.5))
    assert ended.state == NODE_DRAIN_STATE_DRAINED, ended
    await pair.turn()


@pytest.mark.faults_all
@pytest.mark.parametrize("victim", ["vm", "agent", "agent-2", "scheduler", "monitoring", "postgres"])
@pytest.mark.parametrize("number", range(3))
async def test_a_kill_amid_a_drain_leaves_each_vm_running_once(pair: Pair, victim: str, number: int):
    ended = await in_the_middle(pair, victim, Random(f"{SEED} {victim} {number}").uniform(0.1, 2.5))
    if ended.state != NODE_DRAIN_STATE_DRAINED:  # whoever was away for too long is named, and asked again
        ended = await pair.is_over(await pair.drain())
    assert ended.state == NODE_DRAIN_STATE_DRAINED, ended
    await becomes_whole(pair.stack)
    await pair.turn()
