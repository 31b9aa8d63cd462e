"""Administering tenants: each command is one transaction with its audit entry, and tells the other services afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from psycopg import errors as pg

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import AlreadyExists, Conflict, FailedPrecondition, FieldViolation, NotFound
from novacron.paging import PageTokens, page_size, parse_filter
from novacron.tenancy import every_tenant

from ..audit.log import AuditLog
from ..caller import Caller
from ..roles.reach import Reach
from .store import FILTERED, TenantStore
from .tenant import Tenant


class Tenants:
    """What may be done with tenants."""

    def __init__(
        self,
        database: Database,
        store: TenantStore,
        reach: Reach,
        audit: AuditLog,
        bus: InvalidationBus,
        page_tokens: PageTokens,
    ) -> None:
        self._database = database
        self._store = store
        self._reach = reach
        self._audit = audit
        self._bus = bus
        self._page_tokens = page_tokens

    async def create(self, caller: Caller, tenant_id: UUID, name: str, display_name: str) -> Tenant:
        """Make a tenant; the same id again with the same contents is the same tenant.

        :raises AlreadyExists: the id or the name is another's, naming the field.
        """
        # Who may make tenants makes one that it does not see, its first audit entry included.
        with every_tenant():
            async with self._database.transaction() as connection:
                made = await self._store.add(connection, tenant_id, name, display_name)
                if made is not None:
                    await self._audit.append(connection, caller.event("tenant.create", tenant_id, {"name": name}))
                    return made
        there = await self._store.get(tenant_id, caller.sees)
        if there is not None and (there.name, there.display_name) == (name, display_name):
            return there
        field = "tenant_id" if there is not None else "name"
        said = "another tenant has this id" if there is not None else "another tenant has this name"
        raise AlreadyExists(f"{field}: {said}", violations=[FieldViolation(field, said)], metadata={"field": field})

    async def get(self, caller: Caller, tenant: str) -> Tenant:
        """By id or name. :raises NotFound: none that the caller sees."""
        try:
            found = await self._store.get(UUID(tenant), caller.sees)
        except ValueError:
            found = await self._store.named(tenant, caller.sees)
        if found is None:
            raise NotFound.named("tenant", tenant)
        return found

    async def page(self, caller: Caller, size: int, token: str, text: str) -> tuple[list[Tenant], str]:
        """A page of the tenants that the caller sees, and the next page's token."""
        kept, number = parse_filter(text, FILTERED), page_size(size)
        bound = ("tenants", caller.sees, text)
        found = await self._store.page(caller.sees, kept, self._page_tokens.open(token, *bound), number + 1)
        if len(found) <= number:
            return found, ""
        last = found[number - 1]
        return found[:number], self._page_tokens.seal((last.created_at.isoformat(), str(last.tenant_id)), *bound)

    async def rename(self, caller: Caller, tenant_id: UUID, display_name: str | None, etag: str) -> Tenant:
        """Give a tenant another name for people. :raises Conflict: ``etag`` is of an older version."""

        async def effect(connection: Connection, tenant: Tenant) -> Tenant:
            if etag and etag != tenant.etag:
                raise Conflict(f"tenant {tenant_id} has changed: read it again and repeat")
            if display_name is None or display_name == tenant.display_name:
                return tenant
            await self._write(connection, caller, "tenant.update", tenant)
            return await self._store.rename(connection, tenant_id, display_name)

        return await self._changed(caller, tenant_id, effect)

    async def set_disabled(self, caller: Caller, tenant_id: UUID, disabled: bool) -> Tenant:
        """Let no user of a tenant in, or let them in again.

        :raises FailedPrecondition: nobody would be left to administer the platform.
        """

        async def effect(connection: Connection, tenant: Tenant) -> Tenant:
            if (tenant.disabled_at is not None) == disabled:
                return tenant
            changed = await self._store.set_disabled(connection, tenant_id, disabled)
            await self._reach.require_an_administrator(connection)
            await self._write(connection, caller, "tenant.disable" if disabled else "tenant.enable", tenant)
            return changed

        return await self._changed(caller, tenant_id, effect)

    async def delete(self, caller: Caller, tenant_id: UUID) -> None:
        """Delete a tenant that has no users. :raises FailedPrecondition: it has."""

        async def effect(connection: Connection, tenant: Tenant) -> Tenant:
            await self._store.delete(connection, tenant_id)
            await self._write(connection, caller, "tenant.delete", tenant)
            return tenant

        try:
            await self._changed(caller, tenant_id, effect)
        except pg.ForeignKeyViolation:
            raise FailedPrecondition(f"tenant {tenant_id} still has users: delete them first, or disable it") from None

    async def _changed(
        self, caller: Caller, tenant_id: UUID, effect: Callable[[Connection, Tenant], Awaitable[Tenant]]
    ) -> Tenant:
        async with self._database.transaction() as connection:
            await self._reach.hold_administrators(connection)
            tenant = await self._store.hold(connection, tenant_id, caller.sees)
            if tenant is None:
                raise NotFound.named("tenant", tenant_id)
            changed = await effect(connection, tenant)
        await self._bus.publish(f"tenant:{tenant_id}")
        return changed

    async def _write(self, connection: Connection, caller: Caller, action: str, tenant: Tenant) -> None:
        await self._audit.append(connection, caller.event(action, tenant.tenant_id, {"name": tenant.name}))
