"""How often a cache's first tier had what was asked for; read when somebody collects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .. import instruments

if TYPE_CHECKING:
    from .tiered import TieredCache

_watched: instruments.Watched[TieredCache] = instruments.Watched()


def watch(cache: TieredCache) -> None:
    """Show this cache for as long as it lives."""
    _watched.add(cache)


def _gets() -> Iterator[instruments.Observation]:
    for cache in _watched:
        yield (cache.name, "hit"), cache.hits
        yield (cache.name, "miss"), cache.misses


instruments.observed(
    "counter",
    "novacron.cache.gets",
    "{get}",
    "Values asked for",
    ("novacron.cache.name", "novacron.cache.outcome"),
    _gets,
)
