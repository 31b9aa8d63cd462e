"""The registry's own settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from novacron.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """How long a registration holds, and how often instances are asked how they are."""

    key_file: Path = Field(description="A line of base64, 32 bytes: seals page tokens. The same for every replica.")
    lease_seconds: float = Field(default=15.0, gt=0, description="A process that does not renew for this long is gone.")
    health_check_interval_seconds: float = Field(default=5.0, gt=0)
    health_check_timeout_seconds: float = Field(default=1.0, gt=0)
    forget_after_seconds: float = Field(default=3600.0, gt=0, description="How long what is gone is still listed.")
    watch_interval_seconds: float = Field(
        default=0.5, gt=0, description="How soon watchers see another replica's work."
    )
