"""The tables: SQL in, dataclasses out."""

from .decisions import DecisionStore
from .nodes import NodeStore
from .quotas import QuotaStore
from .reservations import LostRace, OverQuota, ReservationStore, Snapshot

__all__ = ["DecisionStore", "LostRace", "NodeStore", "OverQuota", "QuotaStore", "ReservationStore", "Snapshot"]
