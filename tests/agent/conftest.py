"""Both drivers behind one fixture: what the contract promises is tested once, and holds for each."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from novacron_agent import hypervisor_setup
from novacron_agent.drivers.driver import DomainSpec, Driver
from novacron_agent.drivers.simulated import SimulatedDriver, SimulatedSettings
from novacron_agent.guest_image import build

T = TypeVar("T")

MakeDriver = Callable[[], Driver]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What boots a guest once more, where another test sees the same of libvirt, does so in `make test-faults`."""
    for item in items:
        if item.get_closest_marker("one_more_boot") and item.get_closest_marker("guest"):
            item.add_marker(pytest.mark.faults_all)


async def wait_until(read: Callable[[], Awaitable[T]], until: Callable[[T], bool], *, within: float = 120.0) -> T:
    """The first value that satisfies ``until``; fails with the last one when ``within`` seconds have passed."""
    deadline = time.monotonic() + within
    while not until(value := await read()):
        assert time.monotonic() < deadline, f"still {value!r} after {within} seconds"
        await asyncio.sleep(0.05)
    return value


def new_spec(name: str = "web-1", **changes: object) -> DomainSpec:
    fields: dict[str, object] = {"vm_id": uuid4(), "name": name, "vcpus": 1, "memory_mib": 128, "disk_gib": 1}
    # The image that boots directly is up about two seconds sooner.
    return DomainSpec(**{"base_image": "novacron-guest-direct", **fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def eventually() -> Callable[..., Awaitable[Any]]:
    """``await eventually(read, condition)``: read until the condition holds, and return what was read."""
    return wait_until


@pytest.fixture
def spec_of() -> Callable[..., DomainSpec]:
    """``spec_of(name, memory_mib=256)``: a small new VM, and what it shall differ in."""
    return new_spec


@pytest.fixture(scope="session")
def guest_images() -> Path:
    """An image store with NovaCron's guest, built at most once per checkout and recipe."""
    if not all(map(shutil.which, ("apt-get", "dpkg-deb", "qemu-img"))):
        pytest.skip("no guest image here: on Debian run python -m novacron_agent.hypervisor_setup")
    store = Path(__file__).parents[2] / "build" / "images"
    build(store)
    return store


@pytest.fixture
def make_simulated(tmp_path: Path) -> MakeDriver:
    """A new driver on the same state file each time: what an agent is after a restart."""
    return lambda: SimulatedDriver(SimulatedSettings(), tmp_path / "hypervisor.state")


@pytest.fixture(scope="session")
def libvirt_works() -> None:
    """libvirt answers to this user, its daemons started if need be; else the test is skipped."""
    try:
        hypervisor_setup.start_daemons()
        hypervisor_setup.check()
    except hypervisor_setup.CannotSetUp as reason:
        pytest.skip(f"{reason}: python -m novacron_agent.hypervisor_setup")


@pytest.fixture
def host_directory() -> Iterator[Path]:
    """For a host's VMs: pytest's own directories are the user's alone, and QEMU is another user."""
    with tempfile.TemporaryDirectory(prefix="novacron-", dir="/var/tmp") as name:
        directory = Path(name).resolve()
        directory.chmod(0o711)
        yield directory


@pytest.fixture
def make_libvirt(libvirt_works: None, guest_images: Path, host_directory: Path) -> MakeDriver:
    from novacron_agent.drivers.libvirt import LibvirtDriver, LibvirtSettings

    settings = LibvirtSettings(directory=host_directory / "host", images=guest_images, acceleration="tcg")
    return lambda: LibvirtDriver(settings)


@pytest.fixture(params=["simulated", pytest.param("libvirt", marks=pytest.mark.guest)])
def make_driver(request: pytest.FixtureRequest) -> MakeDriver:
    """Makes drivers of one kind on one host; the libvirt kind is skipped where there is no libvirt."""
    return request.getfixturevalue(f"make_{request.param}")


@pytest.fixture
async def driver(make_driver: MakeDriver) -> AsyncIterator[Driver]:
    driver = make_driver()
    await driver.open()
    yield driver
    for domain in await driver.list():
        await driver.delete(domain.vm_id)
    await driver.close()
