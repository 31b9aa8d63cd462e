"""Reservations: choose and claim in one transaction, confirm, give back. Each takes effect once per step of a saga."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import NoReturn
from uuid import UUID

from novacron.db import Connection, Database
from novacron.errors import AlreadyExists, Conflict, FailedPrecondition, NoCapacity, NotFound, QuotaExceeded
from novacron.paging import PageTokens, page_size
from novacron.saga import barrier

from . import explanation, placement, quota
from .answer import Answer, M
from .aside import aside
from .decision import decide
from .group_claims import GroupClaims
from .inventory.live import Inventory
from .placement import Offer, Ranking
from .preemptions import Preemptions
from .quota import Usage
from .remedy import remedies
from .reservation import Decision, Demand, Reservation
from .store import DecisionStore, LostRace, OverQuota, PolicyStore, QuotaStore, ReservationStore, Snapshot


class _NothingFits(Exception):
    """Ends the transaction: a refusal leaves nothing behind but its record, not even the step's key."""

    def __init__(self, demand: Demand, ranking: Ranking, offers: Sequence[Offer]) -> None:
        super().__init__()
        self.demand = demand
        self.ranking = ranking
        self.offers = offers


class _QuotaRefuses(_NothingFits):
    """Ends the transaction: there is room, and the tenant may not have it."""

    def __init__(self, demand: Demand, ranking: Ranking, charge: Usage) -> None:
        super().__init__(demand, ranking, ())
        self.charge = charge


class Reservations:
    """What may be done with reservations."""

    def __init__(
        self,
        database: Database,
        store: ReservationStore,
        decisions: DecisionStore,
        tokens: PageTokens,
        inventory: Inventory | None = None,
    ) -> None:
        self._database = database
        self._inventory = inventory or Inventory(database)
        self._groups = GroupClaims(database, self._inventory)
        self._store = store
        self._decisions = decisions
        self._tokens = tokens
        self._quotas = QuotaStore()
        self._policies = PolicyStore()
        self._preemptions = Preemptions(store)

    async def reserve(self, demand: Demand, answer: Answer[Reservation, M]) -> M:
        """Choose a node for the VM and take what it needs there.

        The short way is together with whoever else waits, chosen in memory. What it leaves open the exact way decides, alone
        and by a snapshot, which locks nothing. Either way the database decides the claim, and a lost race is nobody's error:
        whoever loses looks again, for as long as anything fits and the caller waits.

        :raises NoCapacity: nothing fits; the message says why, and the decision is recorded.
        :raises QuotaExceeded: it fits, and not into the tenant's quota; recorded as well.
        :raises AlreadyExists: this VM holds something else.
        """
        demand.check()
        claimed = await self._groups.claim(demand, answer)
        if claimed is not None:
            return claimed
        while True:
            try:
                return await self._attempt(demand, answer)
            except (LostRace, Conflict):
                continue
            except _QuotaRefuses as over:
                await self._refuse_over_quota(over)
            except _NothingFits as nothing:
                await self._refuse(nothing)

    async def _refuse(self, nothing: _NothingFits) -> NoReturn:
        helping = await aside(nothing.offers, remedies, nothing.demand, nothing.offers)
        words = explanation.refused(nothing.demand, nothing.ranking, helping)
        async with self._database.connection() as connection:
            await self._decisions.record(connection, decide(nothing.demand, nothing.ranking, None, words))
        raise NoCapacity(words, metadata=explanation.facts(nothing.ranking, helping)) from None

    async def _refuse_over_quota(self, over: _QuotaRefuses) -> None:
        """Returns only when there is room in the quota again, or no quota any more: what is told is true when it is told."""
        async with self._database.connection() as connection:
            held = await self._quotas.get(connection, over.demand.tenant_id)
            excesses = held.exceeded_by(over.charge) if held else ()
            if not excesses:
                return
            words = quota.refused(excesses)
            await self._decisions.record(connection, decide(over.demand, over.ranking, None, words))
        raise QuotaExceeded(words, metadata=quota.facts(excesses)) from None

    async def _attempt(self, demand: Demand, answer: Answer[Reservation, M]) -> M:
        async with self._transaction(demand) as (connection, snapshot, last_trip):

            async def effect() -> M:
                if demand.move_id is not None:
                    made = await self._second(connection, demand, snapshot)
                elif snapshot.held:
                    made = await self._held(connection, demand)
                else:
                    made = await self._claim(connection, demand, snapshot, quota.charge(demand.need))
                # What is left to send, the barrier's answer and COMMIT, needs no answer before the next.
                await last_trip.enter_async_context(connection.pipeline())
                return answer.of(made)

            return await barrier.once(connection, answer.message, effect)

    @asynccontextmanager
    async def _transaction(self, demand: Demand) -> AsyncIterator[tuple[Connection, Snapshot, AsyncExitStack]]:
        """A transaction in the fewest round trips: BEGIN goes out with the snapshot, COMMIT with the last statement if that was
        put in a pipeline on the stack."""
        async with self._database.connection() as connection:
            snapshot = await self._store.begin(connection, demand.vm_id, demand.tenant_id)
            try:
                async with AsyncExitStack() as last_trip:
                    yield connection, snapshot, last_trip
                    await connection.execute("COMMIT")
            except BaseException:
                await connection.rollback()
                raise

    async def _held(self, connection: Connection, demand: Demand) -> Reservation:
        held = await self._store.held(connection, demand.vm_id, lock=True)
        if held is None:  # released since the snapshot, which does not know of the room that this made
            raise LostRace
        if held.request_digest != demand.digest():
            raise held.contradicted()
        return held

    async def _second(self, connection: Connection, demand: Demand, snapshot: Snapshot) -> Reservation:
        """A place on another node for a VM that has one, which it keeps."""
        moving = await self._store.moving(connection, demand.vm_id)
        if moving is not None and (moving.move_id, moving.request_digest) == (demand.move_id, demand.digest()):
            return moving
        if moving is not None:
            raise AlreadyExists(f"VM {demand.vm_id} is on its way to {moving.node.name}: wait until it is there")
        held = await self._store.held(connection, demand.vm_id, lock=True)
        if held is None:
            raise FailedPrecondition(f"VM {demand.vm_id} holds no place that it could move from")
        demand = replace(demand, leaves=held.node.node_id)
        return await self._claim(connection, demand, snapshot, quota.charge_of_move(held.resources, demand.need))

    async def _claim(self, connection: Connection, demand: Demand, snapshot: Snapshot, charge: Usage) -> Reservation:
        demand = await self._policies.directed(connection, demand, snapshot.guidelines, snapshot.offers, claims=True)
        ranking = await aside(snapshot.offers, placement.rank, demand, snapshot.offers)
        for candidate in ranking.candidates:
            decision = decide(demand, ranking, candidate, explanation.chosen(demand, ranking, candidate))
            try:
                made = await self._store.claim(connection, demand, candidate.offer, decision, charge)
            except OverQuota:
                raise _QuotaRefuses(demand, ranking, charge) from None
            if made is not None:
                self._inventory.learn(made.node)
                return made
        if ranking.candidates:
            raise LostRace
        try:
            preempting = await self._preemptions.claim(connection, demand, charge)
        except OverQuota:
            raise _QuotaRefuses(demand, ranking, charge) from None
        if preempting is None:
            raise _NothingFits(demand, ranking, snapshot.offers)
        self._inventory.learn(preempting.node)
        return preempting

    async def confirm(self, vm_id: UUID, answer: Answer[Reservation, M]) -> M:
        """From now on the VM holds it, and no longer the saga.

        :raises NotFound: nothing is held. :raises FailedPrecondition: others have yet to give way.
        """
        async with self._database.transaction() as connection:

            async def effect() -> M:
                held = await self._store.confirm(connection, vm_id)
                if held is None:
                    raise NotFound.named("reservation", vm_id)
                if held.yielding:
                    count = "1 VM has" if len(held.yielding) == 1 else f"{len(held.yielding)} VMs have"
                    raise FailedPrecondition(f"{count} yet to give way to it: its place is not to be used before")
                return answer.of(held)

            return await barrier.once(connection, answer.message, effect)

    async def arrive(self, vm_id: UUID, move_id: UUID, answer: Answer[Reservation, M]) -> M:
        """The VM is where this move claimed its place; what it held before is given back. :raises NotFound: no such move."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                # The active row first, as every claim of a move takes them.
                held = await self._store.held(connection, vm_id, lock=True)
                moving = await self._store.moving(connection, vm_id)
                if moving is not None and moving.move_id == move_id:
                    await self._store.arrive(connection, vm_id, move_id)
                    held = await self._store.held(connection, vm_id)
                if held is None or held.move_id != move_id:
                    raise NotFound.named("move", move_id)
                return answer.of(held)

            return await barrier.once(connection, answer.message, effect)

    async def release(
        self, vm_id: UUID, answer: Answer[bool, M], move_id: UUID | None = None, yields_to: UUID | None = None
    ) -> M:
        """Give back all that the VM holds, or only what this move claimed; it may hold nothing. With ``yields_to`` it is given
        back only while it gives way to that VM."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                freed = await self._store.release(connection, vm_id, move_id, yields_to)
                for node in freed:
                    self._inventory.learn(node)
                return answer.of(bool(freed))

            return await barrier.once(connection, answer.message, effect)

    async def get(self, vm_id: UUID, tenant_id: UUID | None) -> Reservation:
        """:raises NotFound: nothing is held, or by another tenant's VM."""
        async with self._database.connection() as connection:
            held = await self._store.held(connection, vm_id)
        if held is None or tenant_id not in (None, held.tenant_id):
            raise NotFound.named("reservation", vm_id)
        return held

    async def page(self, size: int, token: str, tenant_id: UUID | None) -> tuple[list[Reservation], str]:
        """What is held, by the VM's id and the node's, and the token of the next page.

        :raises InvalidArgument: the token is none of ours.
        """
        after = self._tokens.open(token, "reservations", tenant_id)
        limit = page_size(size)
        async with self._database.connection() as connection:
            behind = (UUID(after[0]), UUID(after[1])) if after else None
            found = await self._store.page(connection, tenant_id, behind, limit + 1)
        if len(found) <= limit:
            return found, ""
        last = found[limit - 1]
        return found[:limit], self._tokens.seal([last.vm_id, last.node.node_id], "reservations", tenant_id)

    async def decision(self, vm_id: UUID, tenant_id: UUID | None) -> Decision:
        """The newest decision. :raises NotFound: none was made, or for another tenant's VM."""
        async with self._database.connection() as connection:
            decision = await self._decisions.newest(connection, vm_id)
        if decision is None or tenant_id not in (None, decision.tenant_id):
            raise NotFound.named("decision", vm_id)
        return decision
