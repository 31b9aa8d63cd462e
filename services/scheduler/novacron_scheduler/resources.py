"""Amounts of what VMs take and nodes have, dimension by dimension."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor
from operator import add, ge, sub
from typing import NamedTuple


class Resources(NamedTuple):
    """One amount per dimension; the model of GPU stands beside it, for it is compared and not counted."""

    cpu_cores: int = 0
    memory_mib: int = 0
    storage_gib: int = 0
    network_bandwidth_mbps: int = 0
    gpu_count: int = 0

    def minus(self, other: Resources) -> Resources:
        return Resources._make(map(sub, self, other))

    def plus(self, other: Resources) -> Resources:
        return Resources._make(map(add, self, other))

    def covers(self, need: Resources) -> bool:
        """Whether there is at least ``need`` in every dimension."""
        return all(map(ge, self, need))

    def lacking(self, need: Resources) -> Resources:
        """What is missing here for ``need``; all zero: nothing."""
        return Resources(*(max(lack, 0) for lack in map(sub, need, self)))

    def told(self) -> str:
        """As a person reads it, without what is zero: ``4 vCPU, 8192 MiB memory``."""
        parts = [f"{amount} {UNITS[name]}" for name, amount in self._asdict().items() if amount]
        return ", ".join(parts) or "nothing"


DIMENSIONS = Resources._fields
UNITS = {
    "cpu_cores": "vCPU",
    "memory_mib": "MiB memory",
    "storage_gib": "GiB storage",
    "network_bandwidth_mbps": "Mbit/s bandwidth",
    "gpu_count": "GPU",
}


# Products of ratios are as exact as this many digits: 49 * (1 / 49) is 1.
_DIGITS = 6


class Ratios(NamedTuple):
    """A factor for each dimension. Bandwidth and GPUs are never promised twice: theirs stay 1."""

    cpu_cores: float = 1.0
    memory_mib: float = 1.0
    storage_gib: float = 1.0
    network_bandwidth_mbps: float = 1.0
    gpu_count: float = 1.0

    def allocatable(self, capacity: Resources, reserved: Resources) -> Resources:
        """What VMs may take of a host that keeps ``reserved`` for itself."""
        left = capacity.minus(reserved)
        return Resources(*(int(amount * ratio) for amount, ratio in zip(left, self, strict=True)))

    def footprint(self, need: Resources) -> Resources:
        """What ``need`` takes when each unit counts for its ratio, in whole units: rounded up, so that none is forgotten."""
        return need if self == EVEN else _weighed(need, self)

    def most(self, room: Resources) -> Resources:
        """The most whose footprint is no more than ``room``."""
        if self == EVEN:
            return room
        return Resources(*(floor(round(amount / ratio, _DIGITS)) for amount, ratio in zip(room, self, strict=True)))


EVEN = Ratios()


# One demand is held against thousands of nodes.
@lru_cache(maxsize=4096)
def _weighed(need: Resources, ratios: Ratios) -> Resources:
    return Resources(*(ceil(round(amount * ratio, _DIGITS)) for amount, ratio in zip(need, ratios, strict=True)))
