"""Reservations that are held for nobody, given back one by one."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Database
from novacron.saga import barrier

from .answer import Answer, M

# All three name it: whatever the VM was given since the leak was seen has another decision behind it. Whoever comes second
# finds the row deallocated and frees nothing more.
_RELEASE = """
WITH released AS (
    UPDATE resource_allocations SET status = 'deallocated', deallocated_at = now()
    WHERE vm_id = %s AND node_id = %s AND decision_id = %s AND status <> 'deallocated'
    RETURNING node_id, cpu_cores, memory_mb, storage_gb, network_bandwidth_mbps, gpu_count
)
UPDATE nodes SET
    allocated_cpu_cores = allocated_cpu_cores - released.cpu_cores,
    allocated_memory_mb = allocated_memory_mb - released.memory_mb,
    allocated_storage_gb = allocated_storage_gb - released.storage_gb,
    allocated_network_bandwidth_mbps = allocated_network_bandwidth_mbps - released.network_bandwidth_mbps,
    allocated_gpu_count = allocated_gpu_count - released.gpu_count
FROM released WHERE nodes.id = released.node_id
"""


class Leaks:
    """What may be done with reservations that nobody needs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def release(self, vm_id: UUID, node_id: UUID, decision_id: UUID, answer: Answer[bool, M]) -> M:
        """Give back the one reservation that all three name; answers whether there still was one."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                cursor = await connection.execute(_RELEASE, (vm_id, node_id, decision_id))
                return answer.of(cursor.rowcount > 0)

            return await barrier.once(connection, answer.message, effect)
