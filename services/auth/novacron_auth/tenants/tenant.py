"""What a tenant is. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as it is stored."""

    tenant_id: UUID
    name: str
    display_name: str
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def etag(self) -> str:
        return str(self.version)
