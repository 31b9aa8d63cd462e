"""What became of a node, as it is told to those who have something there."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


class NodeEventKind(enum.StrEnum):
    """``lost``: nobody knows what runs there. ``returned``: it is heard, and acts in its new epoch only."""

    LOST = "lost"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """One event; ``sequence`` is its place among all, ``epoch`` the node's from then on."""

    sequence: int
    node_id: UUID
    node_name: str
    kind: NodeEventKind
    epoch: int
    created_at: datetime
