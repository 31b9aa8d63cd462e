"""Proposals to move VMs: what is held and what was measured, put before the solvers. Nothing is claimed, changed or kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from novacron.clock import Clock
from novacron.db import Connection, Database
from novacron.tenancy import every_tenant

from . import policy
from .clients import MonitoringClient
from .node import NodeStatus
from .overcommit import Overcommit
from .placement import Offer
from .rebalance.policy import Kind, Policy
from .rebalance.proposal import Proposal, propose
from .rebalance.snapshot import Held, Host, Load, Snapshot
from .reservation import Demand
from .store import PolicyStore, ReservationStore
from .store.rebalance import Holding, RebalanceStore

_WINDOW = timedelta(minutes=15)
# What a VM used nine tenths of the time at most: a peak of seconds is no hot spot, and one that lasts for minutes is.
_QUANTILE = 0.9
_MIB = 1024 * 1024
# No tenant's: its policies are nobody's.
_NOBODY = UUID(int=0)
# Whose agents carry out a move away from there.
_REACHED = (NodeStatus.READY, NodeStatus.MAINTENANCE)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal, the names of the nodes in it, and how many VMs count for all that they hold: nothing was measured of them."""

    proposal: Proposal
    names: dict[UUID, str]
    unmeasured: int


class Rebalances:
    """What may be asked about rebalancing."""

    def __init__(self, database: Database, monitoring: MonitoringClient, clock: Clock, overcommit: Overcommit) -> None:
        self._database = database
        self._monitoring = monitoring
        self._clock = clock
        self._overcommit = overcommit
        self._store = RebalanceStore()
        self._reservations = ReservationStore()
        self._policies = PolicyStore()

    async def propose(self, wanted: Policy) -> Proposed:
        """The moves that this policy makes of how things are now. :raises InvalidArgument: nobody can want such a policy."""
        wanted.check()
        # Heat and room are made by all tenants' VMs together, and whoever may drain nodes moves any of them.
        with every_tenant():
            return await self._proposed(wanted)

    async def _proposed(self, wanted: Policy) -> Proposed:
        async with self._database.connection() as connection:
            holdings = await self._store.held(connection, self._overcommit)
            # After what is held: then every node of a VM is among them.
            offers = (await self._reservations.look(connection, _NOBODY)).offers
            capacities = await self._store.capacities(connection)
            demands = await self._directed(connection, holdings, offers)
        loads = await self._loads(demands) if wanted.kind is Kind.HOTSPOT else [None] * len(demands)
        reached = {offer.node_id for offer in offers if offer.status in _REACHED}
        held = [
            Held(demand, one.node_id, load or _claimed(demand), one.movable and one.node_id in reached)
            for one, demand, load in zip(holdings, demands, loads, strict=True)
        ]
        snapshot = Snapshot([Host(offer, capacities[offer.node_id]) for offer in offers], held)
        # A solver's seconds: other calls go on meanwhile.
        proposal = await asyncio.to_thread(propose, snapshot, wanted)
        names = {offer.node_id: offer.name for offer in offers}
        return Proposed(proposal, names, sum(load is None for load in loads) if wanted.kind is Kind.HOTSPOT else 0)

    async def _directed(
        self, connection: Connection, holdings: Sequence[Holding], offers: Sequence[Offer]
    ) -> list[Demand]:
        """What each VM would ask for if it were placed now, with what its tenant's policies say."""
        guidelines = await self._store.guidelines(connection, {one.demand.tenant_id for one in holdings})
        demands = []
        for one in holdings:
            demand = one.demand
            said = policy.directive(guidelines.get(demand.tenant_id, ()), demand.groups)
            if said.looks_at_neighbours and one.movable:
                said = await self._policies.with_neighbours(connection, said, demand, offers, one_by_one=False)
            demands.append(replace(demand, directive=said))
        return demands

    async def _loads(self, demands: Sequence[Demand]) -> list[Load | None]:
        """What each VM used of its host lately; None: nothing was measured."""
        vms, end = [demand.vm_id for demand in demands], self._clock.now()
        busy = await self._monitoring.quantiles(vms, "cpu_usage_percent", end - _WINDOW, end, _QUANTILE)
        taken = await self._monitoring.quantiles(vms, "memory_usage_bytes", end - _WINDOW, end, _QUANTILE)
        return [_measured(demand, busy.get(demand.vm_id), taken.get(demand.vm_id)) for demand in demands]


def _measured(demand: Demand, percent: float | None, amount: float | None) -> Load | None:
    if percent is None or amount is None:
        return None
    return Load(percent / 100 * demand.need.cpu_cores, amount / _MIB)


def _claimed(demand: Demand) -> Load:
    return Load(demand.need.cpu_cores, demand.need.memory_mib)
