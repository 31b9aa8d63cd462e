"""Between the protos of the audit log and what they mean here."""

from __future__ import annotations

from uuid import UUID

from novacron.api.auth.v1 import AuditEntry, VerifyAuditLogResponse
from novacron.timestamps import to_timestamp

from .entry import Checked, Entry


def asked_tenant(tenant_id: str) -> UUID | None:
    return UUID(tenant_id) if tenant_id else None


def audit_entry(entry: Entry) -> AuditEntry:
    event, origin = entry.event, entry.event.origin
    return AuditEntry(
        audit_entry_id=str(entry.id),
        tenant_id=str(event.tenant_id),
        sequence=entry.sequence,
        user_id=str(event.user_id) if event.user_id else "",
        action=event.action,
        ip_address=str(origin.ip_address) if origin.ip_address else "",
        user_agent=origin.user_agent or "",
        success=event.success,
        error_message=event.error_message or "",
        metadata=dict(event.metadata),
        created_at=to_timestamp(entry.created_at),
        previous_hash=entry.previous_hash,
        hash=entry.hash,
    )


def verified(checked: Checked) -> VerifyAuditLogResponse:
    fault = checked.fault
    return VerifyAuditLogResponse(
        whole=fault is None,
        checked_entries=checked.entries,
        faulty_sequence=fault.sequence if fault else 0,
        problem=fault.problem if fault else "",
        head_hash=checked.head.hash,
        head_sequence=checked.head.sequence,
    )
