"""How many VMs share what a node has, by the type of their allocations.

A node's allocatable amounts are what it has times the allocation ratio. A burstable VM counts for its amounts there, so as many
share a host as the ratio says. A guaranteed VM counts for them times the ratio: what it takes of the host is its own. A
best-effort VM counts for its amounts divided by a ratio of its own. So one sum, and one condition, keeps all three promises.
"""

from __future__ import annotations

from typing import NamedTuple

from .reservation import AllocationType
from .resources import EVEN, Ratios


class Overcommit(NamedTuple):
    """``allocation`` is burstable VMs for each that the host holds, ``best_effort`` best-effort VMs for each burstable one."""

    allocation: Ratios = EVEN
    best_effort: Ratios = EVEN

    def weights(self, kind: AllocationType) -> Ratios:
        """What each unit of such a VM counts for in what is allocatable."""
        if kind is AllocationType.GUARANTEED:
            # A ratio below 1 keeps a part of each host free: that is no larger promise to anybody.
            return Ratios(*(max(ratio, 1.0) for ratio in self.allocation))
        if kind is AllocationType.BEST_EFFORT:
            return Ratios(*(1 / ratio for ratio in self.best_effort))
        return EVEN


UNSHARED = Overcommit()
