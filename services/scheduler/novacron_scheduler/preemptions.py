"""Claims of room that others have still: who gives way is chosen and written in the transaction that claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from novacron.db import Connection

from . import explanation, placement
from .aside import aside
from .decision import decide
from .placement import Offer
from .preemption import Preemption, choose
from .quota import Usage
from .reservation import Demand, Reservation
from .store import LostRace, ReservationStore
from .store.preemptions import PreemptionStore


class Preemptions:
    """What may be done where nothing fits."""

    def __init__(self, store: ReservationStore) -> None:
        self._reservations = store
        self._store = PreemptionStore()

    async def choice(self, connection: Connection, demand: Demand, offers: Sequence[Offer]) -> Preemption | None:
        """Who would give way, of those that hold places now; None: nobody, or the VM has no right to it."""
        if not demand.may_preempt:
            return None
        return choose(demand, offers, await self._store.holders(connection, demand.tenant_id, demand.priority))

    async def claim(self, connection: Connection, demand: Demand, charge: Usage) -> Reservation | None:
        """The VM's place, in the caller's transaction; it is not to be used before those have left who give way to it. None:
        nobody can, or the VM has no right to it.

        Free room and given room are one sum at every instant: what the node lacks goes from the others' footprints into this
        VM's own, and nothing of it is free in between for anybody else.

        :raises LostRace: somebody was faster; the transaction must end. :raises OverQuota: likewise.
        """
        if not demand.may_preempt:
            return None
        holders = await self._store.holders(connection, demand.tenant_id, demand.priority)
        # After them: what one of them has given back since is seen to be free here.
        offers = await self._reservations.offers(connection)
        ranking = await aside(offers, placement.rank, demand, offers)
        if ranking.candidates:
            raise LostRace
        made = choose(demand, offers, holders)
        if made is None:
            return None
        words = explanation.preempting(demand, ranking, made)
        decision = decide(demand, replace(ranking, candidates=(made.candidate,)), made.candidate, words)
        await self._store.take_over(connection, demand, made)
        claimed = await self._reservations.claim(connection, demand, made.offer, decision, charge)
        if claimed is None:
            raise LostRace
        return replace(claimed, yielding=tuple(sorted(one.vm_id for one in made.yielding)))
