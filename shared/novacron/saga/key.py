"""The key under which one operation of one step takes effect at most once, wherever it is carried out."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID

Operation = Literal["action", "compensation"]


@dataclass(frozen=True, slots=True)
class SagaKey:
    """Saga, step and operation. It travels in the metadata of every call that a step makes."""

    saga_id: UUID
    step: str
    operation: Operation

    def __str__(self) -> str:
        return f"{self.saga_id}/{self.step}/{self.operation}"

    @classmethod
    def parse(cls, text: str) -> SagaKey | None:
        """The key as it was sent; None for anything else."""
        parts = text.split("/")
        if len(parts) != 3 or parts[2] not in ("action", "compensation") or not parts[1]:
            return None
        try:
            return cls(UUID(parts[0]), parts[1], cast(Operation, parts[2]))
        except ValueError:
            return None


_current: ContextVar[SagaKey | None] = ContextVar("novacron_saga_key", default=None)


def current_key() -> SagaKey | None:
    """The key of the step that this task carries out, or that the request being served belongs to."""
    return _current.get()


def set_current_key(key: SagaKey | None) -> None:
    """Say under which key this task works from now on."""
    _current.set(key)
