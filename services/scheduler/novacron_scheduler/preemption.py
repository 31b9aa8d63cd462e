"""Who gives way to a VM for which there is no room: VMs of its own tenant and of lower priority, with the least harm. Pure.

A node is looked at as if all that may give way were gone. What it takes then is given back to them one after the other, the
highest first, for as long as the VM fits: nobody is left to give way who could be spared.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import mul
from uuid import UUID

from .placement import FILTERS, Candidate, Offer, rank
from .reservation import Demand
from .resources import Resources


@dataclass(frozen=True, slots=True)
class Holder:
    """A VM that holds a place for good: nothing is under way with it that the scheduler knows of."""

    vm_id: UUID
    name: str
    tenant_id: UUID
    node_id: UUID
    priority: int
    footprint: Resources

    @property
    def told(self) -> str:
        return f"{self.name or self.vm_id} (priority {self.priority})"


@dataclass(frozen=True, slots=True)
class Preemption:
    """A node on which these together have the room that is missing, and none of them could be spared."""

    offer: Offer  # as it is now, without that room
    candidate: Candidate  # as it would be
    yielding: tuple[Holder, ...]  # the highest first

    def taken_over(self, demand: Demand) -> dict[UUID, Resources]:
        """What each gives of its footprint, by VM: together what the node lacks, and nothing that is free."""
        lacking = self.offer.free.lacking(demand.footprint)
        shares: dict[UUID, Resources] = {}
        for one in self.yielding:
            shares[one.vm_id] = Resources._make(map(min, one.footprint, lacking))
            lacking = lacking.minus(shares[one.vm_id])
        return shares


def choose(demand: Demand, offers: Iterable[Offer], holders: Iterable[Holder]) -> Preemption | None:
    """Where room is made with the least harm: whose highest VM is the lowest, of those where the fewest give way, of those
    where the least is given. None: nowhere, or the VM has no right to it."""
    if not demand.may_preempt:
        return None
    lower = _by_node(one for one in holders if one.tenant_id == demand.tenant_id and one.priority < demand.priority)
    # Of ten thousand nodes most have nobody on them who could.
    there = ((offer, lower[offer.node_id]) for offer in offers if offer.node_id in lower)
    found = [(offer, yielding) for offer, some in there if (yielding := _least(offer, demand, some))]
    if not found:
        return None
    offer, yielding = min(found, key=lambda one: _harm(one[0], one[1], demand))
    ordered = tuple(sorted(yielding, key=lambda one: (-one.priority, one.vm_id)))
    (candidate,) = rank(demand, [_without(offer, ordered)]).candidates
    return Preemption(offer, candidate, ordered)


def _by_node(holders: Iterable[Holder]) -> Mapping[UUID, Sequence[Holder]]:
    found: defaultdict[UUID, list[Holder]] = defaultdict(list)
    for one in holders:
        found[one.node_id].append(one)
    return found


def _least(offer: Offer, demand: Demand, lower: Sequence[Holder]) -> Sequence[Holder]:
    """Those of them without whom the VM fits there, none of whom could be spared; empty: it would not fit without all."""
    without = _without(offer, lower)
    if not all(passes(without, demand) for passes in FILTERS.values()):
        return ()
    free, needed, share = without.free, demand.footprint, _share_of(offer)
    yielding: list[Holder] = []
    # Of one priority the small ones are spared first: what is left to give way are few.
    for one in sorted(lower, key=lambda one: (-one.priority, share(one.footprint), one.vm_id)):
        if (spared := free.minus(one.footprint)).covers(needed):
            free = spared
        else:
            yielding.append(one)
    return yielding


def _without(offer: Offer, gone: Iterable[Holder]) -> Offer:
    return replace(offer, free=reduce(Resources.plus, (one.footprint for one in gone), offer.free))


def _share_of(offer: Offer) -> Callable[[Resources], float]:
    """How much of the node such amounts are, summed over its dimensions."""
    weights = [1 / whole if whole else 0.0 for whole in offer.allocatable]
    return lambda amounts: sum(map(mul, amounts, weights))


def _harm(offer: Offer, yielding: Sequence[Holder], demand: Demand) -> tuple[int, int, float, int]:
    highest = max(one.priority for one in yielding)
    given = sum(map(_share_of(offer), (one.footprint for one in yielding)))
    # Told apart as candidates of equal score are: VMs that come at once do not all ask the same ones to go.
    tie = zlib.crc32(demand.vm_id.bytes + offer.node_id.bytes)
    return highest, len(yielding), given, tie
