"""The guests that a stack's agent has with libvirt. They outlive the stack on purpose, and only ``reset`` ends them."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from novacron.errors import NovacronError
from novacron_agent.drivers.choose import DriverSettings, choose
from novacron_agent.drivers.host_storage import reachable

from .layout import DataDirectory, LocalStackError


def count_guests(data: DataDirectory) -> int:
    """How many guests have files on this host, running or not; also while the agent has hold of them."""
    return max((len(list(instances.iterdir())) for instances in _stores(data) if instances.is_dir()), default=0)


def remove_guests(data: DataDirectory) -> None:
    """End and delete every guest of this stack's agent, which must not run any more.

    :raises LocalStackError: when libvirt does not let go of them; their disks are then still needed.
    """
    if count_guests(data):
        try:
            asyncio.run(_remove_all(data))
        except NovacronError as error:
            raise LocalStackError(
                f"{count_guests(data)} guest(s) cannot be removed, so nothing is deleted: {error.message}"
            ) from error
    for instances in _stores(data):
        shutil.rmtree(instances.parent, ignore_errors=True)


async def _remove_all(data: DataDirectory) -> None:
    driver = await choose(
        DriverSettings(
            directory=data.agent(1),
            images=data.images,
            driver="libvirt",
            libvirt_uri=os.environ.get("NOVACRON_LIBVIRT_URI", ""),
            acceleration="tcg",  # nothing is going to boot: KVM need not be tried
        )
    )
    try:
        for guest in await driver.list():
            await driver.delete(guest.vm_id)
    finally:
        await driver.close()


def _stores(data: DataDirectory) -> list[Path]:
    """Where the driver keeps instances: below the agent's directory, or where QEMU can reach them instead."""
    directory = data.agent(1)
    return [root / "instances" for root in dict.fromkeys((directory.resolve(), reachable(directory)))]
