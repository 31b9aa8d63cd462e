"""Caches: L1 in the process, L2 in Redis, and the bus that empties them. Never a source of truth."""

from .bus import InvalidationBus
from .tiered import EVERYTHING, TieredCache

__all__ = ["EVERYTHING", "InvalidationBus", "TieredCache"]
