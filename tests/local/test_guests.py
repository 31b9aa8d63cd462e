"""What ``novacron reset`` does to guests that libvirt runs for this stack."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import subprocess
from uuid import uuid4

import pytest

from novacron.errors import NovacronError
from novacron_agent.drivers.choose import DriverSettings, choose
from novacron_agent.drivers.driver import DomainSpec
from novacron_local.guests import count_guests, remove_guests
from novacron_local.layout import DataDirectory

pytestmark = [
    pytest.mark.guest,
    pytest.mark.skipif(
        importlib.util.find_spec("libvirt") is None or shutil.which("qemu-img") is None,
        reason="no libvirt here: python -m novacron_agent.hypervisor_setup",
    ),
]


async def open_driver(data: DataDirectory):
    settings = DriverSettings(data.agent(1), data.images, driver="libvirt", acceleration="tcg")
    try:
        return await choose(settings)
    except NovacronError as error:
        pytest.skip(f"libvirt does not answer ({error.message}): python -m novacron_agent.hypervisor_setup")


async def test_only_this_stacks_guests_are_removed_with_their_disks(tmp_path):
    stacks = [DataDirectory(tmp_path / name) for name in ("one", "other")]
    drivers = []
    for data in stacks:
        data.make()
        image = data.images / "nothing.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(image), "1M"], check=True)
        drivers.append(await open_driver(data))
    mine, other = stacks
    try:
        for driver in drivers:
            await driver.create(DomainSpec(uuid4(), "guest", 1, 64, 1, "nothing"))
        await drivers[0].close()  # as `novacron down` does: the guest runs on
        assert count_guests(mine) == 1
        await asyncio.to_thread(remove_guests, mine)
        assert count_guests(mine) == 0
        assert len(await drivers[1].list()) == count_guests(other) == 1
    finally:
        for guest in await drivers[1].list():
            await drivers[1].delete(guest.vm_id)
        await drivers[1].close()
        await asyncio.to_thread(remove_guests, other)
    check = await open_driver(mine)
    assert list(await check.list()) == []
    await check.close()
    await asyncio.to_thread(remove_guests, mine)
