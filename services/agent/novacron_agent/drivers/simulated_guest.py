"""What a simulated guest is, and what it would have said and used by now. No I/O, and time only as an argument."""

from __future__ import annotations

import json
import math
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from novacron_agent.drivers.driver import Domain, DomainSpec, DomainStats, PowerState
from novacron_agent.drivers.naming import boot_line, hostname, mac_address

_BOOTED, _ASKED, _PULLED = "b", "a", "p"  # a guest's history: what its console log follows from


@dataclass(frozen=True, slots=True)
class Guest:
    """One domain of the simulated hypervisor. Everything observable derives from these fields and the time."""

    vm_id: UUID
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    base_image: str
    fingerprint: str
    created_at: datetime
    booted_at: datetime | None  # None while it is off
    history: str
    written: str = ""  # what stands on its disk: nobody else's is like it
    said: str = ""  # what its console showed before its last resize, after which its boots say another size

    @classmethod
    def made(cls, spec: DomainSpec, now: datetime) -> Guest:
        return cls(
            vm_id=spec.vm_id,
            name=spec.name,
            vcpus=spec.vcpus,
            memory_mib=spec.memory_mib,
            disk_gib=spec.disk_gib,
            base_image=spec.base_image,
            fingerprint=spec.fingerprint(),
            created_at=now,
            booted_at=now,
            history=_BOOTED,
            written=secrets.token_hex(8),
        )

    @property
    def running(self) -> bool:
        return self.booted_at is not None

    @property
    def address(self) -> str:
        digest = mac_address(self.vm_id).split(":")
        return "10." + ".".join(str(int(octet, 16)) for octet in digest[-3:])

    def started(self, now: datetime) -> Guest:
        return self if self.running else replace(self, booted_at=now, history=self.history + _BOOTED)

    def stopped(self, *, asked: bool) -> Guest:
        if not self.running:
            return self
        return replace(self, booted_at=None, history=self.history + (_ASKED if asked else _PULLED))

    def resized(self, spec: DomainSpec) -> Guest:
        """Off, with the vCPUs and the memory of ``spec``; what its console showed stays as it was."""
        return replace(
            self,
            vcpus=spec.vcpus,
            memory_mib=spec.memory_mib,
            fingerprint=spec.fingerprint(),
            said=self.console().decode(),
            history="",
        )

    def domain(self) -> Domain:
        return Domain(
            vm_id=self.vm_id,
            name=self.name,
            power_state=PowerState.RUNNING if self.running else PowerState.STOPPED,
            vcpus=self.vcpus,
            memory_mib=self.memory_mib,
            disk_gib=self.disk_gib,
            base_image=self.base_image,
            mac_address=mac_address(self.vm_id),
            ip_address=self.address if self.running else None,
            created_at=self.created_at,
        )

    def console(self) -> bytes:
        """Everything that its serial console ever showed; a later log begins with every earlier one."""
        said = {
            _BOOTED: f"[    0.000000] NovaCron simulated guest, {self.vcpus} vCPU, {self.memory_mib} MiB\r\n"
            f"[    0.310000] {hostname(self.name)}: no hypervisor here: this console is made up\r\n"
            f"{boot_line(self.name, self.address)}\r\n",
            _ASKED: "reboot: Power down\r\n",
            _PULLED: "",
        }
        return (self.said + "".join(said[event] for event in self.history)).encode()

    def stats(self, now: datetime) -> DomainStats:
        """Figures that move like a guest's: load in slow waves of its own, counters that only grow."""
        assert self.booted_at is not None, "only a running guest has figures"
        up = max(0.0, (now - self.booted_at).total_seconds())
        own = self.vm_id.int % 997 / 997  # which of many guests this is, 0 to 1
        wave = (math.sin(up / (40 + 80 * own) + own * math.tau) + 1) / 2
        memory = self.memory_mib * 2**20
        used = int(memory * (0.2 + 0.3 * own + 0.2 * wave))
        reads, writes, packets = int(up * (5 + 50 * own)), int(up * (2 + 30 * own)), int(up * (10 + 200 * own))
        return DomainStats(
            vm_id=self.vm_id,
            time=now,
            cpu_usage_percent=round(2 + 30 * own + 60 * wave * own, 3),
            memory_usage_bytes=used,
            memory_available_bytes=memory - used,
            disk_read_bytes=reads * 16_384,
            disk_write_bytes=writes * 8_192,
            disk_read_ops=reads,
            disk_write_ops=writes,
            disk_usage_bytes=min(self.disk_gib * 2**30, 64 * 2**20 + writes * 512),
            network_bytes_sent=packets * 400,
            network_bytes_recv=packets * 900,
            network_packets_sent=packets,
            network_packets_recv=packets,
        )

    def record(self) -> dict[str, Any]:
        """Its form in the state file; :meth:`from_record` is the inverse."""
        return {
            "name": self.name,
            "vcpus": self.vcpus,
            "memory_mib": self.memory_mib,
            "disk_gib": self.disk_gib,
            "base_image": self.base_image,
            "fingerprint": self.fingerprint,
            "created_at": self.created_at.isoformat(),
            "booted_at": self.booted_at.isoformat() if self.booted_at else None,
            "history": self.history,
            "written": self.written,
            "said": self.said,
        }

    def disk(self) -> bytes:
        """What its disk and its console log hold: all of it that cannot be told from its spec."""
        return json.dumps({"written": self.written, "history": self.history, "said": self.said}).encode()

    @classmethod
    def moved(cls, spec: DomainSpec, facts: str, disk: bytes) -> Guest:
        """The guest that another host exported, off."""
        made = cls.made(spec, datetime.fromisoformat(json.loads(facts)["created_at"]))
        return replace(made, booted_at=None, **json.loads(disk))

    def facts(self) -> str:
        return json.dumps({"created_at": self.created_at.isoformat()})

    @classmethod
    def from_record(cls, vm_id: UUID, record: dict[str, Any]) -> Guest:
        booted_at = record["booted_at"]
        times = {
            "created_at": datetime.fromisoformat(record["created_at"]),
            "booted_at": datetime.fromisoformat(booted_at) if booted_at else None,
        }
        return cls(vm_id=vm_id, **{**record, **times})
