"""What the vm service reads from its environment, beyond what every service does."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from novacron.settings import ServiceSettings


class VmSettings(ServiceSettings):
    """``NOVACRON_KEY_FILE`` and what bounds the sagas."""

    key_file: Path = Field(description="Base64 of 32 random bytes; seals page tokens.")
    saga_lease_seconds: float = Field(default=10.0, ge=0.5, description="A worker that is gone is replaced after this.")
    saga_concurrency: int = Field(default=256, ge=1)
