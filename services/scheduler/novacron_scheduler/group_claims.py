"""Reserves that wait at the same time, chosen one after the other in memory and committed together.

One alone is claimed at once; while that is on its way, the others gather and go with the next: there is no timer, and nobody
waits for company. What makes a claim right is what makes each of these right: its step's key, the condition of the UPDATE, the
VM's one place and the tenant's quota, decided by the database in the statement that writes. Whoever does not get through
leaves nothing behind and holds up nobody: it is chosen for again, or goes the exact way, which alone may say that nothing fits.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg import errors as pg

from novacron import tenancy
from novacron.db import Connection, Database
from novacron.errors import Conflict
from novacron.saga import barrier
from novacron.saga.barrier import Message
from novacron.saga.group_commit import GroupCommit
from novacron.saga.key import SagaKey, current_key

from . import explanation, policy, quota
from .answer import Answer, M
from .decision import decide
from .inventory.live import Inventory
from .inventory.ranking import can_rank
from .policy import Neighbour
from .quota import Quota
from .reservation import Demand, Reservation
from .store import PolicyStore
from .store.group_claims import Choice, GroupClaimStore, TakenBack
from .store.policies import Look

# Lost so often, a VM is chosen for in a snapshot of its own.
_TRIES = 3
# One group at a time: two would overlap, and cost a fifth more for groups of half the size.
_MOST = 32
# A row that is held for longer holds up all that go with it: each waits for it, or does not need it, by itself.
_LOCK_PATIENCE = "300ms"


class _Missed(enum.Enum):
    """Why there is no answer."""

    RACE = enum.auto()  # its node filled up or changed: it has been read anew
    EXACT = enum.auto()  # only the exact way can tell


@dataclass(frozen=True, slots=True)
class _Ask:
    demand: Demand
    answer: Answer[Reservation, Any]
    key: SagaKey | None


@dataclass(frozen=True, slots=True)
class _Directed:
    """Demands that can be chosen for, by their places, and what there is to know for it."""

    demands: Mapping[int, Demand]
    quotas: Mapping[UUID, Quota]
    neighbours: Mapping[UUID, list[Neighbour]]  # of tenants whose policies look at them


@dataclass(frozen=True, slots=True)
class _Looks:
    """What was asked, and is answered where it is first needed."""

    circumstances: Look
    neighbours: Look | None
    of: Mapping[UUID, bool]  # the tenants of these neighbours, and whether it matters on which nodes they are


_Outcome = Message | _Missed


def _firsts(asks: Sequence[_Ask]) -> list[int]:
    """The places of the first for each VM and of each step: the second finds, the exact way, what that one was given."""
    seen: set[UUID | SagaKey] = set()
    firsts = []
    for place, ask in enumerate(asks):
        marks = {ask.demand.vm_id, ask.key or ask.demand.vm_id}
        if seen.isdisjoint(marks):
            firsts.append(place)
        seen |= marks
    return firsts


class GroupClaims:
    """The short way of a reserve: VMs that have no place yet, and whose policies bind no VMs to one another."""

    def __init__(self, database: Database, inventory: Inventory) -> None:
        self._database = database
        self._inventory = inventory
        self._store = GroupClaimStore()
        self._policies = PolicyStore()
        # Tenants whose policies looked at other VMs when they were last read, most of which will again.
        self._looking: dict[UUID, bool] = {}
        self._commits: GroupCommit[_Ask, _Outcome] = GroupCommit(self._write, writers=1, most=_MOST)

    async def claim(self, demand: Demand, answer: Answer[Reservation, M]) -> M | None:
        """The VM's place, claimed and committed; None: nothing was done, and the exact way tells what becomes of it."""
        key = current_key()
        if demand.move_id is not None or (key is not None and key.operation != "action"):
            return None
        for _ in range(_TRIES):
            try:
                outcome = await self._commits.commit(_Ask(demand, answer, key))
            except Conflict:
                return None
            if not isinstance(outcome, _Missed):
                return outcome  # type: ignore[return-value]  # made by this very answer
            if outcome is _Missed.EXACT:
                return None
        return None

    async def _write(self, asks: Sequence[_Ask]) -> Sequence[_Outcome]:
        # Whoever's request it is in which these are written: they are many tenants'.
        with tenancy.every_tenant():
            return await self._claimed(asks)

    async def _claimed(self, asks: Sequence[_Ask]) -> Sequence[_Outcome]:
        await self._inventory.fresh()
        outcomes: dict[int, _Outcome] = {}
        going = _firsts(asks)
        while going:
            try:
                made = await self._together([asks[place] for place in going])
            except TakenBack as lost:
                going = [place for place in going if asks[place].demand.vm_id not in lost.vm_ids]
                continue
            outcomes = {going[place]: outcome for place, outcome in made.items()}
            break
        return [outcomes.get(place, _Missed.EXACT) for place in range(len(asks))]

    async def _together(self, asks: Sequence[_Ask]) -> Mapping[int, _Outcome]:
        """One transaction. :raises TakenBack: it was rolled back, because of these VMs."""
        try:
            async with self._transaction() as connection:
                return await self._carried_out(connection, asks)
        except pg.UniqueViolation:  # of the steps' keys: all else that may be there already is passed over
            self._inventory.outdate()  # what was learnt of nodes is not so
            raise TakenBack(await self._known(asks)) from None

    async def _carried_out(self, connection: Connection, asks: Sequence[_Ask]) -> Mapping[int, _Outcome]:
        directed = await self._directed(connection, asks, await self._look(connection, asks))
        chosen: dict[int, Choice] = {}
        try:
            self._choose(directed, chosen)
            claimed = await self._store.claim(connection, list(chosen.values()), directed.quotas)
        finally:
            for one in chosen.values():
                self._inventory.let_go(one.place.node_id, one.demand.footprint)
        await self._learn(connection, chosen.values(), claimed)
        made = {
            place: asks[place].answer.of(claimed[one.demand.vm_id])
            for place, one in chosen.items()
            if one.demand.vm_id in claimed
        }
        await barrier.keep_each(
            connection, {key: made[place] for place in made if (key := asks[place].key) is not None}
        )
        return dict.fromkeys(chosen, _Missed.RACE) | made

    async def _known(self, asks: Sequence[_Ask]) -> frozenset[UUID]:
        """The VMs whose steps were carried out, or undone, before. :raises Conflict: none of them was."""
        async with self._database.connection() as connection:
            keys = await barrier.taken(connection, [ask.key for ask in asks if ask.key is not None])
        if not keys:
            raise Conflict("a step's key was taken and is free again: each goes by itself")
        return frozenset(ask.demand.vm_id for ask in asks if ask.key in keys)

    async def _look(self, connection: Connection, asks: Sequence[_Ask]) -> _Looks:
        """On its way with BEGIN. A VM that was given a place since is left to the claim."""
        demands = [ask.demand for ask in asks]
        tenants = {one.tenant_id for one in demands}
        look = await self._store.look(connection, [one.vm_id for one in demands], tenants, _LOCK_PATIENCE)
        of = {tenant: self._looking[tenant] for tenant in tenants if tenant in self._looking}
        near = await self._policies.look_at_neighbours(connection, of, by_node=any(of.values())) if of else None
        return _Looks(look, near, of)

    async def _directed(self, connection: Connection, asks: Sequence[_Ask], looks: _Looks) -> _Directed:
        """Those that can be chosen for here, with what their tenants' policies say."""
        known = await self._store.seen(looks.circumstances)
        demands: dict[int, Demand] = {}
        looking: dict[UUID, bool] = {}
        for place, demand in enumerate(ask.demand for ask in asks):
            said = policy.directive(known.guidelines.get(demand.tenant_id, ()), demand.groups)
            if said.guidelines:
                demand = replace(demand, directive=said)
            if demand.vm_id not in known.held and can_rank(demand):
                demands[place] = demand
                if said.looks_at_neighbours:
                    looking[demand.tenant_id] = looking.get(demand.tenant_id, False) or said.looks_at_nodes
        near = await self._neighbours(connection, looking, looks) if looking else {}
        for tenant in looks.of.keys() - looking.keys():
            self._looking.pop(tenant, None)
        self._looking |= looking
        return _Directed(demands, known.quotas, near)

    async def _neighbours(
        self, connection: Connection, looking: Mapping[UUID, bool], looks: _Looks
    ) -> Mapping[UUID, list[Neighbour]]:
        """Where these tenants' VMs are: known already if it was foreseen that they would be looked at, else one more look."""
        by_node = any(looking.values())
        foreseen = looking.keys() <= looks.of.keys() and (not by_node or any(looks.of.values()))
        if looks.neighbours is None or not foreseen:
            return await self._policies.neighbours(
                await self._policies.look_at_neighbours(connection, looking, by_node=by_node)
            )
        return await self._policies.neighbours(looks.neighbours)

    def _choose(self, directed: _Directed, chosen: dict[int, Choice]) -> None:
        """A node for each that finds one here, into ``chosen``. It holds its share of the node until the caller lets it go:
        each sees what those before it are about to take."""
        quotas, near = dict(directed.quotas), defaultdict(list, directed.neighbours)
        for place, demand in directed.demands.items():
            held, more = quotas.get(demand.tenant_id), quota.charge(demand.need)
            if held is not None and held.exceeded_by(more):
                continue
            said = demand.directive
            if said.looks_at_neighbours:
                said = policy.among(said, near[demand.tenant_id], self._inventory.places())
                demand = replace(demand, directive=said)
            ranking = self._inventory.rank(demand)
            if not ranking.candidates:
                continue
            best = ranking.candidates[0]
            decision = decide(demand, ranking, best, explanation.chosen(demand, ranking, best))
            digest = demand.digest()
            offer = self._inventory.hold(best.offer.node_id, demand.footprint)
            chosen[place] = Choice(demand, offer, decision, digest)
            if held is not None:
                quotas[demand.tenant_id] = held.with_use(more)
            if said.looks_at_neighbours:
                where = (str(offer.node_id), offer.availability_zone, offer.region)
                near[demand.tenant_id].append(Neighbour(*where, demand.groups, 1))

    async def _learn(
        self, connection: Connection, choices: Iterable[Choice], claimed: Mapping[UUID, Reservation]
    ) -> None:
        for made in claimed.values():
            self._inventory.learn(made.node)
        lost = {one.place.node_id for one in choices if one.demand.vm_id not in claimed}
        if lost:
            await self._inventory.look_again(connection, lost)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        """A transaction whose statements wait for an answer only where the next one needs it."""
        async with self._database.connection() as connection:
            try:
                async with connection.pipeline():
                    await connection.execute("BEGIN")
                    yield connection
                    await connection.execute("COMMIT")
            except BaseException:
                await connection.rollback()
                raise
