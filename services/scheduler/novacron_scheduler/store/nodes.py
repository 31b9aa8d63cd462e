"""``clusters`` and ``nodes``."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from novacron.db import Connection
from novacron.paging import Filter

from ..node import Cluster, Description, Heartbeat, Lease, Node, NodeStatus, NodeType
from ..resources import Resources

# A node is as ready as its lease, by the database's clock: nobody has to be awake to notice that a lease has passed. One in
# maintenance may be away: that is what it is closed for.
STATUS = """CASE WHEN nodes.status <> 'ready' THEN nodes.status::text WHEN nodes.lost_at IS NOT NULL THEN 'unknown'
    WHEN nodes.lease_until <= now() THEN 'not_ready' ELSE 'ready' END"""

# After every so many seconds a failure counts half as much.
_HALF_LIFE = 600
_FAILURES = f"nodes.failures * power(0.5, extract(epoch FROM now() - nodes.failed_at)::float8 / {_HALF_LIFE})"
# The smallest that counts is one that is less than a half-life old.
RECENT_FAILURES = f"coalesce(round({_FAILURES}), 0)::bigint"
# For an UPDATE of nodes: one more.
FAILED_AGAIN = f"failures = coalesce({_FAILURES}, 0) + 1, failed_at = now()"

NODE_COLUMNS = f"""
nodes.id, nodes.name, nodes.cluster_id, {STATUS} AS status, nodes.last_heartbeat,
nodes.hostname, host(nodes.ip_address) AS ip_address, nodes.agent_address, nodes.node_type::text AS node_type, nodes.region,
nodes.availability_zone, nodes.hypervisor_types, nodes.labels, nodes.taints, nodes.gpu_type, nodes.description,
nodes.capacity_cpu_cores, nodes.capacity_memory_mb, nodes.capacity_storage_gb,
nodes.capacity_network_bandwidth_mbps, nodes.capacity_gpu_count,
nodes.allocatable_cpu_cores, nodes.allocatable_memory_mb, nodes.allocatable_storage_gb,
nodes.allocatable_network_bandwidth_mbps, nodes.allocatable_gpu_count,
nodes.allocated_cpu_cores, nodes.allocated_memory_mb, nodes.allocated_storage_gb,
nodes.allocated_network_bandwidth_mbps, nodes.allocated_gpu_count, nodes.epoch, nodes.lost_at, {RECENT_FAILURES}
"""
NODE_WIDTH = 34

# The cluster's row is made in the same statement as its first node's. An older incarnation matches no row, nor does a node that
# is lost or an epoch that is over: nothing comes back.
_HEARTBEAT = f"""
WITH cluster AS (
    INSERT INTO clusters (id, name) VALUES (%(cluster_id)s, %(cluster)s) ON CONFLICT DO NOTHING
), before AS (
    SELECT generation FROM nodes WHERE id = %(node_id)s
)
INSERT INTO nodes (
    id, name, hostname, ip_address, agent_address, node_type, cluster_id, region, availability_zone,
    hypervisor_types, labels, taints, description, gpu_type,
    capacity_cpu_cores, capacity_memory_mb, capacity_storage_gb, capacity_network_bandwidth_mbps, capacity_gpu_count,
    allocatable_cpu_cores, allocatable_memory_mb, allocatable_storage_gb, allocatable_network_bandwidth_mbps,
    allocatable_gpu_count, status, incarnation, lease_until
) VALUES (
    %(node_id)s, %(name)s, %(hostname)s, %(ip_address)s, %(agent_address)s, %(node_type)s, %(cluster_id)s, %(region)s,
    %(availability_zone)s, %(hypervisor_types)s, %(labels)s, %(taints)s, %(description)s, %(gpu_type)s,
    %(capacity_cpu_cores)s, %(capacity_memory_mib)s, %(capacity_storage_gib)s, %(capacity_network_bandwidth_mbps)s,
    %(capacity_gpu_count)s,
    %(allocatable_cpu_cores)s, %(allocatable_memory_mib)s, %(allocatable_storage_gib)s,
    %(allocatable_network_bandwidth_mbps)s, %(allocatable_gpu_count)s,
    'ready', %(incarnation)s, now() + make_interval(secs => %(lease_seconds)s)
)
ON CONFLICT (id) DO UPDATE SET
    hostname = excluded.hostname, ip_address = excluded.ip_address, agent_address = excluded.agent_address,
    node_type = excluded.node_type, cluster_id = excluded.cluster_id, region = excluded.region,
    availability_zone = excluded.availability_zone, hypervisor_types = excluded.hypervisor_types,
    labels = excluded.labels, taints = excluded.taints, description = excluded.description, gpu_type = excluded.gpu_type,
    capacity_cpu_cores = excluded.capacity_cpu_cores, capacity_memory_mb = excluded.capacity_memory_mb,
    capacity_storage_gb = excluded.capacity_storage_gb,
    capacity_network_bandwidth_mbps = excluded.capacity_network_bandwidth_mbps,
    capacity_gpu_count = excluded.capacity_gpu_count,
    allocatable_cpu_cores = excluded.allocatable_cpu_cores, allocatable_memory_mb = excluded.allocatable_memory_mb,
    allocatable_storage_gb = excluded.allocatable_storage_gb,
    allocatable_network_bandwidth_mbps = excluded.allocatable_network_bandwidth_mbps,
    allocatable_gpu_count = excluded.allocatable_gpu_count,
    status = CASE nodes.status WHEN 'maintenance' THEN nodes.status ELSE excluded.status END,
    incarnation = excluded.incarnation, lease_until = excluded.lease_until, last_heartbeat = now(), updated_at = now(),
    generation = nodes.generation + (
        (nodes.node_type, nodes.region, nodes.availability_zone, nodes.hypervisor_types, nodes.labels, nodes.taints,
         nodes.gpu_type, nodes.capacity_cpu_cores, nodes.capacity_memory_mb, nodes.capacity_storage_gb)
        IS DISTINCT FROM
        (excluded.node_type, excluded.region, excluded.availability_zone, excluded.hypervisor_types, excluded.labels,
         excluded.taints, excluded.gpu_type, excluded.capacity_cpu_cores, excluded.capacity_memory_mb,
         excluded.capacity_storage_gb)
    )::integer
WHERE nodes.incarnation <= excluded.incarnation AND nodes.lost_at IS NULL AND %(epoch)s IN (0, nodes.epoch)
RETURNING {STATUS}, nodes.epoch, nodes.generation IS DISTINCT FROM (SELECT generation FROM before)
"""

_DRAIN = f"""
UPDATE nodes SET status = %(status)s::node_status_enum, updated_at = now(),
    generation = generation + (status <> %(status)s::node_status_enum)::integer
WHERE {{key}} = %(node)s
RETURNING {NODE_COLUMNS}
"""

_FAILED = f"UPDATE nodes SET {FAILED_AGAIN} WHERE id = %s RETURNING {RECENT_FAILURES}"

_CLUSTERS = """
SELECT clusters.id, clusters.name, clusters.description,
    (SELECT count(*) FROM nodes WHERE nodes.cluster_id = clusters.id)
FROM clusters WHERE clusters.name > %s ORDER BY clusters.name LIMIT %s
"""

# Fields of a list's filter, and what they are here.
FILTERED = {
    "status": STATUS,
    "name": "nodes.name",
    "region": "nodes.region",
    "availability_zone": "nodes.availability_zone",
    "labels": "nodes.labels",
}


def node(row: tuple[Any, ...]) -> Node:
    """A row of :data:`NODE_COLUMNS`."""
    said = Description(
        hostname=row[5],
        ip_address=row[6],
        agent_address=row[7],
        node_type=NodeType(row[8]),
        region=row[9],
        availability_zone=row[10],
        hypervisor_types=tuple(row[11]),
        labels=row[12],
        taints=tuple((key, value) for key, value in row[13]),
        gpu_type=row[14],
        description=row[15],
    )
    return Node(
        node_id=row[0],
        name=row[1],
        cluster_id=row[2],
        description=said,
        capacity=Resources(*row[16:21]),
        allocatable=Resources(*row[21:26]),
        allocated=Resources(*row[26:31]),
        status=NodeStatus(row[3]),
        last_heartbeat=row[4],
        epoch=row[31],
        lost_at=row[32],
        recent_failures=row[33],
    )


class NodeStore:
    """What there is."""

    async def heartbeat(
        self, connection: Connection, beat: Heartbeat, allocatable: Resources, lease_seconds: float
    ) -> Lease | None:
        """The node's lease, renewed; None: a newer incarnation holds it, or it is or was lost, and nothing was written."""
        said = beat.description
        values = {
            "node_id": beat.node_id,
            "name": beat.name,
            "cluster_id": beat.cluster_id,
            "cluster": beat.cluster,
            "incarnation": beat.incarnation,
            "epoch": beat.epoch,
            "lease_seconds": lease_seconds,
            "hostname": said.hostname,
            "ip_address": said.ip_address,
            "agent_address": said.agent_address,
            "node_type": said.node_type.value,
            "region": said.region,
            "availability_zone": said.availability_zone,
            "hypervisor_types": list(said.hypervisor_types),
            "labels": Jsonb(said.labels),
            "taints": Jsonb(said.taints),
            "gpu_type": said.gpu_type,
            "description": said.description,
            **{f"capacity_{name}": amount for name, amount in beat.capacity._asdict().items()},
            **{f"allocatable_{name}": amount for name, amount in allocatable._asdict().items()},
        }
        row = await (await connection.execute(_HEARTBEAT, values)).fetchone()
        return None if row is None else Lease(NodeStatus(row[0]), row[1], lease_seconds, changed=row[2])

    async def get(self, connection: Connection, key: UUID | str) -> Node | None:
        """By id or by name."""
        query = f"SELECT {NODE_COLUMNS} FROM nodes WHERE {_column(key)} = %s"
        row = await (await connection.execute(query, (key,))).fetchone()
        return None if row is None else node(row)

    async def set_status(self, connection: Connection, key: UUID | str, status: NodeStatus) -> Node | None:
        """The node afterwards; None: there is none."""
        query = _DRAIN.format(key=_column(key))
        row = await (await connection.execute(query, {"status": status.value, "node": key})).fetchone()
        return None if row is None else node(row)

    async def failed(self, connection: Connection, node_id: UUID) -> int | None:
        """How many failures count now, with this one; None: no such node."""
        row = await (await connection.execute(_FAILED, (node_id,))).fetchone()
        return None if row is None else int(row[0])

    async def page(self, connection: Connection, wanted: Filter, after: str, limit: int) -> list[Node]:
        """Nodes by name, from the first one past ``after``."""
        where, values = wanted.where(FILTERED)
        query = sql.SQL("SELECT {} FROM nodes WHERE nodes.name > %s AND {} ORDER BY nodes.name LIMIT %s").format(
            sql.SQL(NODE_COLUMNS), where
        )
        return [node(row) for row in await (await connection.execute(query, (after, *values, limit))).fetchall()]

    async def clusters(self, connection: Connection, after: str, limit: int) -> list[Cluster]:
        """Clusters by name, from the first one past ``after``."""
        return [Cluster(*row) for row in await (await connection.execute(_CLUSTERS, (after, limit))).fetchall()]


def _column(key: UUID | str) -> str:
    return "nodes.id" if isinstance(key, UUID) else "nodes.name"
