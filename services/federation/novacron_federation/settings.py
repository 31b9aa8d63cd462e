"""Federation's own settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from novacron.settings import ServiceSettings


class FederationSettings(ServiceSettings):
    """The keys that seal credentials, and how providers are asked how they are."""

    key_file: Path = Field(
        description="A line of base64, 32 bytes, for each key: the first seals credentials, all open them."
        " The same for every replica."
    )
    provider_check_interval_seconds: float = Field(
        default=300.0, gt=0, description="For providers created from now on."
    )
    provider_check_timeout_seconds: float = Field(default=10.0, gt=0, description="What answers later is unhealthy.")
    provider_slow_seconds: float = Field(default=2.0, gt=0, description="What answers later than this is degraded.")
