"""A recommendation as it was kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from ..resources import Resources


@dataclass(frozen=True, slots=True)
class Kept:
    """What was said of a VM at a time, and what its reader thought of it; None: nobody said."""

    recommendation_id: UUID
    vm_id: UUID
    tenant_id: UUID
    current: Resources
    recommended: Resources
    confidence: float
    horizon: timedelta
    cost_impact: Decimal
    reason: str
    model_version: str
    created_at: datetime
    feedback_score: int | None
    applied_at: datetime | None  # when the VM was given that size because of it
