"""What a host can never make, whatever else runs on it."""

from __future__ import annotations

from novacron.errors import InvalidArgument
from novacron_agent.drivers.driver import DomainSpec, HostCapacity


def check_fits(spec: DomainSpec, host: HostCapacity) -> None:
    """``InvalidArgument``: one domain asks for more than the whole host has.

    How much may be promised in all is the scheduler's; an allocation ratio above 1 shares a host between domains and
    never makes one domain larger than it (OpenStack Placement's ``max_unit``).
    """
    asked = {
        "vcpus": (spec.vcpus, host.vcpus, "vCPUs"),
        "memory_mib": (spec.memory_mib, host.memory_mib, "MiB of memory"),
        "disk_gib": (spec.disk_gib, host.disk_gib, "GiB of disk"),
    }
    for field, (wanted, available, unit) in asked.items():
        if wanted < 1:
            raise InvalidArgument.at(f"spec.{field}", "must be at least 1")
        if wanted > available:
            raise InvalidArgument.at(f"spec.{field}", f"{wanted} asked for, this host has {available} {unit}")
