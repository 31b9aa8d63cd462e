"""The partition keeper: days ahead have their partition before the first sample comes, days beyond retention are dropped."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from novacron import logs
from novacron.db import Database
from novacron.errors import NovacronError

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
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="partition-keeper")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

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

    async def _run(self) -> None:
        while True:
            pause = self._every_seconds
            try:
                await self.look()
            except NovacronError as error:
                log.warning(
                    "partitions could not be looked after: trying again", reason=error.reason, error=error.message
                )
                pause = min(_RETRY_SECONDS, pause)
            except Exception:
                # A keeper that died of one odd error would be missed only when the disk is full.
                log.exception("partitions could not be looked after: trying again")
            await asyncio.sleep(pause)
