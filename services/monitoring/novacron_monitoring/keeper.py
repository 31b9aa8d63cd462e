"""The partition keeper: days ahead have their partition before the first sample comes, days beyond retention are dropped."""

from __future__ import annotations

from datetime import timedelta

from novacron import logs
from novacron.background import Background
from novacron.db import Database

from .partition import Partition, ahead, expired
from .partitions import Partitions

log = logs.logger(__name__)

_RETRY_SECONDS = 1.0


class PartitionKeeper:
    """Looks now and then, for as long as the service runs, whatever the database does meanwhile.

    Nothing depends on its being in time: a batch for a day without a partition makes it. Several replicas may each run one.
    """

    def __init__(
        self,
        database: Database,
        partitions: Partitions,
        *,
        retention: timedelta,
        days_ahead: int,
        every_seconds: float,
    ) -> None:
        self._database = database
        self._partitions = partitions
        self._retention = retention
        self._days_ahead = days_ahead
        self._every_seconds = every_seconds
        self._background = Background("partition-keeper", self._turn, retry_seconds=min(_RETRY_SECONDS, every_seconds))

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def look(self) -> tuple[list[Partition], list[Partition]]:
        """One pass: returns what was made and what was dropped."""
        async with self._database.connection() as connection:
            now, present = await self._partitions.present(connection)
            wanted = ahead(now, self._days_ahead).difference(present)
            made = await self._partitions.make(connection, wanted) if wanted else []
            dropped = expired(present, now, self._retention)
            for one in dropped:
                await self._partitions.drop(connection, one)
        if made or dropped:
            log.info("partitions changed", made=[one.name for one in made], dropped=[one.name for one in dropped])
        return made, dropped

    async def _turn(self) -> float:
        await self.look()
        return self._every_seconds
