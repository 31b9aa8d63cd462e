"""What the vm service makes of a node that is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """What became of a node: lost, or else heard again."""

    sequence: int
    node_id: UUID
    node_name: str
    lost: bool


def newest(events: Sequence[NodeEvent]) -> list[NodeEvent]:
    """The last of each node: how it stands after all of them."""
    return list({one.node_id: one for one in sorted(events, key=lambda one: one.sequence)}.values())
