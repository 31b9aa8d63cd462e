"""`novacron audit --fix` against the services themselves: vm, scheduler, monitoring and an agent, over real databases."""

import asyncio
import os
from uuid import UUID, uuid4

import pytest

from novacron.api.vm.v1 import VM_STATE_RUNNING
from novacron.testing.patience import eventually
from novacron_agent.drivers.driver import DomainSpec

from ..vm.house import build, rows


@pytest.fixture
async def empty_house(servers, new_database, tmp_path, logged_in):
    """A house without a host, which the command talks to."""
    made = await build(servers, new_database, tmp_path)
    profile = logged_in.profile
    addresses = {"vm": made.server, "scheduler": made.scheduler, "monitoring": made.monitoring}
    profile["endpoints"] |= {name: f"127.0.0.1:{server.port}" for name, server in addresses.items()}
    logged_in.write_profile(**profile)
    yield made
    await made.close()


@pytest.fixture
async def house(empty_house):
    """The same with the host ``n1``."""
    await empty_house.add_host()
    return empty_house


async def gone(house):
    """A VM of which everything is left: its row alone says that it was deleted."""
    vm = await house.create()
    await rows(
        house.vm_database, "UPDATE vms SET state = 'deleted', deleted_at = now() WHERE id = %s RETURNING id", vm.vm_id
    )
    return vm


async def unknown(house):
    spec = DomainSpec(uuid4(), "lost", vcpus=1, memory_mib=128, disk_gib=1, base_image="novacron-guest")
    await house.host.driver.create(spec)
    return spec.vm_id


async def test_what_is_safe_is_mended_and_the_rest_is_told(novacron, house):
    kept, vm, bare = await house.create(), await gone(house), await house.create()
    await rows(house.monitoring_database, "DELETE FROM vm_monitoring WHERE vm_id = %s RETURNING vm_id", bare.vm_id)
    lost = await unknown(house)
    result = await novacron("audit", "--fix", "--yes", "--reason", "the disk was full", "-o", "json")
    assert result.code == 1, "the domain of which nothing was ever known is left"
    assert told(result) == {
        ("domain-without-vm", vm.vm_id, "mended"),
        ("domain-without-vm", str(lost), "still broken"),
        ("reservation-without-vm", vm.vm_id, "mended"),
        ("monitoring-without-vm", vm.vm_id, "mended"),
        ("vm-without-monitoring", bare.vm_id, "mended"),
    }
    assert await house.domains() == {UUID(one): "running" for one in (kept.vm_id, bare.vm_id, str(lost))}
    assert await house.reserved() == await house.monitored() == {UUID(kept.vm_id), UUID(bare.vm_id)}

    assert (await novacron("audit", "--fix", "--yes", "--destroy-unknown")).code == 0
    await house.nothing_is_left_over()
    assert (await novacron("audit")).code == 0
    history = (await novacron("audit", "--history", "-o", "json")).json
    assert [one["action"] for one in history] == [
        "destroy-domain",
        "restore-monitoring",
        "delete-monitoring",
        "release-reservation",
        "destroy-domain",
    ]
    assert {one["outcome"] for one in history} == {"done"}
    assert "reservation-without-vm: " in history[3]["reason"]
    assert "the disk was full" in history[3]["reason"]


async def test_it_says_what_it_would_do_and_does_nothing_unasked(novacron, house):
    vm = await gone(house)
    asked = await novacron("audit", "--fix")
    assert asked.code == 2
    assert f"would destroy the domain {vm.name} on n1, with its disks" in asked.err
    assert "--yes does it without asking; nothing was changed" in asked.err
    assert UUID(vm.vm_id) in await house.domains()
    plain = await novacron("audit")
    assert plain.code == 1
    assert "novacron audit --fix destroys it" in plain.out
    assert (await novacron("audit", "--yes")).code == 2


async def test_a_person_is_asked_and_no_means_no(novacron, house):
    vm = await gone(house)

    async def answering(answer):
        terminal, stdin = os.openpty()
        try:
            process = await novacron.start("audit", "--fix", stdin=stdin)
            os.write(terminal, answer)
            async with asyncio.timeout(60):
                _, err = await process.communicate()
        finally:
            os.close(terminal)
            os.close(stdin)
        return process.returncode, err.decode()

    code, said = await answering(b"n\n")
    assert (code, "mend these 3?" in said, "3 broken, and nothing was changed" in said) == (1, True, True)
    assert UUID(vm.vm_id) in await house.domains()
    assert (await answering(b"y\n"))[0] == 0
    await house.nothing_is_left_over()


async def test_what_is_refused_is_told_and_the_rest_is_mended_all_the_same(novacron, house):
    vm, bare = await gone(house), await house.create()
    await rows(house.monitoring_database, "DELETE FROM vm_monitoring WHERE vm_id = %s RETURNING vm_id", bare.vm_id)
    await house.host.goes_down()
    result = await novacron("audit", "--fix", "--yes", "-o", "json")
    assert result.code == 1
    outcomes = {(invariant, subject): outcome for invariant, subject, outcome in told(result)}
    assert outcomes["node-unread", str(house.host.node_id)] == "still broken"
    assert outcomes["vm-without-monitoring", bare.vm_id] == "mended"
    assert outcomes["monitoring-without-vm", vm.vm_id] == "mended"
    refusal = outcomes["reservation-without-vm", vm.vm_id]
    assert refusal.startswith("not mended: the agent of node n1 cannot be reached")
    assert UUID(vm.vm_id) in await house.reserved()
    await house.host.comes_back()
    assert (await novacron("audit", "--fix", "--yes")).code == 0
    await house.nothing_is_left_over()


async def test_a_create_under_way_is_not_broken_by_it(novacron, empty_house):
    house = empty_house
    await house.add_host(latency_seconds={"create": 3.0})
    vm = await gone(house)
    creating = [await house.create(return_immediately=True) for _ in range(3)]

    async def begun():
        return {UUID(one.vm_id) for one in creating} <= await house.reserved()

    await eventually(begun)
    result, *made = await asyncio.gather(
        novacron("audit", "--fix", "--yes", "--destroy-unknown", "-o", "json"),
        *(house.reaches(one.vm_id, VM_STATE_RUNNING) for one in creating),
    )
    assert {subject for _, subject, _ in told(result)} == {vm.vm_id}
    assert result.code == 0
    assert len(made) == 3
    await house.nothing_is_left_over()


async def test_creates_and_deletes_all_the_while_lose_nothing_to_it(novacron, house):
    """Whatever instant the audit reads at, what it mends is only what was planted."""
    vm, over = await gone(house), asyncio.Event()

    async def churn():
        while not over.is_set():
            one = await house.create()
            await house.delete(one.vm_id)

    churning = [asyncio.create_task(churn()) for _ in range(3)]
    try:
        result = await novacron("audit", "--fix", "--yes", "--destroy-unknown", "-o", "json")
    finally:
        over.set()
        await asyncio.gather(*churning)
    mended = await rows(house.vm_database, "SELECT DISTINCT vm_id FROM vm_repairs WHERE outcome = 'done'")
    assert mended == [(UUID(vm.vm_id),)]
    assert {subject for _, subject, outcome in told(result) if outcome == "mended"} == {vm.vm_id}
    await house.nothing_is_left_over()


async def test_it_is_for_admins(novacron, house, logged_in):
    vm = await gone(house)
    logged_in.auth.passwords["", "oper"] = ("secret-secret", ("vm:*", "saga:*", "node:*", "reservation:*", "metrics:*"))
    assert (await novacron("login", "oper", "--password-file", "-", typed="secret-secret\n")).code == 0
    seen = await novacron("audit")
    assert "only your tenant was seen, and no domains" in seen.err
    history = await novacron("audit", "--history")
    assert (history.code, history.out) == (4, "")
    assert UUID(vm.vm_id) in await house.domains()


def told(result):
    return {(one["invariant"], one["subject_id"], one["outcome"]) for one in result.json}
