"""The gRPC edge of the audit log: convert, call, convert back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from novacron.api.auth.v1 import (
    AuditEntry,
    AuditLogServiceServicer,
    ExportAuditEntriesRequest,
    ListAuditEntriesRequest,
    ListAuditEntriesResponse,
    VerifyAuditLogRequest,
    VerifyAuditLogResponse,
)

from ..caller import Caller
from . import messages
from .entries import AuditEntries


class AuditLogServicer(AuditLogServiceServicer):
    """Answers for ``novacron.api.auth.v1.AuditLogService``."""

    def __init__(self, entries: AuditEntries) -> None:
        self._entries = entries

    async def ListAuditEntries(self, request: ListAuditEntriesRequest, context: Any) -> ListAuditEntriesResponse:
        caller, tenant_id = Caller.of(context), messages.asked_tenant(request.tenant_id)
        found, token = await self._entries.page(
            caller, tenant_id, request.page_size, request.page_token, request.filter
        )
        return ListAuditEntriesResponse(
            audit_entries=[messages.audit_entry(one) for one in found], next_page_token=token
        )

    async def ExportAuditEntries(self, request: ExportAuditEntriesRequest, context: Any) -> AsyncIterator[AuditEntry]:
        caller, tenant_id = Caller.of(context), messages.asked_tenant(request.tenant_id)
        async for entry in self._entries.everything(caller, tenant_id, request.filter, request.after_sequence):
            yield messages.audit_entry(entry)

    async def VerifyAuditLog(self, request: VerifyAuditLogRequest, context: Any) -> VerifyAuditLogResponse:
        checked = await self._entries.check(Caller.of(context), messages.asked_tenant(request.tenant_id))
        return messages.verified(checked)
