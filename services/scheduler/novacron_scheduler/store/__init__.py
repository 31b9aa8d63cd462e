"""The tables: SQL in, dataclasses out."""

from .decisions import DecisionStore
from .nodes import NodeStore
from .reservations import LostRace, ReservationStore, Snapshot

__all__ = ["DecisionStore", "LostRace", "NodeStore", "ReservationStore", "Snapshot"]
