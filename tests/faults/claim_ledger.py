"""A database of nodes and a quota that remembers whatever was too much, however short, and can be counted over."""

from __future__ import annotations

from uuid import UUID

from novacron.db import Database
from novacron.paging import PageTokens
from novacron_scheduler.node import Description, Heartbeat, NodeType
from novacron_scheduler.nodes import Nodes
from novacron_scheduler.quota import Limits
from novacron_scheduler.quotas import Quotas
from novacron_scheduler.resources import Ratios, Resources
from novacron_scheduler.store import NodeStore, QuotaStore

_WITNESS = """
CREATE TABLE over (what text);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO over VALUES (TG_TABLE_NAME); RETURN NEW; END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE ON nodes FOR EACH ROW WHEN (
    NEW.allocated_cpu_cores > NEW.allocatable_cpu_cores OR NEW.allocated_memory_mb > NEW.allocatable_memory_mb
    OR NEW.allocated_storage_gb > NEW.allocatable_storage_gb) EXECUTE FUNCTION witness();
CREATE TRIGGER witness AFTER INSERT OR UPDATE ON tenant_quotas FOR EACH ROW WHEN (NEW.used_vms > NEW.limit_vms)
    EXECUTE FUNCTION witness();
"""
# Nodes that count something else than their allocations say, and quotas likewise.
_MISCOUNTED = """
SELECT count(*) FROM (
    SELECT FROM nodes LEFT JOIN resource_allocations held ON held.node_id = nodes.id AND held.status <> 'deallocated'
    GROUP BY nodes.id HAVING (allocated_cpu_cores, allocated_memory_mb, allocated_storage_gb)
        <> (coalesce(sum(cpu_cores), 0), coalesce(sum(memory_mb), 0), coalesce(sum(storage_gb), 0))
    UNION ALL
    SELECT FROM tenant_quotas LEFT JOIN resource_allocations held USING (tenant_id)
    GROUP BY tenant_id, used_vms HAVING used_vms <> count(*) FILTER (WHERE held.status <> 'deallocated')
) wrong
"""


class Ledger:
    """What is true of the claims in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def furnish(self, nodes: int, cores: int, limited: UUID, vms: int) -> None:
        """So many nodes, which are heard, and one tenant with a quota."""
        tokens, capacity = PageTokens(b"k" * 32), Resources(cores, 10**6, 10**4)
        for number in range(nodes):
            said = Description("h", "192.0.2.1", "192.0.2.1:1", NodeType.COMPUTE, "", "", ("kvm",), {}, (), "", "")
            beat = Heartbeat(f"n{number}", "default", 1, said, capacity)
            await Nodes(self._database, NodeStore(), tokens, Ratios(), 3600).heartbeat(beat, beat.name)
        await Quotas(self._database, QuotaStore(), tokens).set(limited, Limits(vms=vms), ())
        async with self._database.connection() as connection:
            await connection.execute(_WITNESS.encode())

    async def held(self) -> dict[UUID, UUID]:
        """The tenant of each VM that holds a place."""
        async with self._database.connection() as connection:
            query = "SELECT vm_id, tenant_id FROM resource_allocations WHERE status <> 'deallocated'"
            rows = await (await connection.execute(query)).fetchall()
        held = dict(rows)
        assert len(held) == len(rows), "a VM holds two places"
        return held

    async def miscounted(self) -> int:
        """Nodes and quotas that count something else than is held."""
        return await self._count(_MISCOUNTED)

    async def over(self, table: str) -> int:
        """How often a row of this table was beyond its limit."""
        return await self._count("SELECT count(*) FROM over WHERE what = %s", table)

    async def _count(self, query: str, *values: object) -> int:
        async with self._database.connection() as connection:
            row = await (await connection.execute(query, values or None)).fetchone()
        return int(row[0]) if row else 0
