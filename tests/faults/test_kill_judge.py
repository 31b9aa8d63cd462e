"""The judge of every fault test must itself find each contradiction: here they are planted, one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from novacron.api.agent.v1 import POWER_STATE_RUNNING, POWER_STATE_STOPPED, Domain

from .whole import Whole

VM, NODE, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
AMOUNT = {"cpu_cores": 2, "memory_mb": 512, "storage_gb": 10}


def allocation(**changes: Any) -> dict[str, Any]:
    said = {"vm_id": VM, "node_id": NODE, **AMOUNT, "footprint": list(AMOUNT.values()), "confirmed_at": "then"}
    return {**said, "yields_to": None, "status": "active", **changes}


def vm(**changes: Any) -> dict[str, Any]:
    spec = {"cpu_cores": 2, "memory_mib": 512, "storage_gib": 10}
    said = {"id": VM, "state": "running", "node_id": NODE, "saga_id": None, "resource_config": spec}
    return {**said, "displaced_at": None, **changes}


def saga(state: str = "succeeded") -> dict[str, Any]:
    return {"saga_id": VM, "name": "create-vm", "state": state, "error": None}


def domain(vm_id: UUID = VM, power: Any = POWER_STATE_RUNNING, node: UUID = NODE) -> tuple[UUID, Domain]:
    return node, Domain(vm_id=str(vm_id), power_state=power)


def node(**changes: Any) -> dict[str, Any]:
    return {"id": NODE, "name": "n1", **{f"allocated_{key}": value for key, value in AMOUNT.items()}, **changes}


WELL = Whole([vm()], [saga()], [allocation()], [node()], [VM], [domain()])
GONE = Whole([vm(state="error", node_id=None)], [saga("compensated")], [], [], [], [])


@pytest.mark.parametrize("whole", [WELL, GONE])
def test_a_vm_that_runs_once_or_is_gone_everywhere_is_whole(whole: Whole):
    assert whole.broken() == []


@pytest.mark.parametrize(
    ("planted", "says"),
    [
        ({"sagas": [saga("stuck")]}, "is stuck"),
        ({"sagas": [saga("compensated")]}, "its create is compensated"),
        ({"vms": [vm(state="creating")]}, "stays creating"),
        ({"vms": [vm(saga_id=uuid4())]}, "is held by saga"),
        ({"domains": []}, "its domain on None"),
        ({"domains": [domain(), domain(node=OTHER)]}, "has 2 domains"),
        ({"domains": [domain(), domain(uuid4())]}, "has no VM"),
        ({"domains": [domain(power=POWER_STATE_STOPPED)]}, "in power state"),
        ({"domains": [domain(node=OTHER)]}, f"its domain on {OTHER}"),
        ({"allocations": []}, "no allocation"),
        ({"allocations": [allocation(confirmed_at=None)]}, "never confirmed"),
        ({"allocations": [allocation(), allocation(vm_id=uuid4())]}, "which does not exist"),
        ({"allocations": [allocation(node_id=OTHER, status="migrating"), allocation()]}, "holds 2 places"),
        ({"allocations": [allocation(node_id=OTHER)]}, f"its place on {OTHER}"),
        ({"allocations": [allocation(memory_mb=513)]}, "has 512 memory_mib, and holds 513"),
        ({"allocations": [allocation(yields_to=OTHER)]}, f"has yet to give way to VM {OTHER}"),
        ({"vms": [vm(displaced_at="then")]}, "gave its place to another, and holds one"),
        ({"nodes": [node(allocated_memory_mb=513)]}, "memory_mb of node n1"),
        ({"targets": []}, "nobody monitors"),
        ({"targets": [VM, uuid4()]}, "waits for samples"),
    ],
)
def test_each_contradiction_is_found(planted: dict[str, Any], says: str):
    assert any(says in line for line in replace(WELL, **planted).broken()), replace(WELL, **planted).broken()


def test_what_a_failed_create_left_behind_is_found():
    left = replace(GONE, allocations=[allocation()], nodes=[node()], targets=[VM], domains=[domain()])
    said = "\n".join(left.broken())
    assert all(word in said for word in ("has no VM", "an allocation for VM", "waits for samples"))
