"""One request seen through all services, as a collector received it. ``pytest -s tests/e2e/test_trace.py`` prints it."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from uuid import uuid4

import grpc
import pytest

from novacron.api.vm.v1 import VM_STATE_RUNNING, CreateVmRequest, GetVmRequest, VmServiceStub, VmSpec
from novacron.testing.collector import Collector, Trace
from novacron.testing.patience import eventually
from novacron.testing.promtool import complaints
from novacron_local.layout import SERVICES

from .stack import Stack

VM, SCHEDULER = "novacron.api.vm.v1.VmService", "novacron.api.scheduler.v1.ReservationService"
AGENT, MONITORING = "novacron.api.agent.v1.AgentService", "novacron.api.monitoring.v1.MetricsService"
AUTH = "novacron.api.auth.v1.AuthService"
# What the steps of a create call, in their order.
CALLS = (
    f"{SCHEDULER}/ReserveResources",
    f"{AGENT}/CreateVm",
    f"{MONITORING}/CreateVmMonitoring",
    f"{SCHEDULER}/ConfirmReservation",
)


def sampled() -> tuple[str, tuple[str, str]]:
    """A trace id, and the metadata by which a caller asks for this trace to be recorded."""
    trace_id = uuid4().hex
    return trace_id, ("traceparent", f"00-{trace_id}-{uuid4().hex[:16]}-01")


async def arrived(collector: Collector, trace_id: str, *served: str) -> Trace:
    """The trace, when all of it is there: its root, and who served each of these methods."""

    async def whole() -> bool:
        trace = collector.trace(trace_id)
        return len(trace.roots) == 1 and {span.name for span in trace.spans if span.kind == "server"} >= set(served)

    await eventually(whole, within=15, every=0.1, message=f"the trace is whole:\n{collector.trace(trace_id)}")
    return collector.trace(trace_id)


async def test_a_create_is_one_trace_through_every_service_that_has_a_part_in_it(stack: Stack, collector: Collector):
    token = await stack.token()  # of a session that nobody has asked auth about yet
    trace_id, traceparent = sampled()
    vm_id = str(uuid4())
    spec = VmSpec(cpu_cores=1, memory_mib=128, storage_gib=1, base_image="novacron-guest")
    async with stack.channel("vm") as channel:
        create = CreateVmRequest(vm_id=vm_id, name=f"vm-{vm_id[:13]}", spec=spec)
        vm = await VmServiceStub(channel).CreateVm(create, metadata=(*token, traceparent), timeout=40)
    assert vm.state == VM_STATE_RUNNING

    trace = await arrived(collector, trace_id, f"{VM}/CreateVm", f"{AUTH}/GetUserPermissions", *CALLS)
    print(f"\n{trace}\n")
    (root,) = trace.roots
    assert (root.name, root.kind, root.service) == (f"{VM}/CreateVm", "server", "novacron-vm")
    assert (
        root.attributes.items()
        >= {
            "rpc.system.name": "grpc",
            "rpc.method": f"{VM}/CreateVm",
            "rpc.response.status_code": "OK",
        }.items()
    )
    assert trace.services == {f"novacron-{name}" for name in ("vm", "auth", "scheduler", "agent", "monitoring")}
    assert f"{AUTH}/GetUserPermissions" in {span.name for span in trace.below(root)}

    steps = [span for span in trace.below(root) if span.name.startswith("saga ")]
    assert [step.name for step in steps] == [
        f"saga create-vm/{step}/action" for step in ("reserve", "provision", "monitor", "activate")
    ]
    assert {step.attributes["novacron.saga.id"] for step in steps} == {vm_id}
    for step, method in zip(steps, CALLS, strict=True):
        client = next(span for span in trace.below(step) if span.name == method)
        assert client.kind == "client"
        (server,) = [span for span in trace.below(client) if span.kind == "server"]
        assert server.name == method
        assert step.start_ns <= client.start_ns <= server.start_ns < server.end_ns <= client.end_ns <= step.end_ns


async def test_the_log_of_a_call_names_its_trace_and_its_span(stack: Stack, collector: Collector):
    token = await stack.token()
    trace_id, traceparent = sampled()
    async with stack.channel("vm") as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await VmServiceStub(channel).GetVm(GetVmRequest(vm_id=str(uuid4())), metadata=(*token, traceparent))
    trace = await arrived(collector, trace_id, f"{VM}/GetVm")
    lines = [json.loads(line) for line in stack.data.log("vm").read_text().splitlines() if trace_id in line]
    refused = next(line for line in lines if line["event"] == "call refused")
    assert (refused["trace_id"], refused["span_id"]) == (trace_id, trace.roots[0].span_id)


async def test_a_call_in_a_trace_that_is_not_sampled_sends_nothing(stack: Stack, collector: Collector):
    token = await stack.token()
    trace_id, (_, traceparent) = sampled()
    unsampled = ("traceparent", traceparent[:-1] + "0")
    seen_id, seen = sampled()
    async with stack.channel("vm") as channel:
        for one in (unsampled, seen):  # spans go in the order in which they ended
            with pytest.raises(grpc.aio.AioRpcError):
                await VmServiceStub(channel).GetVm(GetVmRequest(vm_id=str(uuid4())), metadata=(*token, one))
    await arrived(collector, seen_id, f"{VM}/GetVm")
    assert collector.trace(trace_id).spans == ()


async def test_every_process_tells_its_numbers_at_a_port_that_status_names(stack: Stack, collector: Collector):
    status = (await stack.done("status")).out
    for name in (*SERVICES, "agent"):
        address = stack.process(name).addresses["metrics"]
        assert address in status
        text = await asyncio.to_thread(_get, f"http://{address}/metrics")
        assert "# TYPE rpc_server_call_duration_seconds histogram" in text, name
        assert "novacron_background_turns_total" in text, name
        assert await asyncio.to_thread(_get, f"http://{address}/healthz") == "ok\n"
        assert await complaints(text) == [], name


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())
