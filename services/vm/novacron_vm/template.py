"""What a template is: a spec with a name and a version. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from .vm import VmSpec


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """A request for a template."""

    id: UUID
    name: str
    version: str
    description: str
    spec: VmSpec
    tags: dict[str, str]
    is_public: bool
    owner_id: UUID
    tenant_id: UUID


@dataclass(frozen=True, slots=True)
class Template(NewTemplate):
    """A template as stored."""

    created_at: datetime
