"""Resizes: claim the new size before the old is given back, then keep one of them. Each takes effect once per saga's step."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Connection, Database
from novacron.errors import AlreadyExists, FailedPrecondition, NoCapacity, NotFound, QuotaExceeded
from novacron.ids import new_id
from novacron.saga import barrier

from . import quota, resize
from .answer import Answer, M
from .placements import Explained, Placements
from .quota import Usage
from .reservation import Decision, Demand, Reservation
from .resources import Resources
from .store import DecisionStore, OverQuota, QuotaStore, ReservationStore
from .store.resizes import ResizeStore

ALGORITHM = "resize-v1"


class _Refused(Exception):
    """Ends the transaction: a refusal leaves nothing behind but its record, not even the step's key."""

    def __init__(self, held: Reservation, extra: Resources, charge: Usage | None = None) -> None:
        super().__init__()
        self.held = held
        self.extra = extra
        self.charge = charge  # the quota refuses it, and not the node


class Resizes:
    """What may be done about the size of what a VM holds."""

    def __init__(
        self, database: Database, store: ReservationStore, decisions: DecisionStore, placements: Placements
    ) -> None:
        self._database = database
        self._store = store
        self._decisions = decisions
        self._placements = placements
        self._resizes = ResizeStore()
        self._quotas = QuotaStore()

    async def claim(
        self, vm_id: UUID, resize_id: UUID, size: Resources, gpu_type: str, answer: Answer[Reservation, M]
    ) -> M:
        """Take what the new size needs beyond the present one, on the node where the VM is.

        :raises NoCapacity: the node has no room; the message says what is missing and whether a move would help.
        :raises QuotaExceeded: it has, and the tenant may not hold it. Both are recorded.
        :raises FailedPrecondition: the VM holds nothing or moves, or its node takes nothing more.
        :raises AlreadyExists: another resize is under way, or this one has another size.
        """
        while True:
            try:
                return await self._attempt(vm_id, resize_id, size, gpu_type, answer)
            except _Refused as refused:
                await self._tell(refused, size)

    async def _attempt(
        self, vm_id: UUID, resize_id: UUID, size: Resources, gpu_type: str, answer: Answer[Reservation, M]
    ) -> M:
        async with self._database.transaction() as connection:

            async def effect() -> M:
                held = await self._free_to_change(connection, vm_id)
                if not await self._is_this(connection, held, resize_id, size):
                    resize.check(held, size, gpu_type)
                    await self._take(connection, held, resize_id, size)
                return answer.of(await self._now(connection, vm_id))

            return await barrier.once(connection, answer.message, effect)

    async def _free_to_change(self, connection: Connection, vm_id: UUID) -> Reservation:
        held = await self._store.held(connection, vm_id, lock=True)
        if held is None:
            raise FailedPrecondition(f"VM {vm_id} holds no place that could be resized")
        moving = await self._store.moving(connection, vm_id)
        if moving is not None:
            raise FailedPrecondition(f"VM {vm_id} is on its way to {moving.node.name}: wait until it is there")
        return held

    async def _is_this(self, connection: Connection, held: Reservation, resize_id: UUID, size: Resources) -> bool:
        """Whether this very resize was claimed before. :raises AlreadyExists: to another size, or another is under way."""
        standing = await self._resizes.standing(connection, held.vm_id)
        if standing.resize_id == resize_id:
            if (standing.after or held.resources) != size:
                raise AlreadyExists(f"the resize {resize_id} is to another size: repeat that one, or choose a new id")
            return True
        if standing.after is not None:
            raise AlreadyExists(
                f"VM {held.vm_id} is being resized to {standing.after.told()}: wait until that has ended"
            )
        return False

    async def _take(self, connection: Connection, held: Reservation, resize_id: UUID, size: Resources) -> None:
        extra = resize.more(held.resources, size)
        charge = resize.charge(extra)
        try:
            taken = await self._resizes.claim(connection, held, resize_id, size, extra, charge)
        except OverQuota:
            raise _Refused(held, extra, charge) from None
        if not taken:
            raise _Refused(held, extra)

    async def _tell(self, refused: _Refused, size: Resources) -> None:
        """Returns only when it fits now: what is told is true when it is told."""
        held, charge = refused.held, refused.charge
        async with self._database.connection() as connection:
            decision = await self._decisions.newest(connection, held.vm_id)
            allowed = await self._quotas.get(connection, held.tenant_id) if charge else None
        demand = resize.demand_of(held, decision, size)
        if charge is not None:
            if excesses := allowed.exceeded_by(charge) if allowed else ():
                words = quota.refused(excesses)
                await self._record(demand, words)
                raise QuotaExceeded(words, metadata=quota.facts(excesses)) from None
            return
        explained = await self._placements.explain(demand, None)
        here = next((one for one in explained.offers if one.node_id == held.node.node_id), None)
        if here is None:
            raise NotFound.named("node", held.node.node_id)
        if closed := resize.closed(held.node, here.status):
            raise FailedPrecondition(closed)
        short = resize.lacking(refused.extra, size, here, held.node.capacity)
        if any(short):
            words = resize.refused(size, short, here, explained.ranking, explained.words)
            await self._record(demand, words, explained)
            raise NoCapacity(words, metadata=resize.facts(short, here, explained.ranking)) from None

    async def _record(self, demand: Demand, words: str, explained: Explained | None = None) -> None:
        decision = Decision(
            decision_id=new_id(),
            vm_id=demand.vm_id,
            tenant_id=demand.tenant_id,
            requested_resources=demand.need,
            gpu_type=demand.gpu_type,
            constraints=demand.constraints(),
            candidates=(),
            removed_by_filter=explained.ranking.removed_by_filter if explained else {},
            selected=None,
            decision_algorithm=ALGORITHM,
            explanation=words,
        )
        async with self._database.connection() as connection:
            await self._decisions.record(connection, decision)

    async def confirm(self, vm_id: UUID, resize_id: UUID, answer: Answer[Reservation, M]) -> M:
        """The VM has its new size; what it held beyond is free. :raises NotFound: this is not its last resize."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                await self._store.held(connection, vm_id, lock=True)
                standing = await self._resizes.standing(connection, vm_id)
                if standing.resize_id != resize_id:
                    raise NotFound.named("resize", resize_id)
                await self._resizes.confirm(connection, vm_id, resize_id)
                return answer.of(await self._now(connection, vm_id))

            return await barrier.once(connection, answer.message, effect)

    async def undo(self, vm_id: UUID, resize_id: UUID, answer: Answer[bool, M]) -> M:
        """The VM holds exactly what it held before the claim; one that has ended, or never was, stays as it is."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                await self._store.held(connection, vm_id, lock=True)
                return answer.of(await self._resizes.undo(connection, vm_id, resize_id))

            return await barrier.once(connection, answer.message, effect)

    async def _now(self, connection: Connection, vm_id: UUID) -> Reservation:
        held = await self._store.held(connection, vm_id)
        if held is None:
            raise NotFound.named("reservation", vm_id)
        return held
