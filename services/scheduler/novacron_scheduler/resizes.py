"""Resizes: claim the new size before the old is given back, then keep one of them. Each takes effect once per saga's step."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from novacron.db import Connection, Database
from novacron.errors import AlreadyExists, FailedPrecondition, NoCapacity, NotFound, QuotaExceeded
from novacron.saga import barrier

from . import quota, resize
from .answer import Answer, M
from .decision import decide
from .inventory.live import Inventory
from .overcommit import Overcommit
from .placement import NOTHING_LOOKED_AT, Ranking
from .placements import Placements
from .reservation import Demand, Reservation
from .resize import Change
from .resources import Resources
from .store import DecisionStore, OverQuota, QuotaStore, ReservationStore
from .store.reservations import Left
from .store.resizes import ResizeStore

ALGORITHM = "resize-v1"


class _Refused(Exception):
    """Ends the transaction: a refusal leaves nothing behind but its record, not even the step's key."""

    def __init__(self, held: Reservation, change: Change, *, over_quota: bool) -> None:
        super().__init__()
        self.held = held
        self.change = change
        self.over_quota = over_quota  # the quota refuses it, and not the node


class Resizes:
    """What may be done about the size of what a VM holds."""

    def __init__(
        self,
        database: Database,
        decisions: DecisionStore,
        placements: Placements,
        overcommit: Overcommit,
        inventory: Inventory | None = None,
    ) -> None:
        self._database = database
        self._inventory = inventory or Inventory(database)
        self._overcommit = overcommit
        self._store = ReservationStore()
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
                await self._tell(refused)

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
        if held.yields_to is not None:
            raise FailedPrecondition(f"VM {vm_id} gives way to VM {held.yields_to}, which has a higher priority")
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
        change = Change.of(held, size, self._overcommit.weights(held.allocation_type))
        try:
            taken = await self._resizes.claim(connection, held, resize_id, change)
        except OverQuota:
            raise _Refused(held, change, over_quota=True) from None
        if taken is None:
            raise _Refused(held, change, over_quota=False)
        self._learn(taken)

    async def _tell(self, refused: _Refused) -> None:
        """Returns only when it fits now: what is told is true when it is told."""
        held, change = refused.held, refused.change
        async with self._database.connection() as connection:
            decision = await self._decisions.newest(connection, held.vm_id)
            allowed = await self._quotas.get(connection, held.tenant_id) if refused.over_quota else None
        demand = resize.demand_of(held, decision, change.size, self._overcommit.weights(held.allocation_type))
        if refused.over_quota:
            if excesses := allowed.exceeded_by(change.charge) if allowed else ():
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
        short = resize.lacking(change, held, demand, here)
        if any(short):
            words = resize.refused(demand, short, here, explained.ranking, explained.words)
            await self._record(demand, words, explained.ranking)
            raise NoCapacity(words, metadata=resize.facts(short, here, explained.ranking)) from None

    async def _record(self, demand: Demand, words: str, ranking: Ranking = NOTHING_LOOKED_AT) -> None:
        # The candidates of a move are another decision's: this one had a single node to choose.
        decision = replace(decide(demand, ranking, None, words), candidates=(), decision_algorithm=ALGORITHM)
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
                self._learn(await self._resizes.confirm(connection, vm_id, resize_id))
                return answer.of(await self._now(connection, vm_id))

            return await barrier.once(connection, answer.message, effect)

    async def undo(self, vm_id: UUID, resize_id: UUID, answer: Answer[bool, M]) -> M:
        """The VM holds exactly what it held before the claim; one that has ended, or never was, stays as it is."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                await self._store.held(connection, vm_id, lock=True)
                undone = await self._resizes.undo(connection, vm_id, resize_id)
                self._learn(undone)
                return answer.of(undone is not None)

            return await barrier.once(connection, answer.message, effect)

    def _learn(self, node: Left | None) -> None:
        if node is not None:
            self._inventory.learn(node)

    async def _now(self, connection: Connection, vm_id: UUID) -> Reservation:
        held = await self._store.held(connection, vm_id)
        if held is None:
            raise NotFound.named("reservation", vm_id)
        return held
