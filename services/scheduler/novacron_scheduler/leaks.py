"""Reservations that are held for nobody, given back one by one."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Database
from novacron.saga import barrier

from .answer import Answer, M
from .inventory.live import Inventory
from .store.reservations import RELEASED, left

# All three name it: whatever the VM was given since the leak was seen has another decision behind it. Whoever comes second
# finds the row deallocated and frees nothing more.
_RELEASE = RELEASED.format(which="node_id = %s AND decision_id = %s AND status <> 'deallocated'")


class Leaks:
    """What may be done with reservations that nobody needs."""

    def __init__(self, database: Database, inventory: Inventory | None = None) -> None:
        self._database = database
        self._inventory = inventory or Inventory(database)

    async def release(self, vm_id: UUID, node_id: UUID, decision_id: UUID, answer: Answer[bool, M]) -> M:
        """Give back the one reservation that all three name; answers whether there still was one."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                freed = await (await connection.execute(_RELEASE, (vm_id, node_id, decision_id))).fetchall()
                for node in map(left, freed):
                    self._inventory.learn(node.node_id, node.allocatable, node.allocated)
                return answer.of(bool(freed))

            return await barrier.once(connection, answer.message, effect)
