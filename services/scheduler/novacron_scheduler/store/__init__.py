"""The tables: SQL in, dataclasses out."""

from .decisions import DecisionStore
from .node_events import NodeEventStore
from .nodes import NodeStore
from .policies import NameTaken, PolicyStore
from .quotas import QuotaStore
from .reservations import LostRace, OverQuota, ReservationStore, Snapshot

__all__ = [
    "DecisionStore",
    "LostRace",
    "NameTaken",
    "NodeEventStore",
    "NodeStore",
    "OverQuota",
    "PolicyStore",
    "QuotaStore",
    "ReservationStore",
    "Snapshot",
]
