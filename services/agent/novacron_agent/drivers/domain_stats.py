"""From libvirt's bulk statistics to samples. Pure, but for remembering the sample before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from novacron_agent.drivers.driver import DomainStats

Figures = Mapping[str, Any]  # of one domain, as virConnectGetAllDomainStats names them

_VCPU_TIME = re.compile(r"vcpu\.\d+\.time")


class Sampler:
    """Turns counters into percentages, for which it keeps each domain's counters of the sample before."""

    def __init__(self) -> None:
        self._before: dict[UUID, tuple[float, int]] = {}

    def samples(self, figures: Mapping[UUID, Figures], now: datetime, monotonic: float) -> list[DomainStats]:
        """One sample each, taken at ``now``; who is missing is forgotten."""
        previous, self._before = self._before, {}
        samples = []
        for vm_id, told in figures.items():
            spent = cpu_nanoseconds(told)
            if spent is not None:
                self._before[vm_id] = (monotonic, spent)
            percent = cpu_percent(previous.get(vm_id), self._before.get(vm_id), told.get("vcpu.current", 1))
            samples.append(sample(vm_id, told, now, percent))
        return samples


def cpu_nanoseconds(told: Figures) -> int | None:
    """CPU time of all vCPUs. Their threads' own: ``cpu.time`` needs a cgroup, which a host without systemd lacks."""
    times = [value for name, value in told.items() if _VCPU_TIME.fullmatch(name)]
    return sum(times) if times else told.get("cpu.time")


def cpu_percent(before: tuple[float, int] | None, after: tuple[float, int] | None, vcpus: int) -> float | None:
    """None without a sample before, or when the counter went back because the domain was started anew."""
    if before is None or after is None or after[0] <= before[0] or after[1] < before[1]:
        return None
    share = (after[1] - before[1]) / 1e9 / (after[0] - before[0]) / max(1, vcpus)
    return round(min(100.0, 100 * share), 3)


def sample(vm_id: UUID, told: Figures, now: datetime, percent: float | None) -> DomainStats:
    """Memory is the guest's own account of it where its balloon driver gives one, else what QEMU holds of the host's."""
    total, usable = _kib(told.get("balloon.available")), _kib(told.get("balloon.usable"))
    seen_by_guest = total is not None and usable is not None
    return DomainStats(
        vm_id=vm_id,
        time=now,
        cpu_usage_percent=percent,
        memory_usage_bytes=total - usable if seen_by_guest else _kib(told.get("balloon.rss")),  # type: ignore[operator]
        memory_available_bytes=usable if seen_by_guest else None,
        disk_read_bytes=_sum(told, "block", "rd.bytes"),
        disk_write_bytes=_sum(told, "block", "wr.bytes"),
        disk_read_ops=_sum(told, "block", "rd.reqs"),
        disk_write_ops=_sum(told, "block", "wr.reqs"),
        disk_usage_bytes=told.get("block.0.physical"),  # the overlay: what the VM has written
        network_bytes_sent=_sum(told, "net", "tx.bytes"),
        network_bytes_recv=_sum(told, "net", "rx.bytes"),
        network_packets_sent=_sum(told, "net", "tx.pkts"),
        network_packets_recv=_sum(told, "net", "rx.pkts"),
    )


def _sum(told: Figures, group: str, counter: str) -> int | None:
    found = [told.get(f"{group}.{number}.{counter}") for number in range(told.get(f"{group}.count", 0))]
    known = _known(found)
    return sum(known) if known else None


def _known(values: Iterable[int | None]) -> list[int]:
    return [value for value in values if value is not None]


def _kib(value: int | None) -> int | None:
    return None if value is None else value * 1024
