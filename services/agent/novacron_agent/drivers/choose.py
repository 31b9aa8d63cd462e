"""Which hypervisor this agent drives: the one it is told to, or the best that this host has."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from novacron.errors import NovacronError, Unavailable
from novacron_agent.drivers.driver import Driver
from novacron_agent.drivers.host_storage import holds_vms
from novacron_agent.drivers.simulated import SimulatedDriver, SimulatedSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DriverSettings:
    """What an agent must know of its host to have a driver. ``directory`` is this agent's alone."""

    directory: Path
    images: Path
    driver: Literal["auto", "libvirt", "simulated"] = "auto"
    libvirt_uri: str = ""  # qemu:///system for root, else qemu:///session
    libvirt_network: str = "default"
    acceleration: Literal["auto", "kvm", "tcg"] = "auto"
    simulated: SimulatedSettings = field(default_factory=SimulatedSettings)


async def choose(settings: DriverSettings) -> Driver:
    """An open driver. ``auto`` is libvirt where it opens and else the simulated one, whose description says why.

    An agent that has VMs keeps their driver: were it simulated because libvirtd is just being restarted, it would tell
    everyone that its VMs are gone. ``Unavailable``: the driver that it must be does not open.
    """
    if settings.driver == "libvirt":
        return await _libvirt(settings)
    if settings.driver == "simulated":
        return await _simulated(settings)
    if _state(settings).exists():
        simulated = await _simulated(settings, why="this agent has simulated VMs")
        if await simulated.list():
            return simulated
        await simulated.close()
    try:
        return await _libvirt(settings)
    except NovacronError as error:
        if holds_vms(settings.directory):
            raise
        log.warning("no libvirt on this host, so the hypervisor is simulated: %s", error.message)
        return await _simulated(settings, why=error.message)


async def _simulated(settings: DriverSettings, why: str = "") -> Driver:
    driver = SimulatedDriver(settings.simulated, _state(settings), why=why)
    await driver.open()
    return driver


def _state(settings: DriverSettings) -> Path:
    return settings.directory / "simulated.state"


async def _libvirt(settings: DriverSettings) -> Driver:
    try:
        # An optional dependency: there is no wheel of it, and no use for it on a host without libvirt.
        from novacron_agent.drivers.libvirt import LibvirtDriver, LibvirtSettings
    except ImportError:
        raise Unavailable("the Python binding of libvirt is not installed (pip install novacron[libvirt])") from None
    driver = LibvirtDriver(
        LibvirtSettings(
            directory=settings.directory,
            images=settings.images,
            uri=settings.libvirt_uri,
            network=settings.libvirt_network,
            acceleration=settings.acceleration,
        )
    )
    await driver.open()
    return driver
