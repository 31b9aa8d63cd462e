"""What a tenant's VMs may hold together, and what one more of them counts for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from operator import add
from typing import NamedTuple
from uuid import UUID

from novacron.errors import InvalidArgument

from .resources import Resources


class Usage(NamedTuple):
    """What counts against a quota, dimension by dimension."""

    vms: int = 0
    cpu_cores: int = 0
    memory_mib: int = 0
    storage_gib: int = 0
    gpu_count: int = 0


class Limits(NamedTuple):
    """The most of each; None: as much as there is."""

    vms: int | None = None
    cpu_cores: int | None = None
    memory_mib: int | None = None
    storage_gib: int | None = None
    gpu_count: int | None = None

    def replaced(self, other: Limits, names: Collection[str]) -> Limits:
        """These limits with the named ones of ``other``; no name means all. :raises InvalidArgument: one is no limit."""
        strange = sorted(set(names) - set(DIMENSIONS))
        if strange:
            raise InvalidArgument.at("update_mask", f"{strange[0]} is no limit: name one of {', '.join(DIMENSIONS)}")
        return self._replace(**{name: getattr(other, name) for name in names or DIMENSIONS})


DIMENSIONS = Limits._fields
UNITS = {
    "vms": "VMs",
    "cpu_cores": "vCPU",
    "memory_mib": "MiB memory",
    "storage_gib": "GiB storage",
    "gpu_count": "GPUs",
}


@dataclass(frozen=True, slots=True)
class Excess:
    """A dimension in which a demand does not fit into its tenant's quota."""

    dimension: str
    asked: int
    used: int
    limit: int

    def told(self) -> str:
        return f"{self.asked} {UNITS[self.dimension]} asked, {self.used} of {self.limit} used"


@dataclass(frozen=True, slots=True)
class Quota:
    """What a tenant may hold, and does."""

    tenant_id: UUID
    limits: Limits
    used: Usage

    def exceeded_by(self, charge: Usage) -> tuple[Excess, ...]:
        """Where ``charge`` does not fit; what asks for none of a dimension fits even under a limit below the use."""
        return tuple(
            Excess(name, asked, used, limit)
            for name, asked, used, limit in zip(DIMENSIONS, charge, self.used, self.limits, strict=True)
            if limit is not None and asked and used + asked > limit
        )

    def with_use(self, charge: Usage) -> Quota:
        """As it will be when this counts."""
        return replace(self, used=Usage._make(map(add, self.used, charge)))


def charge(need: Resources) -> Usage:
    """What a VM counts for."""
    return Usage(1, need.cpu_cores, need.memory_mib, need.storage_gib, need.gpu_count)


def charge_of_move(held: Resources, need: Resources) -> Usage:
    """What the second place of a VM counts for beside its first: a VM that moves counts once, at the larger of the two."""
    return Usage._make(max(more - had, 0) for more, had in zip(charge(need), charge(held), strict=True))


def refused(excesses: tuple[Excess, ...]) -> str:
    """A refusal in words."""
    told = "; ".join(one.told() for one in excesses)
    return f"the tenant's quota does not allow it: {told}: ask for less, delete VMs, or have an administrator raise the quota"


def facts(excesses: tuple[Excess, ...]) -> dict[str, str]:
    """A refusal for programs: the error's metadata. ``dimension`` is the first that was exceeded."""
    first = excesses[0]
    told = {
        "dimension": first.dimension,
        "asked": str(first.asked),
        "used": str(first.used),
        "limit": str(first.limit),
    }
    return told | {f"exceeded.{one.dimension}": f"{one.used}+{one.asked}/{one.limit}" for one in excesses}
