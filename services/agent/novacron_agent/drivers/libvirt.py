"""The driver for hosts with libvirt: QEMU guests, under KVM where it works and emulated where it does not.

libvirt is the truth. What NovaCron must know of a domain beyond that stands in the domain's own ``<metadata>``, so there
is no second record that could say otherwise. A create leaves, whenever it is cut off, files without a domain or a domain
still marked ``creating``; :meth:`LibvirtDriver.open` and the next create of the same VM clear both away.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import libvirt

from novacron.errors import FailedPrecondition, Unavailable
from novacron_agent.drivers import libvirt_transfer
from novacron_agent.drivers.domain_xml import Acceleration
from novacron_agent.drivers.driver import Domain, DomainSpec, DomainStats, HostCapacity, PowerState
from novacron_agent.drivers.host_storage import HostStorage
from novacron_agent.drivers.hypervisor_link import Connection, HypervisorLink
from novacron_agent.drivers.kvm_probe import kvm_works
from novacron_agent.drivers.libvirt_host import LibvirtHost
from novacron_agent.drivers.transfer import Piece
from novacron_agent.drivers.turns import Turns
from novacron_agent.images import ImageStore

T = TypeVar("T")

_SYSTEM: Final = "qemu:///system"
_SESSION: Final = "qemu:///session"

_LOOK_EVERY_SECONDS: Final = 0.1
_PRESS_EVERY_SECONDS: Final = 3.0  # a guest that is still booting misses the power button


@dataclass(frozen=True, slots=True)
class LibvirtSettings:
    """Where the driver finds libvirt and images, and keeps its VMs."""

    directory: Path  # of this agent alone; ``reachable`` says where it lies if QEMU cannot get at it there
    images: Path
    uri: str = ""  # qemu:///system for root and qemu:///session for anybody else
    network: str = "default"  # a libvirt network; "" or one that cannot be had: QEMU's user-mode network
    acceleration: Literal["auto", "kvm", "tcg"] = "auto"
    keepalive_seconds: int = 5  # three of them missed: libvirtd is gone


class LibvirtDriver:
    """The :class:`~novacron_agent.drivers.driver.Driver` contract on this host's libvirt."""

    hypervisor_type = "kvm"

    def __init__(self, settings: LibvirtSettings) -> None:
        self._settings = settings
        self._uri = settings.uri or (_SYSTEM if os.geteuid() == 0 else _SESSION)
        self._system = urlsplit(self._uri).path == "/system"
        self._images = ImageStore(settings.images)
        self._storage = HostStorage(settings.directory, self._images, other_user=self._system)
        self._link = HypervisorLink(self._uri, keepalive_seconds=settings.keepalive_seconds)
        self._turns = Turns()
        self._opened: LibvirtHost | None = None
        self._description = f"libvirt at {self._uri}, not open"

    @property
    def description(self) -> str:
        return self._description

    async def open(self) -> None:
        if self._opened is not None:
            return
        if self._system and os.geteuid() != 0:
            # Consoles and disks in system mode are root's and QEMU's: a driver that cannot read them is half a driver.
            raise Unavailable(f"{self._uri} needs an agent that runs as root; as a normal user use {_SESSION}")
        await self._link.open()
        try:
            self._opened = await self._link.call(self._prepare)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._turns.settle()
        self._opened = None
        await self._link.close()
        self._storage.close()

    async def capacity(self) -> HostCapacity:
        return await self._link.call(self._host.capacity)

    async def images(self) -> Sequence[str]:
        return await self._link.call(lambda _: self._images.names())

    async def create(self, spec: DomainSpec) -> Domain:
        return await self._order(spec.vm_id, lambda connection: self._host.create(connection, spec))

    async def get(self, vm_id: UUID) -> Domain:
        return await self._link.call(lambda connection: self._host.get(connection, vm_id))

    async def list(self) -> Sequence[Domain]:
        return await self._link.call(self._host.list)

    async def start(self, vm_id: UUID) -> Domain:
        return await self._order(vm_id, lambda connection: self._host.start(connection, vm_id))

    async def stop(self, vm_id: UUID, *, grace_seconds: float) -> Domain:
        async def stop() -> Domain:
            await self._power_off(vm_id, grace_seconds)
            return await self.get(vm_id)

        return await self._turns.take(vm_id, stop)

    async def reboot(self, vm_id: UUID, *, grace_seconds: float) -> Domain:
        async def restart() -> Domain:
            # Off and on, rather than a reset: the guest comes back with the domain's present definition.
            if (await self.get(vm_id)).power_state in (PowerState.STOPPED, PowerState.CRASHED):
                raise FailedPrecondition(f"VM {vm_id} is not running: start it instead")
            await self._power_off(vm_id, grace_seconds)
            return await self._link.call(lambda connection: self._host.start(connection, vm_id))

        return await self._turns.take(vm_id, restart)

    async def resize(self, spec: DomainSpec) -> Domain:
        return await self._order(spec.vm_id, lambda connection: self._host.resize(connection, spec))

    async def delete(self, vm_id: UUID) -> bool:
        return await self._order(vm_id, lambda connection: self._host.remove(connection, vm_id))

    async def base_digests(self, image: str) -> Sequence[str]:
        return list(await asyncio.to_thread(self._storage.known_bases, image))

    def export(self, vm_id: UUID, known: Set[str]) -> AsyncIterator[Piece]:
        return libvirt_transfer.export(self._link, self._host, self._storage, vm_id, known)

    async def receive(self, spec: DomainSpec, pieces: AsyncIterator[Piece]) -> Domain:
        def take() -> Awaitable[Domain]:
            return libvirt_transfer.receive(self._link, self._host, self._storage, spec, pieces)

        return await self._turns.take(spec.vm_id, take)

    async def stats(self) -> Sequence[DomainStats]:
        return await self._link.call(self._host.stats)

    async def console(self, vm_id: UUID, *, offset: int, limit: int) -> bytes:
        return await self._link.call(lambda connection: self._host.console(connection, vm_id, offset, limit))

    async def _order(self, vm_id: UUID, work: Callable[[Connection], T]) -> T:
        def in_a_thread() -> Awaitable[T]:
            return self._link.call(work)

        return await self._turns.take(vm_id, in_a_thread)

    async def _power_off(self, vm_id: UUID, grace_seconds: float) -> None:
        # Between two looks no thread is held: a hundred slow guests may be on their way down at once.
        begun, next_press = time.monotonic(), 0.0
        while not await self._link.call(lambda connection: self._host.is_off(connection, vm_id)):
            waited = time.monotonic() - begun
            if waited >= grace_seconds:
                await self._link.call(lambda connection: self._host.pull_the_plug(connection, vm_id))
            elif waited >= next_press:
                await self._link.call(lambda connection: self._host.press_power_button(connection, vm_id))
                next_press = waited + _PRESS_EVERY_SECONDS
            else:
                await asyncio.sleep(_LOOK_EVERY_SECONDS)

    @property
    def _host(self) -> LibvirtHost:
        if self._opened is None:
            raise Unavailable("the libvirt driver is not open")
        return self._opened

    def _prepare(self, connection: Connection) -> LibvirtHost:
        self._storage.open()
        network = self._usable_network(connection)
        acceleration, why = self._usable_acceleration(connection)
        version = connection.getVersion()
        self._description = (
            f"libvirt at {self._uri}, QEMU {version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}, "
            + ("guests run under KVM" if acceleration == "kvm" else "guests are emulated (TCG)")
            + (f" because {why}" if why else "")
            + (f", network {network}" if network else ", user-mode network")
        )
        host = LibvirtHost(self._storage, network=network, acceleration=acceleration)
        host.reconcile(connection)
        return host

    def _usable_acceleration(self, connection: Connection) -> tuple[Acceleration, str]:
        if self._settings.acceleration != "auto":
            return self._settings.acceleration, ""
        works, why = kvm_works(connection, self._storage.root)
        return ("kvm", "") if works else ("tcg", why)

    def _usable_network(self, connection: Connection) -> str | None:
        if self._system and self._settings.network:
            with suppress(libvirt.libvirtError):
                network = connection.networkLookupByName(self._settings.network)
                if not network.isActive():
                    network.create()
                return self._settings.network
        return None
