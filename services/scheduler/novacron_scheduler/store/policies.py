"""``scheduling_policies``, and what the reserve reads of them."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from psycopg import errors as pg
from psycopg.types.json import Jsonb

from novacron.db import Connection

from ..placement import Offer
from ..policy import Directive, Guideline, Policy, PolicyType
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
# Two VMs of a tenant whose policy must hold between them are placed one after the other: the second sees the first.
_ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended('placement of ' || %s::uuid, 0))"
_NEIGHBOURS = """
SELECT held.node_id::text, nodes.availability_zone, nodes.region, held.groups, count(DISTINCT held.vm_id)
FROM resource_allocations held JOIN nodes ON nodes.id = held.node_id
WHERE held.tenant_id = %s AND held.status <> 'deallocated' AND held.vm_id <> %s
GROUP BY 1, 2, 3, 4
"""


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

    async def with_neighbours(
        self, connection: Connection, said: Directive, demand: Demand, offers: Sequence[Offer], *, one_by_one: bool
    ) -> Directive:
        """The directive with where the tenant's other VMs are. With ``one_by_one`` no other VM of the tenant whose
        rules must hold is placed until the transaction ends."""
        if one_by_one:
            await connection.execute(_ONE_BY_ONE, (demand.tenant_id,))
        places: list[defaultdict[str, Counter[str]]] = [defaultdict(Counter) for _ in range(3)]
        for *where, groups, count in await (
            await connection.execute(_NEIGHBOURS, (demand.tenant_id, demand.vm_id))
        ).fetchall():
            for place, counted in zip(where, places, strict=True):
                for group in ("", *groups):
                    counted[group][place] += count
        by_node, by_zone, by_region = places
        for group in ("", *said.groups):  # a place with nobody in it is one to spread to
            by_zone[group].update(dict.fromkeys((offer.availability_zone for offer in offers), 0))
            by_region[group].update(dict.fromkeys((offer.region for offer in offers), 0))
        return replace(said, by_node=by_node, by_zone=by_zone, by_region=by_region)


@lru_cache(maxsize=4096)
def guideline(name: str, rules: str, constraints: str, preferences: str, affinity: str) -> Guideline:
    """A row of :data:`GUIDELINES`."""
    return Guideline.read(name, *map(json.loads, (rules, constraints, preferences, affinity)))


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
