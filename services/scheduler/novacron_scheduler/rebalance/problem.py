"""Which moves are allowed, and what a set of them gains: the one definition, for every solver and for its tests.

A move claims its new place before the old one is given back, and moves finish in any order or not at all. So a node takes no
more than is free on it *now*: whatever part of a proposal is carried out, nothing is ever above its limit. Two full nodes
cannot swap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

from ..placement import FILTERS, Offer
from ..reservation import Demand
from ..resources import DIMENSIONS, Resources
from .policy import Kind, Policy
from .snapshot import Held, Host, Load, Snapshot

# VM to host, by their places in the snapshot.
Moves = Mapping[int, int]
# Beyond these, the best candidates stand for all: a solver's time goes with the product.
MOST_VMS = 400
MOST_TARGETS = 12


@dataclass(frozen=True)
class Problem:
    """A snapshot under a policy."""

    hosts: Sequence[Host]
    held: Sequence[Held]
    policy: Policy

    @classmethod
    def of(cls, snapshot: Snapshot, policy: Policy) -> Problem:
        """:raises InvalidArgument: the snapshot or the policy is none."""
        snapshot.check()
        policy.check()
        return cls(snapshot.hosts, snapshot.held, policy)

    @cached_property
    def source(self) -> list[int]:
        """The host of each VM."""
        places = {host.offer.node_id: place for place, host in enumerate(self.hosts)}
        return [places[held.node_id] for held in self.held]

    @cached_property
    def vms_of(self) -> list[list[int]]:
        """The VMs of each host."""
        found: list[list[int]] = [[] for _ in self.hosts]
        for vm, host in enumerate(self.source):
            found[host].append(vm)
        return found

    @cached_property
    def loads(self) -> list[Load]:
        """What each host bears now, as shares of its capacity."""
        return [
            Load(
                sum(self.held[vm].load.cpu_cores for vm in self.vms_of[place]) / host.capacity.cpu_cores,
                sum(self.held[vm].load.memory_mib for vm in self.vms_of[place]) / host.capacity.memory_mib,
            )
            for place, host in enumerate(self.hosts)
        ]

    @cached_property
    def room(self) -> list[Resources]:
        """What may yet arrive at each host: what is free now, and for a consolidation no more than fills it to its share."""
        return [self._room(place, host.offer) for place, host in enumerate(self.hosts)]

    def _room(self, place: int, offer: Offer) -> Resources:
        free = Resources(*(max(amount, 0) for amount in offer.free))
        if self.policy.kind is Kind.HOTSPOT:
            return free
        used = [sum(self.held[vm].demand.footprint[at] for vm in self.vms_of[place]) for at in range(len(DIMENSIONS))]
        limit = (int(self.policy.full_share * amount) for amount in offer.allocatable)
        return Resources(*(max(min(f, cap - u), 0) for f, cap, u in zip(free, limit, used, strict=True)))

    @cached_property
    def targets(self) -> dict[int, tuple[int, ...]]:
        """Where each VM that is worth a move may go, the most promising first."""
        hot = self.policy.kind is Kind.HOTSPOT
        order = sorted(range(len(self.hosts)), key=lambda host: max(self.loads[host]) * (1 if hot else -1))
        if not hot:  # a node that has nothing would gain nothing by getting something
            order = [host for host in order if self.vms_of[host]]
        found = {}
        for vm in self._candidates()[:MOST_VMS]:
            allowed = [host for host in order if host != self.source[vm] and self._fits(vm, host)]
            if allowed:
                found[vm] = tuple(allowed[:MOST_TARGETS])
        return found

    def _candidates(self) -> list[int]:
        if self.policy.kind is Kind.HOTSPOT:
            hosts = [host for host in range(len(self.hosts)) if max(self.loads[host]) > self.policy.hot_share]
            vms = [vm for host in sorted(hosts, key=lambda host: -max(self.loads[host])) for vm in self.vms_of[host]]
            return [vm for vm in vms if self.held[vm].movable]
        whole = [
            vms
            for vms in self.vms_of
            if len(vms) <= self.policy.most_moves and all(self.held[vm].movable for vm in vms)
        ]
        return [vm for vms in sorted(whole, key=len) for vm in vms]

    def _fits(self, vm: int, host: int) -> bool:
        demand = self.held[vm].demand
        moving = replace(demand, leaves=self.held[vm].node_id)
        return self.room[host].covers(demand.footprint) and eligible(self.hosts[host].offer, moving)

    @cached_property
    def rivals(self) -> list[set[int]]:
        """Sets of VMs of which one at most may move. Where a tenant's policies bind neighbours, each move was checked against
        where the others are now: two at once could end beside each other."""
        found: dict[UUID, set[int]] = {}
        for vm in self.targets:
            demand = self.held[vm].demand
            if demand.directive.binds_neighbours:
                found.setdefault(demand.tenant_id, set()).add(vm)
        return [vms for vms in found.values() if len(vms) > 1]

    def faults(self, moves: Moves) -> list[str]:
        """Why these moves must not be proposed; nothing: they may."""
        found = []
        if len(moves) > self.policy.most_moves:
            found.append(f"{len(moves)} moves, and at most {self.policy.most_moves} are allowed")
        found += [
            f"VM {vm} may not go to host {host}" for vm, host in moves.items() if host not in self.targets.get(vm, ())
        ]
        if any(len(vms & moves.keys()) > 1 for vms in self.rivals):
            found.append("VMs whose policies bind their neighbours move together")
        for host, room in enumerate(self.room):
            arriving = [self.held[vm].demand.footprint for vm, target in moves.items() if target == host]
            if not room.covers(Resources(*map(sum, zip(*arriving, strict=True)))):
                found.append(f"host {host} has no room for all that would arrive")
        return found

    def gain(self, moves: Moves) -> float:
        """What the moves are worth, less what they cost: more is better, and 0 is to leave everything as it is."""
        cost = self.policy.cost_of_a_move * len(moves)
        if self.policy.kind is Kind.CONSOLIDATION:
            return len(self.emptied(moves)) - cost
        touched = set(moves.values()) | {self.source[vm] for vm in moves}
        after = self.loads_after(moves)
        return sum(self.heat(self.loads[host]) - self.heat(after[host]) for host in touched) - cost

    def heat(self, load: Load) -> float:
        """How far a host is above the hot share, over its dimensions."""
        return sum(max(share - self.policy.hot_share, 0.0) for share in load)

    def loads_after(self, moves: Moves) -> list[Load]:
        """What each host would bear."""
        after = list(self.loads)
        for vm, target in moves.items():
            for host, sign in ((self.source[vm], -1), (target, 1)):
                share = self.share(vm, host)
                after[host] = Load(*(old + sign * part for old, part in zip(after[host], share, strict=True)))
        return after

    def share(self, vm: int, host: int) -> Load:
        """What a VM's load is of a host's capacity."""
        load, capacity = self.held[vm].load, self.hosts[host].capacity
        return Load(load.cpu_cores / capacity.cpu_cores, load.memory_mib / capacity.memory_mib)

    def useful(self, moves: Moves) -> Moves:
        """Without those that leave a host that is not emptied: a solver that ran out of time may still carry them."""
        if self.policy.kind is Kind.HOTSPOT:
            return moves
        emptied = set(self.emptied(moves))
        return {vm: host for vm, host in moves.items() if self.source[vm] in emptied}

    def emptied(self, moves: Moves) -> list[int]:
        """The hosts that had VMs and would have none."""
        kept = set(moves.values()) | {host for vm, host in enumerate(self.source) if vm not in moves}
        return [host for host, vms in enumerate(self.vms_of) if vms and host not in kept]


def eligible(offer: Offer, demand: Demand) -> bool:
    """Whether every filter of a placement lets the VM onto the node: a move is never allowed what a new VM is not."""
    return all(passes(offer, demand) for passes in FILTERS.values())
