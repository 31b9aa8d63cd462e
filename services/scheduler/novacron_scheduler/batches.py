"""Batches: many VMs of one tenant chosen for and claimed in one transaction, all of them or as many as fit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from novacron.db import Connection, Database
from novacron.errors import Conflict
from novacron.saga import barrier

from . import batch, explanation
from .answer import Answer, M
from .batch import Outcome, Verdict
from .decision import decide
from .inventory.live import Inventory
from .reservation import Decision, Demand
from .store import DecisionStore, LostRace, PolicyStore, ReservationStore
from .store.batches import BatchStore
from .store.group_claims import Choice, GroupClaimStore, TakenBack
from .store.inventory import InventoryStore


class _Refused(Exception):
    """Ends the transaction: a batch that is refused whole leaves nothing behind but its records, not even the step's key."""

    def __init__(self, outcomes: Sequence[Outcome], verdicts: Sequence[Verdict]) -> None:
        super().__init__()
        self.outcomes = outcomes
        self.verdicts = verdicts


class Batches:
    """What may be done with many reservations at once."""

    def __init__(self, database: Database, decisions: DecisionStore, inventory: Inventory | None = None) -> None:
        self._database = database
        self._inventory = inventory or Inventory(database)
        self._store = ReservationStore()
        self._decisions = decisions
        self._claims = GroupClaimStore()
        self._nodes = InventoryStore()
        self._policies = PolicyStore()
        self._batches = BatchStore()

    async def reserve(self, demands: Sequence[Demand], answer: Answer[Sequence[Outcome], M], *, whole: bool) -> M:
        """What each VM holds afterwards, in the order of ``demands``; ``whole``: all of them, or nothing is claimed.

        The plan is made on a look that locks nothing, and claimed by one statement, under the conditions of every claim. A race
        that is lost takes the whole of it back and is planned anew, so what is told of a VM was so when it was told.

        :raises NoCapacity, QuotaExceeded, AlreadyExists: ``whole``, and some cannot be; says which and why.
        :raises InvalidArgument: these are no batch.
        """
        batch.check(demands)
        while True:
            try:
                return await self._attempt(demands, answer, whole=whole)
            except (LostRace, TakenBack, Conflict):
                continue
            except _Refused as refused:
                async with self._database.connection() as connection:
                    for decision in _refusals(refused.verdicts):
                        await self._decisions.record(connection, decision)
                raise batch.refused(refused.outcomes) from None

    async def _attempt(self, demands: Sequence[Demand], answer: Answer[Sequence[Outcome], M], *, whole: bool) -> M:
        async with self._database.transaction() as connection:

            async def effect() -> M:
                outcomes = await self._held(connection, demands)
                asking = [one for one in demands if one.vm_id not in outcomes]
                verdicts = await self._planned(connection, asking, whole=whole)
                outcomes |= {one.demand.vm_id: Outcome(one.demand.vm_id, None, one.error) for one in verdicts}
                if whole and any(one.error for one in outcomes.values()):
                    raise _Refused([outcomes[one.vm_id] for one in demands], verdicts)
                outcomes |= await self._claimed(connection, verdicts)
                for decision in _refusals(verdicts):
                    await self._decisions.record(connection, decision)
                return answer.of([outcomes[one.vm_id] for one in demands])

            return await barrier.once(connection, answer.message, effect)

    async def _held(self, connection: Connection, demands: Sequence[Demand]) -> dict[UUID, Outcome]:
        """Of the VMs that hold a place, what it is, or that it is another request's; it stays so until the transaction ends."""
        known = await self._claims.circumstances(connection, [one.vm_id for one in demands], [])
        outcomes: dict[UUID, Outcome] = {}
        for demand in sorted(demands, key=lambda one: one.vm_id):
            if demand.vm_id in known.held:
                held = await self._store.held(connection, demand.vm_id, lock=True)
                if held is None:
                    raise LostRace
                same = held.request_digest == demand.digest()
                outcomes[demand.vm_id] = Outcome(
                    demand.vm_id, held if same else None, None if same else held.contradicted()
                )
        return outcomes

    async def _planned(self, connection: Connection, demands: Sequence[Demand], *, whole: bool) -> list[Verdict]:
        if not demands:
            return []
        tenant_id = demands[0].tenant_id
        offers = await self._nodes.all(connection)
        known = await self._claims.circumstances(connection, [one.vm_id for one in demands], [tenant_id])
        if known.held:
            raise LostRace
        guidelines = known.guidelines.get(tenant_id, ())
        directed = [await self._policies.directed(connection, one, guidelines, offers, claims=True) for one in demands]
        if whole and offers:
            directed = batch.largest_first(directed, offers)
        # As many looks at all nodes as there are VMs: other calls go on meanwhile.
        return await asyncio.to_thread(batch.plan, directed, offers, known.quotas.get(tenant_id))

    async def _claimed(self, connection: Connection, verdicts: Sequence[Verdict]) -> dict[UUID, Outcome]:
        choices = [_choice(one) for one in verdicts if one.error is None]
        if not choices:
            return {}
        claimed = await self._claims.claim(connection, choices, [choices[0].demand.tenant_id])
        if len(claimed) < len(choices):
            raise LostRace
        for made in claimed.values():
            self._inventory.learn(made.node)
        return {vm_id: Outcome(vm_id, made, None) for vm_id, made in claimed.items()}

    async def release(self, vm_ids: Sequence[UUID], answer: Answer[frozenset[UUID], M]) -> M:
        """Give back all that these VMs hold; answers which of them held something."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                freed, nodes = await self._batches.release(connection, vm_ids)
                for node in nodes:
                    self._inventory.learn(node)
                return answer.of(freed)

            return await barrier.once(connection, answer.message, effect)


def _choice(verdict: Verdict) -> Choice:
    demand, ranking = verdict.demand, verdict.ranking
    best = ranking.candidates[0]
    decision = decide(demand, ranking, best, explanation.chosen(demand, ranking, best))
    return Choice(demand, best.offer, decision, demand.digest())


def _refusals(verdicts: Sequence[Verdict]) -> list[Decision]:
    return [decide(one.demand, one.ranking, None, one.error.message) for one in verdicts if one.error is not None]
