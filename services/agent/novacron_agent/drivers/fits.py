"""What a host never makes, and never makes of a domain that it has."""

from __future__ import annotations

from novacron.errors import AlreadyExists, FailedPrecondition, InvalidArgument
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


def check_resizable(
    spec: DomainSpec, vcpus: int, memory_mib: int, fingerprint: str, *, runs: bool, host: HostCapacity
) -> bool:
    """Whether a domain of this size and fingerprint has to change to be ``spec``.

    ``AlreadyExists``: it is another domain in more than its size. ``FailedPrecondition``: it runs.
    """
    if fingerprint == spec.fingerprint():
        return False
    # Of the first user's data only the fingerprint is kept: the spec at the present size has to give the present one.
    if fingerprint != spec.sized(vcpus, memory_mib).fingerprint():
        raise AlreadyExists(
            f"VM {spec.vm_id} exists on this host with another specification: only its size can be changed"
        )
    if runs:
        raise FailedPrecondition(f"VM {spec.vm_id} runs on this host: stop it before it is resized")
    check_fits(spec, host)
    return True
