"""Reservations: choose and claim in one transaction, confirm, give back. Each takes effect once per step of a saga."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Database
from novacron.errors import AlreadyExists, Conflict, NoCapacity, NotFound
from novacron.ids import new_id
from novacron.saga import barrier

from . import explanation, placement
from .placement import Candidate, Ranking
from .reservation import Answer, Decision, Demand, M, Reservation
from .store import DecisionStore, LostRace, ReservationStore, Snapshot


class _NothingFits(Exception):
    """Ends the transaction: a refusal leaves nothing behind but its record, not even the step's key."""


class Reservations:
    """What may be done with reservations."""

    def __init__(self, database: Database, store: ReservationStore, decisions: DecisionStore) -> None:
        self._database = database
        self._store = store
        self._decisions = decisions

    async def reserve(self, demand: Demand, answer: Answer[Reservation, M]) -> M:
        """Choose a node for the VM and take what it needs there.

        The snapshot is read outside of the transaction and holds no lock; the claim is checked by the database. A lost race
        is nobody's error: whoever loses looks again, for as long as anything fits and its caller waits.

        :raises NoCapacity: nothing fits; the message says why, and the decision is recorded.
        :raises AlreadyExists: this VM holds something else.
        """
        demand.check()
        while True:
            async with self._database.connection() as connection:
                snapshot = await self._store.snapshot(connection, demand.vm_id)
            ranking = placement.rank(demand, snapshot.offers)
            try:
                return await self._claim(demand, snapshot, ranking, answer)
            except (LostRace, Conflict):
                continue
            except _NothingFits:
                break
        refusal = _decide(demand, ranking, None)
        async with self._database.connection() as connection:
            await self._decisions.record(connection, refusal)
        raise NoCapacity(refusal.explanation, metadata=explanation.facts(ranking))

    async def _claim(self, demand: Demand, snapshot: Snapshot, ranking: Ranking, answer: Answer[Reservation, M]) -> M:
        async with self._database.transaction() as connection:

            async def effect() -> M:
                if snapshot.held:
                    held = await self._store.held(connection, demand.vm_id, lock=True)
                    if held is not None:
                        return answer.of(_the_same(held, demand))
                for candidate in ranking.candidates:
                    decision = _decide(demand, ranking, candidate)
                    made = await self._store.claim(connection, demand, candidate.offer, decision)
                    if made is not None:
                        return answer.of(made)
                raise LostRace if ranking.candidates else _NothingFits

            return await barrier.once(connection, answer.message, effect)

    async def confirm(self, vm_id: UUID, answer: Answer[Reservation, M]) -> M:
        """From now on the VM holds it, and no longer the saga. :raises NotFound: nothing is held."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                held = await self._store.confirm(connection, vm_id)
                if held is None:
                    raise NotFound.named("reservation", vm_id)
                return answer.of(held)

            return await barrier.once(connection, answer.message, effect)

    async def release(self, vm_id: UUID, answer: Answer[bool, M]) -> M:
        """Give back all that the VM holds; it may hold nothing."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                return answer.of(await self._store.release(connection, vm_id))

            return await barrier.once(connection, answer.message, effect)

    async def get(self, vm_id: UUID, tenant_id: UUID | None) -> Reservation:
        """:raises NotFound: nothing is held, or by another tenant's VM."""
        async with self._database.connection() as connection:
            held = await self._store.held(connection, vm_id)
        if held is None or tenant_id not in (None, held.tenant_id):
            raise NotFound.named("reservation", vm_id)
        return held

    async def decision(self, vm_id: UUID, tenant_id: UUID | None) -> Decision:
        """The newest decision. :raises NotFound: none was made, or for another tenant's VM."""
        async with self._database.connection() as connection:
            decision = await self._decisions.newest(connection, vm_id)
        if decision is None or tenant_id not in (None, decision.tenant_id):
            raise NotFound.named("decision", vm_id)
        return decision


def _the_same(held: Reservation, demand: Demand) -> Reservation:
    if held.request_digest == demand.digest():
        return held
    raise AlreadyExists(
        f"VM {held.vm_id} holds {held.resources.told()} on {held.node.name}, reserved by another request:"
        " repeat that request, or release the reservation first"
    )


def _decide(demand: Demand, ranking: Ranking, candidate: Candidate | None) -> Decision:
    words = explanation.chosen(demand, ranking, candidate) if candidate else explanation.refused(demand, ranking)
    return Decision(
        decision_id=new_id(),
        vm_id=demand.vm_id,
        tenant_id=demand.tenant_id,
        requested_resources=demand.need,
        gpu_type=demand.gpu_type,
        constraints=demand.constraints(),
        candidates=tuple(one.scored for one in ranking.candidates),
        removed_by_filter=ranking.removed_by_filter,
        selected=candidate.scored if candidate else None,
        decision_algorithm=placement.ALGORITHM,
        explanation=words,
    )
