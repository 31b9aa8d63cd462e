"""What a rebalance is for, and how much it may disturb."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from novacron.errors import InvalidArgument


class Kind(enum.StrEnum):
    """``hotspot`` cools nodes whose load is above a share of what they have; ``consolidation`` empties nodes."""

    HOTSPOT = "hotspot"
    CONSOLIDATION = "consolidation"


@dataclass(frozen=True, slots=True)
class Policy:
    """``cost_of_a_move`` is what moves have to gain to be proposed: for a hotspot in shares of a node above ``hot_share``, for
    a consolidation in nodes emptied."""

    kind: Kind
    most_moves: int = 10
    hot_share: float = 0.8  # of a node's capacity, by measured load
    full_share: float = 0.9  # of a node's allocatable, by claims: how full a consolidation may make a node
    cost_of_a_move: float = 0.01
    time_limit_seconds: float = 2.0

    def check(self) -> None:
        """:raises InvalidArgument: nobody can want this."""
        if not 1 <= self.most_moves <= 1000:
            raise InvalidArgument.at("most_moves", "must be 1 to 1000: each is a live migration")
        for name in ("hot_share", "full_share"):
            if not 0 < getattr(self, name) <= 1:
                raise InvalidArgument.at(name, "must be above 0 and at most 1, such as 0.8")
        if not 0 < self.cost_of_a_move < 1:
            raise InvalidArgument.at(
                "cost_of_a_move", "must be above 0 and below 1: without a cost, moves to no use are as good as none"
            )
        if not 0 < self.time_limit_seconds <= 60:
            raise InvalidArgument.at("time_limit_seconds", "must be above 0 and at most 60")
