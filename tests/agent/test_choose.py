"""Which driver an agent gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from novacron.errors import Unavailable
from novacron_agent.drivers.choose import DriverSettings, choose
from novacron_agent.drivers.driver import DomainSpec
from novacron_agent.drivers.simulated import SimulatedDriver


@pytest.fixture
def nowhere(tmp_path: Path) -> str:
    return f"qemu+unix:///system?socket={tmp_path / 'nobody-listens'}"


async def test_simulated_is_simulated_and_asks_nobody(tmp_path: Path) -> None:
    driver = await choose(DriverSettings(tmp_path, tmp_path / "images", driver="simulated"))

    assert isinstance(driver, SimulatedDriver)
    assert "because" not in driver.description
    assert await driver.list() == []
    await driver.close()


async def test_auto_is_simulated_where_libvirt_does_not_open_and_says_why(tmp_path: Path, nowhere: str) -> None:
    driver = await choose(DriverSettings(tmp_path, tmp_path / "images", libvirt_uri=nowhere))

    assert isinstance(driver, SimulatedDriver)
    assert driver.description.startswith("simulated hypervisor: no guest really runs, because ")
    assert "libvirt" in driver.description
    await driver.close()


async def test_libvirt_by_name_is_libvirt_or_an_error(tmp_path: Path, nowhere: str) -> None:
    with pytest.raises(Unavailable, match="libvirt"):
        await choose(DriverSettings(tmp_path, tmp_path / "images", driver="libvirt", libvirt_uri=nowhere))


async def test_an_agent_that_has_simulated_vms_stays_simulated(
    tmp_path: Path, spec_of: Callable[[], DomainSpec]
) -> None:
    driver = await choose(DriverSettings(tmp_path, tmp_path / "images", driver="simulated"))
    spec = spec_of()
    await driver.create(spec)
    await driver.close()

    driver = await choose(DriverSettings(tmp_path, tmp_path / "images"))

    assert [domain.vm_id for domain in await driver.list()] == [spec.vm_id]
    assert "because this agent has simulated VMs" in driver.description
    await driver.close()


async def test_an_agent_that_has_real_vms_waits_for_libvirt_rather_than_lose_them(tmp_path: Path, nowhere: str) -> None:
    (tmp_path / "instances" / str(uuid4())).mkdir(parents=True)

    with pytest.raises(Unavailable, match="libvirt"):
        await choose(DriverSettings(tmp_path, tmp_path / "images", libvirt_uri=nowhere))


@pytest.mark.guest
async def test_auto_is_libvirt_where_it_opens(libvirt_works: None, guest_images: Path, host_directory: Path) -> None:
    driver = await choose(DriverSettings(host_directory / "host", guest_images, acceleration="tcg"))

    assert driver.description.startswith("libvirt at qemu:///")
    assert "emulated (TCG)" in driver.description
    await driver.close()
