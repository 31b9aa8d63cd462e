"""Quotas: set by administrators, read by tenants. The claim keeps them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from novacron.db import Database
from novacron.errors import NotFound
from novacron.paging import PageTokens, page_size

from .quota import Limits, Quota
from .store import QuotaStore


class Quotas:
    """What may be done with quotas."""

    def __init__(self, database: Database, store: QuotaStore, tokens: PageTokens) -> None:
        self._database = database
        self._store = store
        self._tokens = tokens

    async def get(self, tenant_id: UUID, caller_tenant: UUID | None) -> Quota:
        """A tenant without limits has its use counted now. :raises NotFound: it is another tenant than the caller's."""
        _own(tenant_id, caller_tenant)
        async with self._database.connection() as connection:
            return await self._store.get(connection, tenant_id) or Quota(
                tenant_id, Limits(), await self._store.counted(connection, tenant_id)
            )

    async def set(
        self, tenant_id: UUID, limits: Limits, names: Collection[str], caller_tenant: UUID | None = None
    ) -> Quota:
        """Set the named limits, or all. No claim that commits after this exceeds them.

        A first limit keeps every claim and release of all tenants out while the tenant's allocations are counted, milliseconds:
        the price of quotas that cost tenants without one nothing.

        :raises NotFound: it is another tenant than the caller's.
        :raises InvalidArgument: a name is no limit.
        """
        _own(tenant_id, caller_tenant)
        async with self._database.transaction() as connection:
            held = await self._store.get(connection, tenant_id, lock=True)
            if held is None:
                await self._store.keep_allocations_still(connection)
                held = await self._store.get(connection, tenant_id, lock=True)
            if held is None:
                held = Quota(tenant_id, Limits(), await self._store.counted(connection, tenant_id))
            quota = Quota(tenant_id, held.limits.replaced(limits, names), held.used)
            await self._store.put(connection, quota)
        return quota

    async def page(self, size: int, token: str, tenant_id: UUID | None) -> tuple[list[Quota], str]:
        """Quotas by tenant, and the token of the next page. :raises InvalidArgument: the token is none of ours."""
        after = self._tokens.open(token, "quotas", tenant_id)
        limit = page_size(size)
        async with self._database.connection() as connection:
            found = await self._store.page(connection, tenant_id, UUID(after[0]) if after else None, limit + 1)
        following = self._tokens.seal([found[limit - 1].tenant_id], "quotas", tenant_id) if len(found) > limit else ""
        return found[:limit], following


def _own(tenant_id: UUID, caller_tenant: UUID | None) -> None:
    if caller_tenant not in (None, tenant_id):
        raise NotFound.named("tenant", tenant_id)
