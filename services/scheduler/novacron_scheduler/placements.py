"""Placements that are only asked about: where a VM would go, by the code that would place it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from novacron.db import Database
from novacron.errors import NotFound

from . import explanation, placement, quota
from .aside import aside
from .placement import Offer, Ranking
from .preemption import Holder
from .preemptions import Preemptions
from .quota import Excess
from .remedy import Remedy, remedies
from .reservation import Demand, Scored
from .store import PolicyStore, QuotaStore, ReservationStore


@dataclass(frozen=True, slots=True)
class Explained:
    """What a reserve would have answered at that instant."""

    ranking: Ranking
    selected: Scored | None
    remedies: tuple[Remedy, ...]
    excesses: tuple[Excess, ...]
    words: str
    offers: Sequence[Offer]  # all nodes at that instant
    yielding: Sequence[Holder] = ()  # who would have to give way


class Placements:
    """What may be asked about placement."""

    def __init__(self, database: Database, store: ReservationStore, quotas: QuotaStore) -> None:
        self._database = database
        self._store = store
        self._quotas = quotas
        self._policies = PolicyStore()
        self._preemptions = Preemptions(store)

    async def explain(self, demand: Demand, caller_tenant: UUID | None) -> Explained:
        """Where this VM would go now. Claims nothing, records nothing and locks nothing.

        :raises NotFound: it is another tenant's VM than the caller's.
        :raises InvalidArgument: no VM is like this.
        """
        if caller_tenant not in (None, demand.tenant_id):
            raise NotFound.named("tenant", demand.tenant_id)
        demand.check()
        async with self._database.connection() as connection:
            snapshot = await self._store.look(connection, demand.tenant_id)
            demand = await self._policies.directed(
                connection, demand, snapshot.guidelines, snapshot.offers, claims=False
            )
            held = await self._quotas.get(connection, demand.tenant_id)
            ranking = await aside(snapshot.offers, placement.rank, demand, snapshot.offers)
            room = None if ranking.candidates else await self._preemptions.choice(connection, demand, snapshot.offers)
        if not ranking.candidates and room is None:
            helping = await aside(snapshot.offers, remedies, demand, snapshot.offers)
            words = explanation.refused(demand, ranking, helping)
            return Explained(ranking, None, helping, (), words, snapshot.offers)
        excesses = held.exceeded_by(quota.charge(demand.need)) if held else ()
        if excesses:
            return Explained(ranking, None, (), excesses, quota.refused(excesses), snapshot.offers)
        if room is not None:
            words = explanation.preempting(demand, ranking, room)
            shown = replace(ranking, candidates=(room.candidate,))
            return Explained(shown, room.candidate.scored, (), (), words, snapshot.offers, room.yielding)
        best = ranking.candidates[0]
        words = explanation.chosen(demand, ranking, best)
        return Explained(ranking, best.scored, (), (), words, snapshot.offers)
