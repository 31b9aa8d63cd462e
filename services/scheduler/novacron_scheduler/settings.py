"""The scheduler's settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from novacron.settings import ServiceSettings


class SchedulerSettings(ServiceSettings):
    """What the scheduler reads from its environment."""

    key_file: Path = Field(description="Keys that seal page tokens: base64 of 32 bytes a line.")
    node_lease_seconds: float = Field(
        default=15.0, gt=0, le=3600, description="A node not heard for this long takes no VMs; agents beat at a third."
    )
    node_loss_grace_seconds: float = Field(
        default=30.0, gt=0, le=86_400, description="A node not heard for this long beyond its lease is lost."
    )
    reservation_expiry_seconds: float = Field(
        default=900.0,
        ge=1,
        le=86_400,
        description="Held unconfirmed for longer, a reservation is given back, unless a saga still needs it.",
    )
    decision_retention_days: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="Why VMs were placed; what one that lives still needs stays as long as it.",
    )
    recommendation_retention_days: int = Field(default=365, ge=1, le=36_500)
    node_event_retention_days: int = Field(
        default=90, ge=1, le=36_500, description="Losses and returns of nodes; the newest of each stays."
    )
    cpu_allocation_ratio: float = Field(
        default=1.0, gt=0, le=16, description="vCPUs promised to burstable VMs for each that nodes have."
    )
    memory_allocation_ratio: float = Field(default=1.0, gt=0, le=16)
    storage_allocation_ratio: float = Field(default=1.0, gt=0, le=16)
    best_effort_cpu_ratio: float = Field(
        default=4.0, ge=1, le=16, description="vCPUs of best-effort VMs for each that a burstable one would have."
    )
    best_effort_memory_ratio: float = Field(default=1.0, ge=1, le=16)
    best_effort_storage_ratio: float = Field(default=1.0, ge=1, le=16)
