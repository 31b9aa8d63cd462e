"""Reservations that are held for nobody, given back one by one, and those that may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from novacron.db import Database
from novacron.paging import page_size
from novacron.saga import barrier

from .answer import Answer, M
from .inventory.live import Inventory
from .store.reservations import RELEASED, left

# All three name it: whatever the VM was given since the leak was seen has another decision behind it. Whoever comes second
# finds the row deallocated and frees nothing more.
_RELEASE = RELEASED.format(which="node_id = %s AND decision_id = %s AND status <> 'deallocated'")


# By its time and the VM's id: one VM that moves may have two, of two times.
_EXPIRED = """
SELECT vm_id, node_id, decision_id, allocated_at FROM resource_allocations
WHERE status <> 'deallocated' AND confirmed_at IS NULL AND allocated_at < now() - make_interval(secs => %(expiry)s)
    AND (allocated_at, vm_id) > (%(time)s, %(vm_id)s)
ORDER BY allocated_at, vm_id LIMIT %(limit)s
"""
_FIRST = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Expired:
    """A reservation that has been unconfirmed for too long to be taken for granted."""

    vm_id: UUID
    node_id: UUID
    decision_id: UUID
    allocated_at: datetime


class Leaks:
    """What may be done with reservations that nobody needs."""

    def __init__(self, database: Database, expiry_seconds: float, inventory: Inventory | None = None) -> None:
        self._database = database
        self._expiry_seconds = expiry_seconds
        self._inventory = inventory or Inventory(database)

    async def expired(self, size: int, after: tuple[datetime, UUID] | None) -> list[Expired]:
        """The oldest behind ``after``. That a saga still needs them is for others to know: an expired one is held as ever."""
        time, vm_id = after or _FIRST
        values = {"expiry": self._expiry_seconds, "time": time, "vm_id": vm_id, "limit": page_size(size)}
        async with self._database.connection() as connection:
            return [Expired(*row) for row in await (await connection.execute(_EXPIRED, values)).fetchall()]

    async def release(self, vm_id: UUID, node_id: UUID, decision_id: UUID, answer: Answer[bool, M]) -> M:
        """Give back the one reservation that all three name; answers whether there still was one."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                freed = await (await connection.execute(_RELEASE, (vm_id, node_id, decision_id))).fetchall()
                for node in map(left, freed):
                    self._inventory.learn(node)
                return answer.of(bool(freed))

            return await barrier.once(connection, answer.message, effect)
