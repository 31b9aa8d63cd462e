"""The whole life of a VM over a whole stack: by the command, and by generated stubs."""

from __future__ import annotations

from uuid import uuid4

import grpc
import pytest

from novacron.api.monitoring.v1 import GetLatestVmMetricsRequest, MetricsServiceStub
from novacron.api.scheduler.v1 import ListNodesRequest, NodeServiceStub
from novacron.api.vm.v1 import (
    VM_STATE_DELETED,
    VM_STATE_RUNNING,
    VM_STATE_STOPPED,
    CreateVmRequest,
    DeleteVmRequest,
    GetVmConsoleRequest,
    GetVmRequest,
    StartVmRequest,
    StopVmRequest,
    VmServiceStub,
    VmSpec,
    WatchVmRequest,
)
from novacron.testing.patience import eventually

from .stack import Stack

SMALL = ("--cpu", "1", "--memory", "128M", "--disk", "1G", "--image", "novacron-guest")


async def test_a_vm_lives_its_whole_life_by_the_command(stack: Stack):
    await stack.done("login")
    await stack.done("template", "create", "small", *SMALL)
    created = await stack.done("vm", "create", "web-1", "--template", "small", "--tag", "env=test", "-o", "json")
    vm = created.json["vm_id"]
    assert created.json["state"] == "VM_STATE_RUNNING"
    assert [step in created.err for step in ("reserve", "provision", "monitor", "activate")] == [True] * 4
    assert "running" in (await stack.done("vm", "list")).out
    shown = (await stack.done("vm", "show", "web-1", "-o", "json")).json
    assert (shown["spec"]["memory_mib"], shown["tags"]) == ("128", {"env": "test"})
    saga = (await stack.done("saga", "show", vm, "-o", "json")).json
    assert [(one["step"], one["outcome"]) for one in saga["attempts"]] == [
        (step, "ok") for step in ("reserve", "provision", "monitor", "activate")
    ]
    nodes = (await stack.done("node", "list", "-o", "json")).json
    assert nodes[0]["allocated"]["cpu_cores"] in (1, "1")

    assert "web-1" in (await stack.done("vm", "console", vm)).out

    async def sampled() -> bool:
        return "cpu_usage_percent" in (await stack.run("metrics", "show", "web-1")).out

    await eventually(sampled, within=30, every=0.5)
    resized = (
        await stack.done("vm", "resize", "web-1", "--cpu", "2", "--memory", "256M", "--restart", "-o", "json")
    ).json
    assert (resized["state"], resized["spec"]["cpu_cores"]) == ("VM_STATE_RUNNING", 2)
    assert (await stack.done("node", "list", "-o", "json")).json[0]["allocated"]["cpu_cores"] in (2, "2")
    for command, state in (("stop", "STOPPED"), ("start", "RUNNING"), ("reboot", "RUNNING"), ("delete", "DELETED")):
        after = await stack.done("vm", command, "web-1", "-o", "json")
        assert after.json["state"] == f"VM_STATE_{state}", command
    assert (await stack.done("vm", "list", "-o", "json")).json == []
    assert (await stack.done("node", "list", "-o", "json")).json[0]["allocated"].get("cpu_cores") in (0, "0", None)
    missing = await stack.run("vm", "show", vm + "0")
    assert missing.code == 3, missing


async def test_a_vm_lives_its_whole_life_by_generated_stubs(stack: Stack):
    metadata = await stack.token()
    vm_id = str(uuid4())
    spec = VmSpec(cpu_cores=1, memory_mib=128, storage_gib=1, base_image="novacron-guest")
    create = CreateVmRequest(vm_id=vm_id, name="stub-1", spec=spec)
    async with stack.channel("vm") as channel, stack.channel("scheduler") as scheduler:
        vms = VmServiceStub(channel)
        created = await vms.CreateVm(create, metadata=metadata, timeout=30)
        again = await vms.CreateVm(create, metadata=metadata, timeout=30)
        assert created.state == VM_STATE_RUNNING
        assert (again.vm_id, again.etag) == (created.vm_id, created.etag)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            other = CreateVmRequest(vm_id=vm_id, name="stub-2", spec=spec)
            await vms.CreateVm(other, metadata=metadata, timeout=30)
        assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS

        console = await vms.GetVmConsole(GetVmConsoleRequest(vm_id=vm_id), metadata=metadata, timeout=10)
        assert b"stub-1" in console.data
        stopped = await vms.StopVm(StopVmRequest(vm_id=vm_id, grace_seconds=1), metadata=metadata, timeout=30)
        assert stopped.state == VM_STATE_STOPPED
        started = await vms.StartVm(StartVmRequest(vm_id=vm_id), metadata=metadata, timeout=30)
        assert started.state == VM_STATE_RUNNING
        nodes = await NodeServiceStub(scheduler).ListNodes(ListNodesRequest(), metadata=metadata, timeout=10)
        assert created.node_id in [node.node_id for node in nodes.nodes]
        await vms.DeleteVm(DeleteVmRequest(vm_id=vm_id), metadata=metadata, timeout=30)
        gone = await vms.GetVm(GetVmRequest(vm_id=vm_id), metadata=metadata, timeout=10)
        assert gone.state == VM_STATE_DELETED

        watch = vms.WatchVm(WatchVmRequest(vm_id=vm_id), metadata=metadata, timeout=30)
        states = [event.to_state async for event in watch]
    assert states[1:] == [VM_STATE_RUNNING, VM_STATE_STOPPED, VM_STATE_RUNNING, VM_STATE_DELETED]


async def test_a_call_without_a_token_is_refused_and_says_how_to_get_one(stack: Stack):
    async with stack.channel("monitoring") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await MetricsServiceStub(channel).GetLatestVmMetrics(
                GetLatestVmMetricsRequest(vm_id=str(uuid4())), timeout=10
            )
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "novacron login" in (refused.value.details() or "")
