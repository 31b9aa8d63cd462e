"""What the monitoring service reads from its environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from novacron.settings import ServiceSettings


class MonitoringSettings(ServiceSettings):
    """Retention, partitions and the key of page tokens; the rest is every service's."""

    key_file: Path = Field(description="Keys that seal page tokens: base64 of 32 bytes a line.")
    vm_metrics_retention_days: int = Field(
        default=90, ge=1, le=3650, description="Older samples are dropped, by the day."
    )
    vm_metrics_days_ahead: int = Field(default=3, ge=1, le=30, description="Days whose partitions are made in advance.")
    partition_check_seconds: float = Field(default=600, gt=0, description="Pause between two looks at the partitions.")
