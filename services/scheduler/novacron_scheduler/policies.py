"""Policies: kept by those who may configure a tenant's scheduling. The reserve reads them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from novacron.db import Database
from novacron.errors import AlreadyExists, InvalidArgument, NotFound
from novacron.paging import PageTokens, page_size

from .policy import Policy
from .store import NameTaken, PolicyStore

CHANGEABLE = (
    "name",
    "description",
    "priority",
    "rules",
    "constraints",
    "preferences",
    "anti_affinity_rules",
    "resource_requirements",
    "enabled",
)


class Policies:
    """What may be done with policies. ``tenant`` is the one that the caller sees; None: all."""

    def __init__(self, database: Database, store: PolicyStore, tokens: PageTokens) -> None:
        self._database = database
        self._store = store
        self._tokens = tokens

    async def create(self, policy: Policy, tenant: UUID | None) -> Policy:
        """The same again is the same policy.

        :raises AlreadyExists: the name is taken, or the id by another policy.
        :raises InvalidArgument: no policy is like this.
        :raises NotFound: it is for another tenant than the caller's.
        """
        if tenant not in (None, policy.tenant_id):
            raise NotFound.named("tenant", policy.tenant_id)
        policy.check()
        async with self._database.connection() as connection:
            try:
                made = await self._store.create(connection, policy)
            except NameTaken:
                made = None
            if made is not None:
                return made
            held = await self._store.get(connection, policy.policy_id)
        if held is None or replace(held, created_at=None, updated_at=None) != policy:
            raise AlreadyExists(
                f"policy {policy.name} exists in this tenant, or the id is taken: choose another name or id"
            )
        return held

    async def get(self, policy_id: UUID, tenant: UUID | None) -> Policy:
        """:raises NotFound: none that the caller sees."""
        async with self._database.connection() as connection:
            return _seen(await self._store.get(connection, policy_id), policy_id, tenant)

    async def update(self, policy: Policy, names: Collection[str], tenant: UUID | None) -> Policy:
        """Change the named fields, or all.

        :raises NotFound: none that the caller sees.
        :raises AlreadyExists: the name is taken.
        :raises InvalidArgument: a name is no field that changes, or no policy would be like this.
        """
        strange = sorted(set(names) - set(CHANGEABLE))
        if strange:
            raise InvalidArgument.at("update_mask", f"{strange[0]} never changes: name some of {', '.join(CHANGEABLE)}")
        try:
            async with self._database.transaction() as connection:
                held = _seen(await self._store.get(connection, policy.policy_id, lock=True), policy.policy_id, tenant)
                changed = replace(held, **{name: getattr(policy, name) for name in names or CHANGEABLE})
                changed.check()
                return await self._store.put(connection, changed)
        except NameTaken:
            raise AlreadyExists(f"policy {policy.name} exists in this tenant: choose another name") from None

    async def delete(self, policy_id: UUID, tenant: UUID | None) -> None:
        """:raises NotFound: none that the caller sees."""
        async with self._database.connection() as connection:
            if not await self._store.delete(connection, policy_id, tenant):
                raise NotFound.named("policy", policy_id)

    async def page(self, size: int, token: str, tenant: UUID | None) -> tuple[list[Policy], str]:
        """Policies, oldest first, and the token of the next page. :raises InvalidArgument: the token is none of ours."""
        after = self._tokens.open(token, "policies", tenant)
        limit = page_size(size)
        async with self._database.connection() as connection:
            found = await self._store.page(connection, tenant, UUID(after[0]) if after else None, limit + 1)
        following = self._tokens.seal([found[limit - 1].policy_id], "policies", tenant) if len(found) > limit else ""
        return found[:limit], following


def _seen(policy: Policy | None, policy_id: UUID, tenant: UUID | None) -> Policy:
    if policy is None or tenant not in (None, policy.tenant_id):
        raise NotFound.named("policy", policy_id)
    return policy
