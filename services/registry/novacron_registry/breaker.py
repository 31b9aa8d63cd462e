"""What a configuration of circuit breakers is, and whether it makes sense. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from novacron.rpc.breaker import State
from novacron.rpc.breaker_configuration import BETWEEN_SERVICES, ConfigurationError, contradictions

# Who may not ask auth lets nobody in to undo it; who may not ask the registry never hears that it was undone.
_NEEDED = ("auth", "registry")
# What names a configuration, and what nobody configures: all else is its contents.
_NOT_CONTENTS = ("circuit_breaker_id", "revision", "updated_by", "created_at", "updated_at")


@dataclass(frozen=True, slots=True)
class NewBreaker:
    """A configuration as somebody wants it: ``values`` are fields of a breaker's configuration by name."""

    circuit_breaker_id: UUID
    service_name: str
    target_service_name: str
    breaker_class: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    current_state: State = State.CLOSED
    fallback_response: Mapping[str, Any] = field(default_factory=dict)
    fallback_service_name: str = ""
    reason: str = ""
    updated_by: UUID | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.service_name, self.target_service_name, self.breaker_class

    def __str__(self) -> str:
        name = f"{self.service_name} to {self.target_service_name}"
        return f"{name}, {self.breaker_class}" if self.breaker_class else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker(NewBreaker):
    """A configuration as stored. ``revision`` grows with every change."""

    revision: int
    created_at: datetime
    updated_at: datetime

    def says(self, wanted: NewBreaker) -> bool:
        """Whether it says already what somebody wants it to."""
        return _contents(self) == _contents(wanted)


def _contents(wanted: NewBreaker) -> dict[str, Any]:
    """All that makes two configurations different, but for who wrote them and when."""
    names = NewBreaker.__dataclass_fields__
    return {name: getattr(wanted, name) for name in names if name not in _NOT_CONTENTS}


def problems(wanted: NewBreaker) -> list[tuple[str, str]]:
    """``(field, what is wrong)`` for all that makes no sense over the numbers that callers have of their own."""
    try:
        found = contradictions(replace(BETWEEN_SERVICES, **wanted.values))
    except ConfigurationError as error:
        found = error.problems
    said = [(f"configuration.settings.{name}", what) for name, what in found]
    if wanted.fallback_service_name and wanted.fallback_service_name == wanted.target_service_name:
        said.append(("configuration.fallback_service_name", "is the target itself, which is away when it is asked"))
    if wanted.current_state is State.FORCED_OPEN and wanted.target_service_name in _NEEDED:
        said.append(("configuration.current_state", f"forced_open to {wanted.target_service_name} could not be undone"))
    return said
