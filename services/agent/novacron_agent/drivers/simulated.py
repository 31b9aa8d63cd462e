"""The driver without a hypervisor: laptops without libvirt, and tests with tens of thousands of VMs.

It keeps the whole contract, durably: what a call has answered is in the state file and survives ``kill -9`` and a power
cut. It refuses what a real host would refuse. Only the guests are made up.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from novacron.errors import AlreadyExists, FailedPrecondition, NotFound, Unavailable
from novacron_agent.drivers.driver import Domain, DomainSpec, DomainStats, HostCapacity
from novacron_agent.drivers.fits import check_fits, check_resizable
from novacron_agent.drivers.journal import Journal
from novacron_agent.drivers.simulated_faults import Faults, Operation
from novacron_agent.drivers.simulated_guest import Guest
from novacron_agent.drivers.transfer import Facts, FileBegins, FileEnds, Piece, verified
from novacron_agent.drivers.turns import Turns

T = TypeVar("T")

_HOST = HostCapacity(vcpus=64, memory_mib=256 * 1024, disk_gib=8192)
_GUESTS_PER_SLICE = 500  # of a long reading: about 5 ms, after which other calls have their turn


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """What the simulated host is like. ``"*"`` in a table stands for every operation that it does not name."""

    capacity: HostCapacity = _HOST
    images: tuple[str, ...] = ("novacron-guest", "novacron-guest-direct")
    latency_seconds: Mapping[str, float] = field(default_factory=dict)
    latency_jitter: float = 0.0  # as a share of the latency, either way
    failure_rate: Mapping[str, float] = field(default_factory=dict)  # 0 to 1
    seed: int = 0


class SimulatedDriver:
    """The :class:`~novacron_agent.drivers.driver.Driver` contract in memory and in one state file.

    ``faults.fail_next`` makes the next calls of an operation fail, before their effect or after it.
    """

    hypervisor_type = "kvm"  # what it stands in for: the seed has no name for nothing

    def __init__(self, settings: SimulatedSettings, state: Path, *, why: str = "") -> None:
        self._settings = settings
        self._state = state
        self._why = why
        self._journal: Journal | None = None
        self._guests: dict[UUID, Guest] = {}
        self._turns = Turns()
        self.faults = Faults(
            seed=settings.seed,
            latency_seconds=settings.latency_seconds,
            jitter=settings.latency_jitter,
            failure_rate=settings.failure_rate,
        )

    @property
    def description(self) -> str:
        because = f", because {self._why}" if self._why else ""
        return f"simulated hypervisor: no guest really runs{because} (state in {self._state})"

    async def open(self) -> None:
        if self._journal is not None:
            return
        async with self.faults.around("open"):
            journal = Journal(self._state)
            records = await journal.open()
            self._guests = {UUID(key): Guest.from_record(UUID(key), record) for key, record in records.items()}
            self._journal = journal

    async def close(self) -> None:
        await self._turns.settle()
        if self._journal is not None:
            journal, self._journal = self._journal, None
            await journal.close()

    async def capacity(self) -> HostCapacity:
        return self._settings.capacity

    async def images(self) -> Sequence[str]:
        async with self.faults.around("images"):
            return sorted(self._settings.images)

    async def create(self, spec: DomainSpec) -> Domain:
        async def make() -> Domain:
            guest = self._guests.get(spec.vm_id)
            if guest is None:
                check_fits(spec, self._settings.capacity)
                if spec.base_image not in self._settings.images:
                    known = ", ".join(sorted(self._settings.images)) or "none"
                    raise NotFound(f'base image "{spec.base_image}" not found: the simulated host has {known}')
                return await self._keep(Guest.made(spec, datetime.now(UTC)))
            if guest.fingerprint != spec.fingerprint():
                raise AlreadyExists(f"VM {spec.vm_id} exists on this host with another specification")
            return guest.domain()

        return await self._order("create", spec.vm_id, make)

    async def get(self, vm_id: UUID) -> Domain:
        async with self.faults.around("get"):
            return self._guest(vm_id).domain()

    async def list(self) -> Sequence[Domain]:
        self._opened()
        async with self.faults.around("list"):
            return await self._of_each(Guest.domain, list(self._guests.values()))

    async def start(self, vm_id: UUID) -> Domain:
        async def boot() -> Domain:
            guest = self._guest(vm_id)
            return await self._keep(guest.started(datetime.now(UTC)))

        return await self._order("start", vm_id, boot)

    async def stop(self, vm_id: UUID, *, grace_seconds: float) -> Domain:
        async def power_off() -> Domain:
            return await self._keep(self._guest(vm_id).stopped(asked=grace_seconds > 0))

        return await self._order("stop", vm_id, power_off)

    async def reboot(self, vm_id: UUID, *, grace_seconds: float) -> Domain:
        async def restart() -> Domain:
            guest = self._guest(vm_id)
            if not guest.running:
                raise FailedPrecondition(f"VM {vm_id} is not running: start it instead")
            return await self._keep(guest.stopped(asked=grace_seconds > 0).started(datetime.now(UTC)))

        return await self._order("reboot", vm_id, restart)

    async def resize(self, spec: DomainSpec) -> Domain:
        async def redefine() -> Domain:
            guest, host = self._guest(spec.vm_id), self._settings.capacity
            now = guest.vcpus, guest.memory_mib, guest.fingerprint
            changes = check_resizable(spec, *now, runs=guest.running, host=host)
            return await self._keep(guest.resized(spec) if changes else guest)

        return await self._order("resize", spec.vm_id, redefine)

    async def delete(self, vm_id: UUID) -> bool:
        async def remove() -> bool:
            if vm_id not in self._guests:
                return False
            await self._opened().drop(str(vm_id))
            del self._guests[vm_id]
            return True

        return await self._order("delete", vm_id, remove)

    async def base_digests(self, image: str) -> Sequence[str]:
        return ()

    async def export(self, vm_id: UUID, known: Set[str]) -> AsyncIterator[Piece]:
        async with self.faults.around("export"):
            guest = self._guest(vm_id)
            if guest.running:
                raise FailedPrecondition(f"VM {vm_id} runs on this host: stop it before it is moved")
            disk = guest.disk()
            yield Facts(guest.facts())
            yield FileBegins("disk", len(disk))
            yield disk
            yield FileEnds(hashlib.sha256(disk).hexdigest())

    async def receive(self, spec: DomainSpec, pieces: AsyncIterator[Piece]) -> Domain:
        async def take() -> Domain:
            if (guest := self._guests.get(spec.vm_id)) is not None:
                if guest.fingerprint != spec.fingerprint():
                    raise AlreadyExists(f"VM {spec.vm_id} exists on this host with another specification")
                return guest.domain()
            check_fits(spec, self._settings.capacity)
            facts, disk = "", b""
            async for piece in verified(pieces):
                if isinstance(piece, Facts):
                    facts = piece.json
                elif isinstance(piece, bytes):
                    disk += piece
            return await self._keep(Guest.moved(spec, facts, disk))

        return await self._order("receive", spec.vm_id, take)

    async def stats(self) -> Sequence[DomainStats]:
        self._opened()
        async with self.faults.around("stats"):
            now = datetime.now(UTC)
            running = [guest for guest in self._guests.values() if guest.running]
            return await self._of_each(lambda guest: guest.stats(now), running)

    async def console(self, vm_id: UUID, *, offset: int, limit: int) -> bytes:
        async with self.faults.around("console"):
            return self._guest(vm_id).console()[offset : offset + limit]

    async def _order(self, operation: Operation, vm_id: UUID, work: Callable[[], Awaitable[T]]) -> T:
        async def carry_out() -> T:
            self._opened()
            async with self.faults.around(operation):
                return await work()

        return await self._turns.take(vm_id, carry_out)

    async def _keep(self, guest: Guest) -> Domain:
        # Durable first, then visible: nobody may see what a crash could still take back.
        if self._guests.get(guest.vm_id) != guest:
            await self._opened().put(str(guest.vm_id), guest.record())
            self._guests[guest.vm_id] = guest
        return guest.domain()

    async def _of_each(self, read: Callable[[Guest], T], guests: Sequence[Guest]) -> Sequence[T]:
        results: list[T] = []
        for start in range(0, len(guests), _GUESTS_PER_SLICE):
            results.extend(read(guest) for guest in guests[start : start + _GUESTS_PER_SLICE])
            await asyncio.sleep(0)
        return results

    def _guest(self, vm_id: UUID) -> Guest:
        self._opened()
        try:
            return self._guests[vm_id]
        except KeyError:
            raise NotFound.named("VM", vm_id) from None

    def _opened(self) -> Journal:
        if self._journal is None:
            raise Unavailable("the simulated hypervisor is not open")
        return self._journal
