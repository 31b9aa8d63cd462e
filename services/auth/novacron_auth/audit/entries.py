"""Reading the audit log: by page, as a whole, and link by link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from novacron.db import Database
from novacron.paging import PageTokens, page_size

from ..caller import Caller
from .entry import Checked, Entry
from .log import AuditLog
from .query import conditions
from .store import AuditStore

_BATCH = 500


class AuditEntries:
    """What may be asked of a tenant's chain. Another tenant's takes ``tenant:any``, and does not exist without."""

    def __init__(self, database: Database, audit: AuditLog, page_tokens: PageTokens) -> None:
        self._store = AuditStore(database)
        self._audit = audit
        self._page_tokens = page_tokens

    async def page(
        self, caller: Caller, tenant_id: UUID | None, size: int, token: str, text: str
    ) -> tuple[list[Entry], str]:
        """A page of entries, newest first, and the next page's token."""
        whose, kept, number = caller.tenant(tenant_id), conditions(text), page_size(size)
        bound = ("audit", whose, text)
        place = self._page_tokens.open(token, *bound)
        found = await self._store.newest(whose, kept, place[0] if place else None, number + 1)
        if len(found) <= number:
            return found, ""
        return found[:number], self._page_tokens.seal((found[number - 1].sequence,), *bound)

    async def everything(self, caller: Caller, tenant_id: UUID | None, text: str, after: int) -> AsyncIterator[Entry]:
        """Every entry after this place, oldest first, up to where the chain ends when the last batch is read."""
        whose, kept = caller.tenant(tenant_id), conditions(text)
        while True:
            batch = await self._store.oldest(whose, kept, after, _BATCH)
            for entry in batch:
                yield entry
            if len(batch) < _BATCH:
                return
            after = batch[-1].sequence

    async def check(self, caller: Caller, tenant_id: UUID | None) -> Checked:
        return await self._audit.check(caller.tenant(tenant_id))
