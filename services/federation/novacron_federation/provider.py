"""What a cloud provider is. No I/O."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


class ProviderType(enum.StrEnum):
    """The seed's provider types."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"
    ON_PREMISE = "on_premise"
    HYBRID = "hybrid"


class Health(enum.StrEnum):
    """The seed's provider health states."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; ``message`` is for people and holds nothing that the other side said."""

    health: Health
    message: str


@dataclass(frozen=True, slots=True)
class NewProvider:
    """What is to be registered, but for its credentials."""

    provider_id: UUID
    name: str
    provider_type: ProviderType
    regions: tuple[str, ...]
    endpoint: str
    priority: int


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as stored, its credentials sealed."""

    provider_id: UUID
    name: str
    provider_type: ProviderType
    regions: tuple[str, ...]
    endpoint: str
    priority: int
    enabled: bool
    health: Health
    health_message: str
    last_health_check: datetime | None
    created_at: datetime
    credentials_encrypted: str = field(repr=False)

    def made_from(self, new: NewProvider) -> bool:
        """Whether this is what ``new`` asked for, credentials aside."""
        asked = NewProvider(self.provider_id, self.name, self.provider_type, self.regions, self.endpoint, self.priority)
        return asked == new
