"""``resource_allocations``, and the claim: the one statement that decides every race."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from psycopg import errors as pg

from novacron.db import Connection
from novacron.ids import new_id

from ..aside import aside
from ..node import NodeStatus, NodeType, Taint
from ..placement import Offer, Place
from ..policy import Guideline
from ..quota import Usage
from ..reservation import AllocationType, Decision, Demand, Reservation
from ..resources import Resources
from . import decisions
from .nodes import NODE_COLUMNS, NODE_WIDTH, RECENT_FAILURES, STATUS, node
from .policies import GUIDELINES, guideline
from .quotas import CHARGE, COUNT, REFUND

# The dimensions, by their columns; arrays of amounts are in this order.
AMOUNTS = ("cpu_cores", "memory_mb", "storage_gb", "network_bandwidth_mbps", "gpu_count")
_NUMBERED = list(enumerate(AMOUNTS, 1))
# What an allocation counts for on its node. Null: a row from before there was more than one way to count.
FOOTPRINT = f"coalesce(footprint, ARRAY[{', '.join(AMOUNTS)}])"
# How a statement left a node: see :func:`left`.
LEFT = (
    f"nodes.id, ARRAY[{', '.join(f'nodes.allocatable_{name}' for name in AMOUNTS)}] AS allocatable,"
    f" ARRAY[{', '.join(f'nodes.allocated_{name}' for name in AMOUNTS)}] AS allocated"
)
# What the choice sees of a node.
OFFER = f"""
nodes.id, nodes.name, nodes.generation, {STATUS}, nodes.node_type::text, nodes.hypervisor_types,
nodes.region, nodes.availability_zone, nodes.labels::text, nodes.taints::text, nodes.gpu_type,
nodes.allocatable_cpu_cores - nodes.allocated_cpu_cores, nodes.allocatable_memory_mb - nodes.allocated_memory_mb,
nodes.allocatable_storage_gb - nodes.allocated_storage_gb,
nodes.allocatable_network_bandwidth_mbps - nodes.allocated_network_bandwidth_mbps,
nodes.allocatable_gpu_count - nodes.allocated_gpu_count,
nodes.allocatable_cpu_cores, nodes.allocatable_memory_mb, nodes.allocatable_storage_gb,
nodes.allocatable_network_bandwidth_mbps, nodes.allocatable_gpu_count,
nodes.capacity_cpu_cores, nodes.capacity_memory_mb, nodes.capacity_storage_gb,
nodes.capacity_network_bandwidth_mbps, nodes.capacity_gpu_count, {RECENT_FAILURES}
"""
# One statement, so that the VM's reservation and the nodes are seen at the same instant: a VM whose twin just took the last
# place finds its place, and not a full house.
_SNAPSHOT = f"""
SELECT EXISTS (SELECT FROM resource_allocations WHERE vm_id = %s::uuid AND status = 'active'), {OFFER} FROM nodes
"""

# The condition of the UPDATE is the promise: whoever waits here for another's claim has its condition checked again on what
# that claim left. The generation stands for all that the filters saw; drains count in it, the lease's end does not.
_CLAIM = f"""
WITH claimed AS (
    UPDATE nodes SET
        {", ".join(f"allocated_{name} = allocated_{name} + (%(footprint)s::bigint[])[{n}]" for n, name in _NUMBERED)}
    WHERE id = %(node_id)s AND generation = %(generation)s AND lease_until > now()
        AND {
    " AND ".join(f"allocated_{name} + (%(footprint)s::bigint[])[{n}] <= allocatable_{name}" for n, name in _NUMBERED)
}
    RETURNING nodes.*
), decision AS (
    INSERT INTO scheduling_decisions ({decisions.COLUMNS}) SELECT {decisions.VALUES} FROM claimed
), allocation AS (
    INSERT INTO resource_allocations (
        id, vm_id, tenant_id, node_id, decision_id, request_digest, allocation_type,
        cpu_cores, memory_mb, storage_gb, network_bandwidth_mbps, gpu_count, gpu_type, move_id, status, quota_charge, footprint,
        groups, priority, vm_name
    )
    SELECT %(allocation_id)s::uuid, %(vm_id)s::uuid, %(tenant_id)s::uuid, claimed.id, %(decision_id)s::uuid,
        %(digest)s::bytea, %(allocation_type)s::allocation_type_enum,
        %(cpu_cores)s, %(memory_mib)s, %(storage_gib)s, %(network_bandwidth_mbps)s, %(gpu_count)s, %(gpu_type)s::text,
        %(move_id)s::uuid, %(status)s::allocation_status_enum, %(charge)s::bigint[], %(footprint)s::bigint[],
        %(groups)s::text[], %(priority)s, %(name)s::text
    FROM claimed
    RETURNING allocated_at
), counted AS (
    {COUNT}
)
SELECT {NODE_COLUMNS}, allocation.allocated_at,
    EXISTS (SELECT FROM counted) OR NOT EXISTS (SELECT FROM tenant_quotas WHERE tenant_id = %(tenant_id)s)
FROM claimed AS nodes, allocation
"""

_RESERVATION = f"""
SELECT {NODE_COLUMNS}, held.vm_id, held.tenant_id, held.cpu_cores, held.memory_mb, held.storage_gb,
    held.network_bandwidth_mbps, held.gpu_count, held.gpu_type, held.allocation_type::text, held.allocated_at,
    held.confirmed_at, held.decision_id, held.request_digest, held.move_id, held.status = 'migrating',
    coalesce(held.footprint, ARRAY[{", ".join(f"held.{name}" for name in AMOUNTS)}]), held.priority, held.yields_to,
    ARRAY(
        SELECT one.vm_id FROM resource_allocations one WHERE one.yields_to = held.vm_id AND one.status = 'active' ORDER BY 1
    )
FROM {{held}} held JOIN nodes ON nodes.id = held.node_id
"""
_HELD = _RESERVATION.format(held="resource_allocations") + "WHERE held.vm_id = %s AND held.status = 'active'"
# A release in flight is waited for: what it leaves is the truth. Always the VM's row first, then the node's, as a release does.
_HELD_LOCKED = _HELD + " FOR UPDATE OF held"
_MOVING = (
    _RESERVATION.format(held="resource_allocations")
    + "WHERE held.vm_id = %s AND held.status = 'migrating' FOR UPDATE OF held"
)
# By the VM's id and the node's, whose unique index is in this order.
_PAGE = (
    _RESERVATION.format(held="resource_allocations")
    + """WHERE held.status <> 'deallocated' AND (%(tenant)s::uuid IS NULL OR held.tenant_id = %(tenant)s)
    AND (%(vm_id)s::uuid IS NULL OR (held.vm_id, held.node_id) > (%(vm_id)s, %(node_id)s::uuid))
ORDER BY held.vm_id, held.node_id LIMIT %(limit)s"""
)
_CONFIRM = """
WITH confirmed AS (
    UPDATE resource_allocations SET confirmed_at = coalesce(confirmed_at, now())
    WHERE vm_id = %s AND status = 'active'
    RETURNING resource_allocations.*
)
""" + _RESERVATION.format(held="confirmed")

# The place that it left has been released before: a VM has one active place at any instant. From now on this one counts for all
# that it holds, which is no more than both did together. Its row is locked: what it counted for is what is read here.
_ARRIVE = f"""
WITH before AS (
    SELECT id, {CHARGE} AS charge FROM resource_allocations WHERE vm_id = %s AND status = 'migrating' AND move_id = %s
), arrived AS (
    UPDATE resource_allocations arriving SET status = 'active', confirmed_at = now(),
        quota_charge = ARRAY[1, cpu_cores, memory_mb, storage_gb, gpu_count]
    FROM before WHERE arriving.id = before.id
    RETURNING arriving.tenant_id, before.charge AS was, arriving.quota_charge AS now
)
UPDATE tenant_quotas SET
    used_vms = used_vms + arrived.now[1] - arrived.was[1],
    used_cpu_cores = used_cpu_cores + arrived.now[2] - arrived.was[2],
    used_memory_mb = used_memory_mb + arrived.now[3] - arrived.was[3],
    used_storage_gb = used_storage_gb + arrived.now[4] - arrived.was[4],
    used_gpu_count = used_gpu_count + arrived.now[5] - arrived.was[5]
FROM arrived WHERE tenant_quotas.tenant_id = arrived.tenant_id
"""

# Whoever comes second waits for the first, finds the row deallocated and changes nothing: what was held is freed once. What VMs
# that have not left yet gave up for it is theirs again, in the same change of the node: that is less than what it frees. They
# are locked before the node, as they themselves are released.
RELEASED = f"""
WITH released_vm (vm_id) AS (VALUES (%s::uuid)), yielding AS MATERIALIZED (
    SELECT id, yielded FROM resource_allocations
    WHERE yields_to = (SELECT vm_id FROM released_vm) AND status = 'active' ORDER BY id FOR UPDATE
), released AS (
    UPDATE resource_allocations SET status = 'deallocated', deallocated_at = now()
    WHERE vm_id = (SELECT vm_id FROM released_vm) AND (SELECT count(*) FROM yielding) >= 0 AND {{which}}
    RETURNING tenant_id, node_id, {FOOTPRINT} AS footprint, {CHARGE} AS charge
), given_back AS (
    UPDATE resource_allocations whole SET yields_to = NULL, yielded = NULL,
        footprint = ARRAY[{", ".join(f"whole.footprint[{n}] + yielding.yielded[{n}]" for n, _ in _NUMBERED)}]
    FROM yielding WHERE whole.id = yielding.id AND EXISTS (SELECT FROM released)
    RETURNING yielding.yielded
), refunded AS (
    {REFUND}
)
UPDATE nodes SET
    {
    ", ".join(
        f"allocated_{name} = allocated_{name} - released.footprint[{n}]"
        f" + (SELECT coalesce(sum(yielded[{n}]), 0) FROM given_back)"
        for n, name in _NUMBERED
    )
}
FROM released WHERE nodes.id = released.node_id
RETURNING {LEFT}
"""
_RELEASE = RELEASED.format(which="status <> 'deallocated'")
_RELEASE_YIELDED = RELEASED.format(which="status = 'active' AND yields_to = %s")
_RELEASE_LEFT = RELEASED.format(which="status = 'active'")
# Of a move that has arrived nothing is released: what it claimed is the VM's own place.
_RELEASE_CLAIMED = RELEASED.format(which="status = 'migrating' AND move_id = %s")


class LostRace(Exception):
    """The node filled up or changed, or the VM was given a place, since the snapshot: look again."""


class OverQuota(Exception):
    """The node took it and the tenant's quota did not: the transaction must end, for the node counts it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The nodes at one instant, and whether the VM held a place then."""

    held: bool
    offers: Sequence[Offer]
    guidelines: Sequence[Guideline]  # the placement policies of the VM's tenant, the highest first


@dataclass(frozen=True, slots=True)
class Left:
    """A node after something of it was taken or given back."""

    node_id: UUID
    allocatable: Resources
    allocated: Resources


def left(row: tuple[Any, ...]) -> Left:
    """A row of :data:`LEFT`."""
    return Left(row[0], Resources(*row[1]), Resources(*row[2]))


class ReservationStore:
    """Who holds what, and why."""

    async def begin(self, connection: Connection, vm_id: UUID, tenant_id: UUID) -> Snapshot:
        """Begin a transaction with a look at the nodes, in one round trip. It locks nothing."""
        async with connection.pipeline():
            await connection.execute("BEGIN")
            seen = await connection.execute(_SNAPSHOT, (vm_id,))
            policies = await connection.execute(GUIDELINES, (tenant_id,))
        rows = await seen.fetchall()
        return await aside(rows, _snapshot, rows, await policies.fetchall())

    async def look(self, connection: Connection, tenant_id: UUID) -> Snapshot:
        """The nodes as a reserve would see them, for a VM that the tenant does not have yet."""
        async with connection.pipeline():
            seen = await connection.execute(_SNAPSHOT, (None,))
            policies = await connection.execute(GUIDELINES, (tenant_id,))
        rows = await seen.fetchall()
        return await aside(rows, _snapshot, rows, await policies.fetchall())

    async def offers(self, connection: Connection) -> Sequence[Offer]:
        """The nodes as they are now."""
        rows = await (await connection.execute(_SNAPSHOT, (None,))).fetchall()
        return await aside(rows, _offers, rows)

    async def held(self, connection: Connection, vm_id: UUID, *, lock: bool = False) -> Reservation | None:
        """What the VM holds; with ``lock`` it stays so until the transaction ends."""
        row = await (await connection.execute(_HELD_LOCKED if lock else _HELD, (vm_id,))).fetchone()
        return None if row is None else _reservation(row)

    async def moving(self, connection: Connection, vm_id: UUID) -> Reservation | None:
        """Where the VM is on its way to; it stays so until the transaction ends."""
        row = await (await connection.execute(_MOVING, (vm_id,))).fetchone()
        return None if row is None else _reservation(row)

    async def page(
        self, connection: Connection, tenant_id: UUID | None, after: tuple[UUID, UUID] | None, limit: int
    ) -> list[Reservation]:
        """What is held behind this VM and node, by their ids."""
        vm_id, node_id = after or (None, None)
        values = {"tenant": tenant_id, "vm_id": vm_id, "node_id": node_id, "limit": limit}
        return [_reservation(row) for row in await (await connection.execute(_PAGE, values)).fetchall()]

    async def claim(
        self, connection: Connection, demand: Demand, place: Place, decision: Decision, charge: Usage
    ) -> Reservation | None:
        """Take the demand of the node, count it for the tenant and record the decision, all or nothing; None: it no
        longer fits there.

        :raises LostRace: the VM holds a place already; the transaction is lost.
        :raises OverQuota: the tenant may not hold that much; the transaction is lost.
        """
        values = decisions.values(decision) | demand.need._asdict()
        values |= {
            "node_id": place.node_id,
            "generation": place.generation,
            "allocation_id": new_id(),
            "digest": (digest := demand.digest()),
            "allocation_type": demand.allocation_type.value,
            "gpu_type": demand.gpu_type,
            "move_id": demand.move_id,
            "status": "migrating" if demand.move_id else "active",
            "charge": list(charge),
            "footprint": list(demand.footprint),
            "groups": list(demand.groups),
            "priority": demand.priority,
            "name": demand.name,
        }
        try:
            row = await (await connection.execute(_CLAIM, values)).fetchone()
        except pg.UniqueViolation as error:
            raise LostRace from error
        if row is None:
            return None
        if not row[NODE_WIDTH + 1]:
            raise OverQuota
        return Reservation(
            vm_id=demand.vm_id,
            tenant_id=demand.tenant_id,
            node=node(row),
            resources=demand.need,
            footprint=demand.footprint,
            gpu_type=demand.gpu_type,
            allocation_type=demand.allocation_type,
            allocated_at=row[NODE_WIDTH],
            confirmed_at=None,
            decision_id=decision.decision_id,
            request_digest=digest,
            move_id=demand.move_id,
            moving=demand.move_id is not None,
            priority=demand.priority,
        )

    async def confirm(self, connection: Connection, vm_id: UUID) -> Reservation | None:
        row = await (await connection.execute(_CONFIRM, (vm_id,))).fetchone()
        return None if row is None else _reservation(row)

    async def release(
        self, connection: Connection, vm_id: UUID, move_id: UUID | None = None, yields_to: UUID | None = None
    ) -> list[Left]:
        """Free what is held, or what this move claimed if one is named; how it left the nodes. Nothing was held: no node.
        With ``yields_to`` only while it gives way to that VM."""
        if yields_to is not None:
            rows = await (await connection.execute(_RELEASE_YIELDED, (vm_id, yields_to))).fetchall()
        elif move_id is None:
            rows = await (await connection.execute(_RELEASE, (vm_id,))).fetchall()
        else:
            rows = await (await connection.execute(_RELEASE_CLAIMED, (vm_id, move_id))).fetchall()
        return [left(row) for row in rows]

    async def arrive(self, connection: Connection, vm_id: UUID, move_id: UUID) -> None:
        """The place that this move claimed is the VM's own, and the one that it had before is free."""
        await connection.execute(_RELEASE_LEFT, (vm_id,))
        await connection.execute(_ARRIVE, (vm_id, move_id))


# Nodes say the same from one snapshot to the next: each text is read once. Nobody changes an offer, so it may be shared.


@lru_cache(maxsize=16_384)
def _labels(text: str) -> Mapping[str, str]:
    labels: dict[str, str] = json.loads(text)
    return labels


@lru_cache(maxsize=16_384)
def _taints(text: str) -> tuple[Taint, ...]:
    return tuple((key, value) for key, value in json.loads(text))


def _snapshot(rows: list[tuple[Any, ...]], policies: list[tuple[Any, ...]]) -> Snapshot:
    guidelines = [guideline(*row) for row in policies]
    return Snapshot(bool(rows) and rows[0][0], _offers(rows), guidelines)


def _offers(rows: list[tuple[Any, ...]]) -> list[Offer]:
    return [offer(row[1:]) for row in rows]


def offer(row: tuple[Any, ...]) -> Offer:
    """A row of :data:`OFFER`."""
    return Offer(
        node_id=row[0],
        name=row[1],
        generation=row[2],
        status=NodeStatus(row[3]),
        node_type=NodeType(row[4]),
        hypervisor_types=row[5],
        region=row[6],
        availability_zone=row[7],
        labels=_labels(row[8]),
        taints=_taints(row[9]),
        gpu_type=row[10],
        free=Resources(*row[11:16]),
        allocatable=Resources(*row[16:21]),
        capacity=Resources(*row[21:26]),
        failures=row[26],
    )


def _reservation(row: tuple[Any, ...]) -> Reservation:
    vm_id, tenant_id, *amounts, gpu_type, kind, allocated_at, confirmed_at, decision_id, digest = row[NODE_WIDTH:-6]
    move_id, moving, footprint, priority, yields_to, yielding = row[-6:]
    return Reservation(
        vm_id=vm_id,
        tenant_id=tenant_id,
        node=node(row),
        resources=Resources(*amounts),
        footprint=Resources(*footprint),
        gpu_type=gpu_type,
        allocation_type=AllocationType(kind),
        allocated_at=allocated_at,
        confirmed_at=confirmed_at,
        decision_id=decision_id,
        request_digest=bytes(digest),
        move_id=move_id,
        moving=moving,
        priority=priority,
        yields_to=yields_to,
        yielding=tuple(yielding),
    )
