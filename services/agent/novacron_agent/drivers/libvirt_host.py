"""The libvirt driver's half that blocks: one method per thing done to this host, each run in a thread of the link.

Any of them may run twice, when the connection dies under it, and each is written to be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import libvirt

from novacron.errors import AlreadyExists, FailedPrecondition, NotFound
from novacron_agent.drivers.domain_stats import Sampler
from novacron_agent.drivers.domain_xml import (
    NAMESPACE,
    PREFIX,
    Acceleration,
    Record,
    command_line,
    domain_xml,
    resized_xml,
)
from novacron_agent.drivers.driver import Domain, DomainSpec, DomainStats, HostCapacity, PowerState
from novacron_agent.drivers.fits import check_fits, check_resizable
from novacron_agent.drivers.host_storage import HostStorage, InstanceFiles
from novacron_agent.drivers.hypervisor_link import Connection
from novacron_agent.drivers.naming import address_on_console, mac_address

_CONSOLE_TAIL: Final = 1 << 18

_GONE: Final = libvirt.VIR_ERR_NO_DOMAIN
_OFF: Final = libvirt.VIR_ERR_OPERATION_INVALID  # what libvirt says to a wish that needs a running domain

_STATES: Final[dict[int, PowerState]] = {
    libvirt.VIR_DOMAIN_RUNNING: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_SHUTDOWN: PowerState.RUNNING,  # on its way down, not there yet
    libvirt.VIR_DOMAIN_PAUSED: PowerState.PAUSED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: PowerState.PAUSED,
    libvirt.VIR_DOMAIN_CRASHED: PowerState.CRASHED,
}
_CRASHES: Final = (libvirt.VIR_DOMAIN_SHUTOFF_CRASHED, libvirt.VIR_DOMAIN_SHUTOFF_FAILED)

_AS_DEFINED: Final = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
_REMAINS: Final = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
)
_FIGURES: Final = (
    libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_BLOCK
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
)


class LibvirtHost:
    """The domains of one agent, which are those whose metadata name its directory, and their files."""

    def __init__(self, storage: HostStorage, *, network: str | None, acceleration: Acceleration) -> None:
        self._storage = storage
        self._network = network
        self._acceleration = acceleration
        self._store = str(storage.root)
        self._sampler = Sampler()
        self._booted_at: dict[UUID, int] = {}  # where in its console log the current boot of a VM begins
        self._addresses: dict[UUID, str] = {}  # of running domains, as they said them

    def reconcile(self, connection: Connection) -> None:
        """Undo every create that was cut off before the domain ran, and finish those that were cut off after."""
        for domain, record in list(self._ours(connection)):
            self._wait_for_orders(domain, record)
            if record.phase == "creating":
                if domain.isActive():
                    self._finish(domain, record)
                else:
                    self.remove(connection, UUID(domain.UUIDString()))
        for vm_id in self._storage.instances() - {UUID(domain.UUIDString()) for domain, _ in self._ours(connection)}:
            self._storage.remove(vm_id)

    def capacity(self, connection: Connection) -> HostCapacity:
        _, memory_mib, vcpus, *_ = connection.getInfo()
        return HostCapacity(vcpus=vcpus, memory_mib=memory_mib, disk_gib=self._storage.total_gib())

    def create(self, connection: Connection, spec: DomainSpec) -> Domain:
        domain, record = self._look(connection, spec.vm_id)
        if domain is not None:
            if record is None or record.store != self._store:
                raise AlreadyExists(f"another program or agent has a domain {spec.vm_id} on this host")
            if record.phase == "creating":
                self._wait_for_orders(domain, record)
            if record.phase == "created" or domain.isActive():
                if record.fingerprint != spec.fingerprint():
                    raise AlreadyExists(f"VM {spec.vm_id} exists on this host with another specification")
                return self._shown(domain, self._finish(domain, record))
            self.remove(connection, spec.vm_id)
        check_fits(spec, self.capacity(connection))
        record = Record.of(spec, store=self._store, phase="creating", created_at=datetime.now(UTC))
        try:
            files = self._storage.make(spec)
            xml = domain_xml(spec, files, record, acceleration=self._acceleration, network=self._network)
            domain = connection.defineXML(xml)
            domain.create()
            return self._shown(domain, self._finish(domain, record))
        except BaseException:
            # The error that brought us here is the one to tell; what cannot be undone now, the next open undoes.
            with suppress(libvirt.libvirtError, OSError):
                self.remove(connection, spec.vm_id)
            raise

    def existing(self, connection: Connection, spec: DomainSpec) -> Domain | None:
        """The domain with this id and this spec; what a create left half-made is removed. ``AlreadyExists``: another spec."""
        domain, record = self._look(connection, spec.vm_id)
        if domain is None:
            check_fits(spec, self.capacity(connection))
            return None
        if record is None or record.store != self._store:
            raise AlreadyExists(f"another program or agent has a domain {spec.vm_id} on this host")
        if record.phase == "creating":
            self.remove(connection, spec.vm_id)
            return None
        if record.fingerprint != spec.fingerprint():
            raise AlreadyExists(f"VM {spec.vm_id} exists on this host with another specification")
        return self._shown(domain, record)

    def define(self, connection: Connection, spec: DomainSpec, files: InstanceFiles, created_at: datetime) -> Domain:
        """A domain over files that are here, off."""
        record = Record.of(spec, store=self._store, phase="creating", created_at=created_at)
        xml = domain_xml(spec, files, record, acceleration=self._acceleration, network=self._network)
        domain, record = connection.defineXML(xml), replace(record, phase="created")
        self._write(domain, record, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
        return self._shown(domain, record)

    def leaving(self, connection: Connection, vm_id: UUID) -> tuple[datetime, str]:
        """``(its age, its kernel's command line)`` of a domain that is off. ``FailedPrecondition``: it runs."""
        domain, record = self._found(connection, vm_id)
        if domain.isActive():
            raise FailedPrecondition(f"VM {vm_id} runs on this host: stop it before it is moved")
        return record.created_at, command_line(domain.XMLDesc())

    def get(self, connection: Connection, vm_id: UUID) -> Domain:
        return self._shown(*self._found(connection, vm_id))

    def list(self, connection: Connection) -> Sequence[Domain]:
        domains = []
        for domain, record in self._ours(connection):
            with _unless(_GONE):
                domains.append(self._shown(domain, record))
        return domains

    def start(self, connection: Connection, vm_id: UUID) -> Domain:
        domain, record = self._found(connection, vm_id)
        if not domain.isActive():
            self._addresses.pop(vm_id, None)
            self._booted_at[vm_id] = self._storage.console_size(vm_id)
            domain.create()
        elif domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
            domain.resume()
        return self._shown(domain, record)

    def resize(self, connection: Connection, spec: DomainSpec) -> Domain:
        domain, record = self._found(connection, spec.vm_id)
        now = record.vcpus, record.memory_mib, record.fingerprint
        if check_resizable(spec, *now, runs=bool(domain.isActive()), host=self.capacity(connection)):
            # One definition in one call: size and record change together, or neither does.
            record = record.resized(spec)
            domain = connection.defineXML(resized_xml(domain.XMLDesc(_AS_DEFINED), record, spec))
        return self._shown(domain, record)

    def press_power_button(self, connection: Connection, vm_id: UUID) -> None:
        """Ask the guest to power off; nothing happens when it is off or too early in its boot to notice."""
        with _unless(_OFF):
            self._found(connection, vm_id)[0].shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)

    def pull_the_plug(self, connection: Connection, vm_id: UUID) -> None:
        with _unless(_OFF):
            self._found(connection, vm_id)[0].destroy()

    def is_off(self, connection: Connection, vm_id: UUID) -> bool:
        return not self._found(connection, vm_id)[0].isActive()

    def remove(self, connection: Connection, vm_id: UUID) -> bool:
        """The domain first and its files last: cut off in between, what is left is files, which reconcile removes."""
        domain, record = self._look(connection, vm_id)
        ours = False
        if record is not None and record.store == self._store:
            ours = True
            self._wait_for_orders(domain, record)
            with _unless(_OFF):
                domain.destroy()
            domain.undefineFlags(_REMAINS)
        self._addresses.pop(vm_id, None)
        self._booted_at.pop(vm_id, None)
        return self._storage.remove(vm_id) or ours

    def stats(self, connection: Connection) -> Sequence[DomainStats]:
        # Without waiting: a domain whose monitor is busy gives what it can, and holds up nobody.
        flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
        ours = {domain.UUID() for domain, _ in self._ours(connection)}
        told = connection.getAllDomainStats(_FIGURES, flags)
        figures = {UUID(bytes=domain.UUID()): values for domain, values in told if domain.UUID() in ours}
        return self._sampler.samples(figures, datetime.now(UTC), time.monotonic())

    def console(self, connection: Connection, vm_id: UUID, offset: int, limit: int) -> bytes:
        self._found(connection, vm_id)
        return self._storage.console(vm_id, offset, limit)

    def _wait_for_orders(self, domain: Any, record: Record) -> None:
        """Return when nothing is being done to the domain any more.

        libvirtd carries out what an agent asked for although the agent was killed meanwhile. A domain that it is about to
        start may still count as off, and one whose start is about to fail as running: neither may be judged yet. Writing
        what stands there already changes nothing, and has to wait its turn.
        """
        with _unless(_OFF, _GONE):
            self._write(domain, record, libvirt.VIR_DOMAIN_AFFECT_CONFIG)

    def _finish(self, domain: Any, record: Record) -> Record:
        if record.phase == "created":
            return record
        record = replace(record, phase="created")
        self._write(domain, record, libvirt.VIR_DOMAIN_AFFECT_CONFIG | libvirt.VIR_DOMAIN_AFFECT_LIVE)
        return record

    def _write(self, domain: Any, record: Record, where: int) -> None:
        domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, record.to_xml(), PREFIX, NAMESPACE, where)

    def _ours(self, connection: Connection) -> Iterator[tuple[Any, Record]]:
        for domain in connection.listAllDomains():
            record = None
            with _unless(_GONE):
                record = _record(domain)
            if record is not None and record.store == self._store:
                yield domain, record

    def _found(self, connection: Connection, vm_id: UUID) -> tuple[Any, Record]:
        domain, record = self._look(connection, vm_id)
        if record is None or record.store != self._store:
            raise NotFound.named("VM", vm_id)
        return domain, record

    def _look(self, connection: Connection, vm_id: UUID) -> tuple[Any, Record | None]:
        with _unless(_GONE):
            domain = connection.lookupByUUID(vm_id.bytes)
            return domain, _record(domain)
        return None, None

    def _shown(self, domain: Any, record: Record) -> Domain:
        vm_id = UUID(bytes=domain.UUID())
        state, reason, *_ = domain.state()
        crashed = state == libvirt.VIR_DOMAIN_SHUTOFF and reason in _CRASHES
        power_state = PowerState.CRASHED if crashed else _STATES.get(state, PowerState.STOPPED)
        return Domain(
            vm_id=vm_id,
            name=record.name,
            power_state=power_state,
            vcpus=record.vcpus,
            memory_mib=record.memory_mib,
            disk_gib=record.disk_gib,
            base_image=record.base_image,
            mac_address=mac_address(vm_id),
            ip_address=self._address(domain, vm_id) if power_state is PowerState.RUNNING else None,
            created_at=record.created_at,
        )

    def _address(self, domain: Any, vm_id: UUID) -> str | None:
        """From the network's DHCP leases; on a user-mode network, which tells nothing, from the guest's boot line."""
        if self._network is not None:
            with suppress(libvirt.libvirtError):
                leases = domain.interfaceAddresses(libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE)
                for lease in leases.values():
                    for address in lease["addrs"] or ():
                        return str(address["addr"])
        if vm_id not in self._addresses:
            begins = self._booted_at.get(vm_id, max(0, self._storage.console_size(vm_id) - _CONSOLE_TAIL))
            said = address_on_console(self._storage.console(vm_id, begins, _CONSOLE_TAIL))
            if said is not None:
                self._addresses[vm_id] = said
        return self._addresses.get(vm_id)


@contextmanager
def _unless(*codes: int) -> Iterator[None]:
    """Suppress libvirt's errors of these codes and no others."""
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() not in codes:
            raise


def _record(domain: Any) -> Record | None:
    """None for a domain that NovaCron did not make."""
    with _unless(libvirt.VIR_ERR_NO_DOMAIN_METADATA):
        return Record.from_xml(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE))
    return None
