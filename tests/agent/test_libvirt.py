"""What only the libvirt driver must do: clear away what a crash left, leave others' domains alone, outlive libvirtd."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from novacron.errors import AlreadyExists, NotFound, Unavailable
from novacron_agent import hypervisor_setup
from novacron_agent.drivers.driver import DomainSpec, Driver, PowerState

pytestmark = [pytest.mark.guest, pytest.mark.usefixtures("libvirt_works")]
libvirt = pytest.importorskip("libvirt", reason="no libvirt binding: python -m novacron_agent.hypervisor_setup")

SpecOf = Callable[..., DomainSpec]
MakeDriver = Callable[[], Driver]

CREATE_ONE = """
import asyncio, sys, uuid
from pathlib import Path
from novacron_agent.drivers.driver import DomainSpec
from novacron_agent.drivers.libvirt import LibvirtDriver, LibvirtSettings

async def main():
    host, images, vm_id = Path(sys.argv[1]), Path(sys.argv[2]), uuid.UUID(sys.argv[3])
    driver = LibvirtDriver(LibvirtSettings(directory=host, images=images, acceleration="tcg"))
    await driver.open()
    print("open", flush=True)
    await driver.create(DomainSpec(vm_id, "web-1", 1, 128, 1, "novacron-guest-direct"))
    print("created", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def connection() -> Iterator[Any]:
    connection = libvirt.open(hypervisor_setup.uri())
    yield connection
    connection.close()


@pytest.fixture
async def opened(make_libvirt: MakeDriver) -> AsyncIterator[Driver]:
    driver = make_libvirt()
    await driver.open()
    yield driver
    with suppress(Unavailable):
        await driver.open()
    for domain in await driver.list():
        await driver.delete(domain.vm_id)
    await driver.close()


def instances(host: Path) -> list[str]:
    return sorted(path.name for path in (host / "instances").iterdir())


def mark(domain: Any, phase: str) -> None:
    """Take a domain back to where a create that was cut off leaves it."""
    from novacron_agent.drivers.domain_xml import NAMESPACE, PREFIX, Record

    record = replace(Record.from_xml(domain.metadata(2, NAMESPACE)), phase=phase)
    domain.setMetadata(2, record.to_xml(), PREFIX, NAMESPACE, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
    if domain.isActive():
        domain.setMetadata(2, record.to_xml(), PREFIX, NAMESPACE, libvirt.VIR_DOMAIN_AFFECT_LIVE)


async def test_files_without_a_domain_are_gone_after_open(opened: Driver, host_directory: Path) -> None:
    await opened.close()
    left = host_directory / "host" / "instances" / str(uuid4())
    left.mkdir()
    (left / "disk.qcow2").write_bytes(b"half")

    await opened.open()

    assert instances(host_directory / "host") == []


async def test_a_domain_that_was_defined_and_never_started_is_undone_by_open(
    opened: Driver, spec_of: SpecOf, connection: Any, host_directory: Path
) -> None:
    spec = spec_of()
    await opened.create(spec)
    await opened.close()
    domain = connection.lookupByUUID(spec.vm_id.bytes)
    domain.destroy()
    mark(domain, "creating")

    await opened.open()

    assert await opened.list() == []
    assert instances(host_directory / "host") == []
    with pytest.raises(libvirt.libvirtError):
        connection.lookupByUUID(spec.vm_id.bytes)


async def test_a_domain_that_runs_and_was_never_answered_is_kept_and_its_create_repeated_finds_it(
    opened: Driver, spec_of: SpecOf, connection: Any
) -> None:
    spec = spec_of()
    created = await opened.create(spec)
    await opened.close()
    domain = connection.lookupByUUID(spec.vm_id.bytes)
    mark(domain, "creating")

    await opened.open()

    assert (await opened.create(spec)).created_at == created.created_at
    await opened.stop(spec.vm_id, grace_seconds=0)
    await opened.close()
    await opened.open()
    assert (await opened.get(spec.vm_id)).power_state is PowerState.STOPPED, "it is no debris any more"


async def test_debris_of_this_vm_does_not_stop_a_create_without_a_restart(
    opened: Driver, spec_of: SpecOf, connection: Any, host_directory: Path
) -> None:
    spec = spec_of()
    await opened.create(spec)
    domain = connection.lookupByUUID(spec.vm_id.bytes)
    domain.destroy()
    mark(domain, "creating")
    other = replace(spec, memory_mib=192)

    assert (await opened.create(other)).power_state is PowerState.RUNNING

    files_only = spec_of()
    left = host_directory / "host" / "instances" / str(files_only.vm_id)
    left.mkdir()
    (left / "disk.qcow2").write_bytes(b"half")
    assert (await opened.create(files_only)).power_state is PowerState.RUNNING


async def test_a_create_that_the_hypervisor_refuses_leaves_nothing(
    opened: Driver, spec_of: SpecOf, connection: Any, host_directory: Path
) -> None:
    spec = spec_of()
    # A stranger's domain has the name that ours would get: it is refused when disk and seed are made already.
    name = f"novacron-{spec.vm_id}"
    stranger = connection.defineXML(
        f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
    )
    try:
        with pytest.raises(Unavailable, match="already exists"):
            await opened.create(spec)
        assert await opened.list() == []
        assert instances(host_directory / "host") == []
        assert stranger.name() == name
    finally:
        stranger.undefine()


async def test_a_domain_of_someone_else_is_neither_listed_nor_touched(
    opened: Driver, spec_of: SpecOf, connection: Any
) -> None:
    spec = spec_of()
    stranger = connection.defineXML(
        f"<domain type='qemu'><name>stranger-{spec.vm_id}</name><uuid>{spec.vm_id}</uuid><memory unit='MiB'>64</memory>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
    )
    try:
        assert await opened.list() == []
        with pytest.raises(NotFound):
            await opened.get(spec.vm_id)
        with pytest.raises(AlreadyExists, match="another program"):
            await opened.create(spec)
        assert await opened.delete(spec.vm_id) is False
        assert stranger.name() == f"stranger-{spec.vm_id}"
    finally:
        stranger.undefine()


async def test_two_agents_on_one_libvirt_have_their_own_vms(
    opened: Driver, make_libvirt: MakeDriver, spec_of: SpecOf, guest_images: Path, host_directory: Path
) -> None:
    from novacron_agent.drivers.libvirt import LibvirtDriver, LibvirtSettings

    spec = spec_of()
    await opened.create(spec)
    with pytest.raises(Unavailable, match="another agent keeps its VMs"):
        await make_libvirt().open()

    other = LibvirtDriver(LibvirtSettings(directory=host_directory / "other", images=guest_images, acceleration="tcg"))
    await other.open()
    assert await other.list() == []
    assert await other.stats() == []
    assert await other.delete(spec.vm_id) is False
    await other.close()
    assert (await opened.get(spec.vm_id)).power_state is PowerState.RUNNING


@pytest.mark.parametrize("cut", range(4))
async def test_an_agent_killed_in_the_middle_of_a_create_leaves_a_whole_vm_or_none(
    opened: Driver, spec_of: SpecOf, guest_images: Path, host_directory: Path, cut: int
) -> None:
    await opened.close()
    spec = spec_of()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CREATE_ONE,
        host_directory / "host",
        guest_images,
        str(spec.vm_id),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    # A create takes half a second to a second here: each round ends in another part of it.
    await asyncio.sleep(random.Random(cut).uniform(0.1 * cut, 0.1 * (cut + 1)))
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()

    await opened.open()

    there = await opened.list()
    assert [domain.power_state for domain in there] in ([], [PowerState.RUNNING])
    assert instances(host_directory / "host") == [str(domain.vm_id) for domain in there]
    assert (await opened.create(spec)).power_state is PowerState.RUNNING
    assert await opened.delete(spec.vm_id) is True
    assert instances(host_directory / "host") == []


async def test_a_guest_whose_qemu_was_killed_is_crashed_and_starts_again(
    opened: Driver, spec_of: SpecOf, host_directory: Path, eventually: Callable[..., Any]
) -> None:
    spec = spec_of()
    await opened.create(spec)
    if os.geteuid() != 0:
        pytest.skip("the pid file of a session's QEMU lies elsewhere: run as root")
    pid_file = next(Path("/run/libvirt/qemu").glob(f"novacron-{spec.vm_id}.pid"))
    os.kill(int(pid_file.read_text()), signal.SIGKILL)

    crashed = await eventually(lambda: opened.get(spec.vm_id), lambda it: it.power_state is not PowerState.RUNNING)

    assert crashed.power_state is PowerState.CRASHED
    assert (await opened.start(spec.vm_id)).power_state is PowerState.RUNNING


async def test_figures_of_a_busy_guest_show_that_it_is_busy(
    opened: Driver, spec_of: SpecOf, eventually: Callable[..., Any]
) -> None:
    busy = spec_of(user_data="#!/bin/sh\nwhile :; do :; done\n")
    await opened.create(busy)

    async def sample() -> float:
        await asyncio.sleep(0.5)
        (figures,) = await opened.stats()
        return figures.cpu_usage_percent or 0.0

    async def booted() -> bool:
        return b"is up at" in await opened.console(busy.vm_id, offset=0, limit=1 << 20)

    await eventually(booted, bool)
    assert await eventually(sample, lambda percent: percent > 20) <= 100


async def test_a_probe_boots_a_guest_says_whether_it_ran_and_leaves_nothing(
    connection: Any, host_directory: Path
) -> None:
    from novacron_agent.drivers import kvm_probe

    assert kvm_probe._probe(connection, host_directory, "qemu", limit=20) == ""
    assert "no guest code within 0 seconds" in kvm_probe._probe(connection, host_directory, "qemu", limit=0)
    assert "knows of no KVM" in kvm_probe._probe(connection, host_directory, "xen", limit=20)

    assert list(host_directory.iterdir()) == []
    assert [domain for domain in connection.listAllDomains() if domain.name().startswith("novacron-probe")] == []


async def test_the_answer_of_a_probe_is_kept_for_this_boot_of_the_host(connection: Any, host_directory: Path) -> None:
    from novacron_agent.drivers.kvm_probe import kvm_works

    began = time.monotonic()
    first = kvm_works(connection, host_directory)
    assert time.monotonic() - began < 15

    assert kvm_works(None, host_directory) == first, "without a connection: nothing was asked"


async def test_a_created_at_is_the_time_of_the_create(opened: Driver, spec_of: SpecOf) -> None:
    before = datetime.now(UTC)
    created = await opened.create(spec_of())

    assert before <= created.created_at <= datetime.now(UTC)
