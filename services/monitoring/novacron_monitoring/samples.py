"""Taking samples in: a batch is durable as a whole, or nothing of it was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from novacron.db import Database

from .partition import days_of
from .partitions import Partitions
from .sample import Sample, check_times
from .store import Store


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch; the two add up to it. The same batch again is told the same."""

    written: int  # kept now, whether by this batch or by an earlier one with the same samples
    dropped: int  # of VMs that nobody monitors on this node


class Samples:
    """The way of a batch into ``vm_metrics``."""

    def __init__(self, database: Database, store: Store, partitions: Partitions, retention: timedelta) -> None:
        self._database = database
        self._store = store
        self._partitions = partitions
        self._retention = retention

    async def write(self, node_id: UUID, samples: Sequence[Sample]) -> Written:
        """Keep what this node sampled of the VMs that are monitored on it; durable on return.

        :raises InvalidArgument: a sample's time is not believed; nothing was written.
        """
        if not samples:
            return Written(0, 0)
        days = days_of(sample.time for sample in samples)
        async with self._database.connection() as connection:
            now, missing = await self._partitions.missing(connection, days)
            check_times(samples, now, self._retention)
            if missing:
                await self._partitions.make(connection, missing)
            async with connection.transaction():
                written = await self._store.write_samples(connection, node_id, samples)
        return Written(written, len(samples) - written)
