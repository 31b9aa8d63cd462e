"""``scheduling_policies``, and what the reserve reads of them."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from psycopg import errors as pg
from psycopg.types.json import Jsonb

from novacron.db import Connection, id_array

from ..placement import Offer
from ..policy import Directive, Guideline, Neighbour, Policy, PolicyType, among, directive
from ..reservation import Demand

_COLUMNS = """
id, tenant_id, name, policy_type::text, description, priority, rules, constraints, preferences, anti_affinity_rules,
resource_requirements, enabled, created_at, updated_at
"""
_CREATE = f"""
INSERT INTO scheduling_policies (
    id, tenant_id, name, policy_type, description, priority, rules, constraints, preferences, anti_affinity_rules,
    resource_requirements, enabled
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING RETURNING {_COLUMNS}
"""
_GET = f"SELECT {_COLUMNS} FROM scheduling_policies WHERE id = %s"
_PUT = f"""
UPDATE scheduling_policies SET name = %s, description = %s, priority = %s, rules = %s, constraints = %s, preferences = %s,
    anti_affinity_rules = %s, resource_requirements = %s, enabled = %s, updated_at = now()
WHERE id = %s RETURNING {_COLUMNS}
"""
_DELETE = "DELETE FROM scheduling_policies WHERE id = %(id)s AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s)"
_PAGE = f"""
SELECT {_COLUMNS} FROM scheduling_policies
WHERE (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s) AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(limit)s
"""
# As texts: each is read once, however many VMs are placed by it. Of two of one priority the older is the higher.
GUIDELINES = """
SELECT name, rules::text, constraints::text, preferences::text, anti_affinity_rules::text
FROM scheduling_policies WHERE tenant_id = %s AND enabled AND policy_type = 'placement' ORDER BY priority DESC, id
"""
GUIDELINES_OF = """
SELECT tenant_id, name, rules::text, constraints::text, preferences::text, anti_affinity_rules::text
FROM scheduling_policies WHERE tenant_id = ANY(%s) AND enabled AND policy_type = 'placement' ORDER BY priority DESC, id
"""
# The same as one value, to be read with others, which :func:`guidelines_by_tenant` reads.
GUIDELINE_LIST = """ARRAY(
    SELECT json_build_array(tenant_id, name, rules::text, constraints::text, preferences::text, anti_affinity_rules::text)
    FROM scheduling_policies WHERE tenant_id = ANY(%(tenant_ids)s::uuid[]) AND enabled AND policy_type = 'placement'
    ORDER BY priority DESC, id
)"""
# Two VMs of a tenant whose policy must hold between them are placed one after the other: the second sees the first.
_ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended('placement of ' || %s::uuid, 0))"
# Of several tenants, and by node only where a rule asks for it: a tenant has fewer zones than VMs.
_NEIGHBOURS_OF = """
SELECT held.tenant_id, CASE WHEN %(by_node)s THEN held.node_id::text ELSE '' END, nodes.availability_zone, nodes.region,
    held.groups, count(DISTINCT held.vm_id)
FROM resource_allocations held JOIN nodes ON nodes.id = held.node_id
WHERE held.tenant_id = ANY(%(tenants)s::uuid[]) AND held.status <> 'deallocated'
GROUP BY 1, 2, 3, 4, 5
"""
_NEIGHBOURS = """
SELECT held.node_id::text, nodes.availability_zone, nodes.region, held.groups, count(DISTINCT held.vm_id)
FROM resource_allocations held JOIN nodes ON nodes.id = held.node_id
WHERE held.tenant_id = %s AND held.status <> 'deallocated' AND held.vm_id <> %s
GROUP BY 1, 2, 3, 4
"""


class Look(Protocol):
    """A look that is on its way."""

    async def fetchall(self) -> list[Any]: ...


class NameTaken(Exception):
    """The tenant has another policy of this name."""


class PolicyStore:
    """How tenants want their VMs scheduled."""

    async def create(self, connection: Connection, policy: Policy) -> Policy | None:
        """None: the id is taken. :raises NameTaken: the name is."""
        values = (policy.policy_id, policy.tenant_id, policy.name, policy.policy_type.value)
        try:
            row = await (await connection.execute(_CREATE, (*values, *_said(policy)[1:]))).fetchone()
        except pg.UniqueViolation as error:
            raise NameTaken from error
        return None if row is None else _policy(row)

    async def get(self, connection: Connection, policy_id: UUID, *, lock: bool = False) -> Policy | None:
        """With ``lock`` it stays so until the transaction ends."""
        row = await (await connection.execute(_GET + (" FOR UPDATE" if lock else ""), (policy_id,))).fetchone()
        return None if row is None else _policy(row)

    async def put(self, connection: Connection, policy: Policy) -> Policy:
        """Keep the changed policy, whose row the caller has locked. :raises NameTaken: the transaction is lost."""
        try:
            row = await (await connection.execute(_PUT, (*_said(policy), policy.policy_id))).fetchone()
        except pg.UniqueViolation as error:
            raise NameTaken from error
        return policy if row is None else _policy(row)

    async def delete(self, connection: Connection, policy_id: UUID, tenant: UUID | None) -> bool:
        """Whether there was one."""
        return (await connection.execute(_DELETE, {"id": policy_id, "tenant": tenant})).rowcount > 0

    async def page(self, connection: Connection, tenant: UUID | None, after: UUID | None, limit: int) -> list[Policy]:
        """Policies by id, which is by age, from the first one past ``after``."""
        values = {"tenant": tenant, "after": after, "limit": limit}
        return [_policy(row) for row in await (await connection.execute(_PAGE, values)).fetchall()]

    async def directed(
        self,
        connection: Connection,
        demand: Demand,
        guidelines: Sequence[Guideline],
        offers: Sequence[Offer],
        *,
        claims: bool,
    ) -> Demand:
        """The demand with what its tenant's policies say. Only rules about other VMs cost a look at where those are; where they
        must hold, VMs that ``claims`` are placed one by one."""
        said = directive(guidelines, demand.groups)
        if said.looks_at_neighbours:
            one_by_one = claims and said.binds_neighbours
            said = await self.with_neighbours(connection, said, demand, offers, one_by_one=one_by_one)
        return replace(demand, directive=said) if said.guidelines else demand

    async def with_neighbours(
        self, connection: Connection, said: Directive, demand: Demand, offers: Sequence[Offer], *, one_by_one: bool
    ) -> Directive:
        """The directive with where the tenant's other VMs are. With ``one_by_one`` no other VM of the tenant whose
        rules must hold is placed until the transaction ends."""
        if one_by_one:
            await connection.execute(_ONE_BY_ONE, (demand.tenant_id,))
        rows = await (await connection.execute(_NEIGHBOURS, (demand.tenant_id, demand.vm_id))).fetchall()
        found = [Neighbour(*row) for row in rows]
        return among(said, found, {(offer.region, offer.availability_zone) for offer in offers})

    async def look_at_neighbours(self, connection: Connection, tenants: Iterable[UUID], *, by_node: bool) -> Look:
        """Ask where the VMs of each of these tenants are; told by node only if asked to."""
        values = {"tenants": id_array(tenants), "by_node": by_node}
        return await connection.execute(_NEIGHBOURS_OF, values)

    async def neighbours(self, look: Look) -> dict[UUID, list[Neighbour]]:
        """What such a look found; in a pipeline this waits for it."""
        found: defaultdict[UUID, list[Neighbour]] = defaultdict(list)
        for tenant_id, *where in await look.fetchall():
            found[tenant_id].append(Neighbour(*where))
        return found


@lru_cache(maxsize=4096)
def guideline(name: str, rules: str, constraints: str, preferences: str, affinity: str) -> Guideline:
    """A row of :data:`GUIDELINES`."""
    return Guideline.read(name, *map(json.loads, (rules, constraints, preferences, affinity)))


def guidelines_by_tenant(rows: Iterable[Sequence[str]]) -> dict[UUID, list[Guideline]]:
    """What :data:`GUIDELINE_LIST` says, in its order."""
    found: defaultdict[UUID, list[Guideline]] = defaultdict(list)
    for tenant_id, *said in rows:
        found[UUID(tenant_id)].append(guideline(*said))
    return found


def _said(policy: Policy) -> tuple[Any, ...]:
    return (
        policy.name,
        policy.description,
        policy.priority,
        Jsonb(policy.rules),
        Jsonb(policy.constraints),
        Jsonb(policy.preferences),
        Jsonb(list(policy.anti_affinity_rules)),
        Jsonb(policy.resource_requirements),
        policy.enabled,
    )


def _policy(row: tuple[Any, ...]) -> Policy:
    policy_id, tenant_id, name, policy_type, description, priority, *documents, enabled, created_at, updated_at = row
    rules, constraints, preferences, affinity, requirements = documents
    return Policy(
        policy_id=policy_id,
        tenant_id=tenant_id,
        name=name,
        policy_type=PolicyType(policy_type),
        description=description,
        priority=priority,
        rules=rules,
        constraints=constraints,
        preferences=preferences,
        anti_affinity_rules=tuple(affinity),
        resource_requirements=requirements or {},
        enabled=enabled,
        created_at=created_at,
        updated_at=updated_at,
    )
