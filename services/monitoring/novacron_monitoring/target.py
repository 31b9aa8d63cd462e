"""A VM whose samples are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

DEFAULT_INTERVAL = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class NewTarget:
    """What is asked to be kept."""

    vm_id: UUID
    tenant_id: UUID
    node_id: UUID
    sample_interval: timedelta = DEFAULT_INTERVAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(NewTarget):
    """What is kept, since when."""

    created_at: datetime

    def differs_from(self, wanted: NewTarget) -> list[str]:
        """Names of the fields in which this is another target than the one wanted; empty: the same."""
        pairs = {
            "tenant_id": self.tenant_id == wanted.tenant_id,
            "node_id": self.node_id == wanted.node_id,
            "interval": self.sample_interval == wanted.sample_interval,
        }
        return [name for name, same in pairs.items() if not same]
