"""A VM gives way to another over a whole stack: as people see it, and while processes die amid it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from novacron.testing.patience import eventually

from ..e2e.stack import Stack
from .whole import Whole, becomes_whole

SEED = os.environ.get("NOVACRON_FAULT_SEED", "1")
POLICY = {"name": "urgent", "policy_type": "POLICY_TYPE_PLACEMENT", "rules": {"preempts": "lower_priority"}}
pytestmark = pytest.mark.faults


class Full:
    """Two hosts with a VM of priority 0 on each, and no room for a third."""

    def __init__(self, stack: Stack, cores: int) -> None:
        self.stack = stack
        # More than half of what a host has, to itself: no two of these are beside each other, however hosts are shared.
        half = ("--cpu", str(cores // 2 + 8), "--memory", "128", "--disk", "1")
        self.size = (*half, "--allocation", "guaranteed")
        self.lows = [f"batch-{uuid4().hex[:8]}" for _ in range(2)]
        self.high = f"web-{uuid4().hex[:8]}"

    async def create(self, name: str, *more: str) -> Any:
        asked = (*self.size, "--image", "novacron-guest", *more, "-o", "json")
        return (await self.stack.done("vm", "create", name, *asked)).json

    async def show(self, name: str) -> Any:
        return (await self.stack.done("vm", "show", name, "-o", "json")).json

    async def clear(self) -> None:
        for name in (*self.lows, self.high):
            await self.stack.run("vm", "delete", name)

    async def displaced(self, whole: Whole) -> list[str]:
        return [whole.live[vm_id]["name"] for vm_id in whole.displaced]


@pytest.fixture
async def full(two_hosts: Stack, tmp_path: Path) -> AsyncIterator[Full]:
    await two_hosts.done("login")
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(POLICY))
    policies = (await two_hosts.done("policy", "list", "-o", "json")).json
    if not any(one["name"] == POLICY["name"] for one in policies):
        await two_hosts.done("policy", "create", str(file))
    nodes = (await two_hosts.done("node", "list", "-o", "json")).json
    found = Full(two_hosts, max(node["capacity"]["cpu_cores"] for node in nodes))
    for name in found.lows:
        await found.create(name)
    yield found
    await found.clear()
    await becomes_whole(two_hosts)


async def test_a_vm_of_higher_priority_is_given_the_room_of_a_lower_one_which_starts_again_later(full: Full):
    asked = (*full.size, "--priority", "10", "-o", "json")
    foretold = (await full.stack.done("placement", "explain", *asked)).json
    (low,) = [one["name"] for one in foretold["yielding"]]
    created = await full.stack.done("vm", "create", full.high, *asked, "--image", "novacron-guest")
    assert created.json["state"] == "VM_STATE_RUNNING"
    assert "waiting for VM batch-" in created.err
    whole = await becomes_whole(full.stack)
    (gone,) = await full.displaced(whole)
    assert gone in full.lows
    assert low in full.lows
    assert (
        f"preempts {gone} (priority 0), as the policy urgent lets priority 10 do"
        in (await full.stack.done("vm", "why", full.high)).out
    )
    assert "stopped, gave way" in (await full.stack.done("vm", "list")).out
    refused = await full.stack.run("vm", "start", gone)
    assert refused.code == 5
    assert f"no node takes {full.size[1]} vCPU" in refused.err
    assert (await full.stack.run("audit")).code == 0
    await full.stack.done("vm", "delete", full.high)
    assert (await full.stack.done("vm", "start", gone, "-o", "json")).json["state"] == "VM_STATE_RUNNING"
    assert (await becomes_whole(full.stack)).displaced == set()
    assert (await full.stack.run("audit")).code == 0


async def amid_a_kill(full: Full, victim: str, moment: float) -> None:
    """Kill ``victim`` ``moment`` seconds after the create was asked for: it gets the room whole, or not at all."""
    await full.create(full.high, "--priority", "10", "--no-wait")
    await asyncio.sleep(moment)  # the moment itself is the test's input, no condition is awaited
    await full.stack.back(full.stack.kill(victim))

    async def over() -> bool:
        vm = await full.show(full.high)
        return vm["state"] in ("VM_STATE_RUNNING", "VM_STATE_ERROR") and not vm["saga_id"]

    await eventually(over, within=90, every=0.3, message="the create is over")
    whole = await becomes_whole(full.stack)
    runs = (await full.show(full.high))["state"] == "VM_STATE_RUNNING"
    assert len(whole.displaced) == runs, "one gave way if it was for something"
    left = [await full.show(name) for name in full.lows]
    assert {vm["state"] for vm in left if "displaced_at" not in vm} == {"VM_STATE_RUNNING"}
    assert (await full.stack.run("audit")).code == 0


async def test_a_create_that_others_give_way_to_outlives_the_vm_service(full: Full):
    await amid_a_kill(full, "vm", Random(SEED).uniform(0.2, 1.2))
    assert (await full.show(full.high))["state"] == "VM_STATE_RUNNING"


@pytest.mark.faults_all
@pytest.mark.parametrize("victim", ["vm", "scheduler", "agent", "agent-2", "monitoring", "postgres"])
@pytest.mark.parametrize("number", range(3))
async def test_a_kill_while_others_give_way_leaves_everything_whole(full: Full, victim: str, number: int):
    await amid_a_kill(full, victim, Random(f"{SEED} {victim} {number}").uniform(0.1, 2.0))
