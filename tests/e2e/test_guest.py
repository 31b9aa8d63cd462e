"""A real guest, through everything: libvirt boots it, its console and its samples are its own."""

from __future__ import annotations

import pytest

from novacron.testing.patience import eventually

from .stack import Stack


@pytest.mark.guest
async def test_a_real_guest_boots_speaks_is_measured_stops_starts_and_goes(real_hypervisor: Stack):
    small = ("--cpu", "1", "--memory", "128M", "--disk", "1G", "--image", "novacron-guest")
    await real_hypervisor.done("login")
    created = (await real_hypervisor.done("vm", "create", "real-1", *small, "-o", "json")).json
    assert created["state"] == "VM_STATE_RUNNING"

    async def greetings() -> int:
        return (await real_hypervisor.done("vm", "console", "real-1")).out.count("NovaCron guest real-1 is up at ")

    async def measured() -> bool:
        sample = (await real_hypervisor.done("metrics", "show", "real-1", "-o", "json")).json
        return float(sample["cpu_usage_percent"]) > 0 and int(sample["memory_usage_bytes"]) > 2**20

    await eventually(greetings, within=90, every=0.5)
    await eventually(measured, within=30, every=0.5)
    stopped = await real_hypervisor.done("vm", "stop", "real-1", "-o", "json")
    assert stopped.json["state"] == "VM_STATE_STOPPED"
    before = await greetings()
    started = await real_hypervisor.done("vm", "start", "real-1", "-o", "json")
    assert started.json["state"] == "VM_STATE_RUNNING"

    async def spoke_again() -> bool:
        return await greetings() > before

    await eventually(spoke_again, within=90, every=0.5)
    deleted = await real_hypervisor.done("vm", "delete", "real-1", "-o", "json")
    assert deleted.json["state"] == "VM_STATE_DELETED"
    assert (await real_hypervisor.done("vm", "list", "-o", "json")).json == []
