"""The nodes as the inventory reads them: some of them whole, and the numbers of all of them at once."""

# ruff: noqa: S608 - statements are put together of this service's own constants

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from novacron.db import Connection

from ..inventory.columns import STATES, Amounts
from ..placement import Offer
from .nodes import RECENT_FAILURES, STATUS
from .reservations import OFFER, offer

_AMOUNTS = ("cpu_cores", "memory_mb", "storage_gb", "network_bandwidth_mbps", "gpu_count")
_EVERY = f"SELECT {OFFER} FROM nodes"
_SOME = f"{_EVERY} WHERE id = ANY(%s)"
_NUMBERS = (
    "generation",
    "state",
    "failures",
    *(f"allocatable_{name}" for name in _AMOUNTS),
    *(f"allocated_{name}" for name in _AMOUNTS),
)
_WHEN = " ".join(f"WHEN '{state}' THEN {place}" for place, state in enumerate(STATES))
_STATE = f"CASE {STATUS} {_WHEN} END"
_READ = ", ".join(name for name in _NUMBERS if name not in ("state", "failures"))
# One value per column, in the layout of arrays on the wire: ten thousand nodes cost this process no more than a hundred.
_ALL = f"""
SELECT array_send(array_agg(id)), {", ".join(f"array_send(array_agg({name}))" for name in _NUMBERS)}
FROM (SELECT id, {_READ}, ({_STATE})::bigint AS state, {RECENT_FAILURES} AS failures FROM nodes ORDER BY id) numbered
"""
# Dimensions, flags, type, length and lower bound, each of four bytes; then each element behind its size.
_HEADER = 20
_UUID = np.dtype([("size", ">i4"), ("value", "V16")])
_BIGINT = np.dtype([("size", ">i4"), ("value", ">i8")])


@dataclass(frozen=True, slots=True)
class Numbers:
    """What changes of nodes from one second to the next, of all of them at one instant, by their ids."""

    ids: bytes  # sixteen bytes each, in the order of all that follows
    generations: NDArray[np.int64]
    states: NDArray[np.int64]  # places in STATES
    failures: NDArray[np.int64]
    allocatable: Amounts
    allocated: Amounts

    def node_ids(self) -> list[UUID]:
        return [UUID(bytes=self.ids[start : start + 16]) for start in range(0, len(self.ids), 16)]


class InventoryStore:
    """What there is, read to be kept in memory."""

    async def some(self, connection: Connection, node_ids: Sequence[UUID]) -> list[Offer]:
        """These nodes, as far as there are such."""
        rows = await (await connection.execute(_SOME, (list(node_ids),))).fetchall()
        return [offer(row) for row in rows]

    async def all(self, connection: Connection) -> list[Offer]:
        """Every node there is."""
        return [offer(row) for row in await (await connection.execute(_EVERY)).fetchall()]

    async def numbers(self, connection: Connection) -> Numbers:
        async with connection.cursor(binary=True) as cursor:
            row = await (await cursor.execute(_ALL)).fetchone()
        if row is None or row[0] is None:
            return _numbers(b"", [b""] * len(_NUMBERS))
        return _numbers(row[0], row[1:])


def _numbers(ids: bytes, columns: Sequence[bytes]) -> Numbers:
    generations, states, failures, *amounts = [_values(one, _BIGINT).astype(np.int64) for one in columns]
    width = len(_AMOUNTS)
    return Numbers(
        _values(ids, _UUID).tobytes(),
        generations,
        states,
        failures,
        np.array(amounts[:width]),
        np.array(amounts[width:]),
    )


def _values(array: bytes, kind: np.dtype[Any]) -> NDArray[Any]:
    return np.frombuffer(array[_HEADER:], kind)["value"]
