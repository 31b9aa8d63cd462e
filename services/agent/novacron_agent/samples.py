"""Samples of the running domains, streamed to monitoring; kept, within bounds, while it is away.

A batch is forgotten only when monitoring says that it is durable. A repeated batch does no harm there.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator

from novacron import logs
from novacron.api.monitoring.v1 import IngestVmMetricsRequest, MetricsServiceStub
from novacron.ending import end
from novacron.errors import InvalidArgument, NovacronError
from novacron.ids import derived_id
from novacron.rpc import Channel

from .drivers.driver import Driver
from .messages import sample_to_proto

log = logs.logger(__name__)
# An hour of batches at the default pace; the oldest go first.
_MOST_BATCHES = 720
_MOST_SAMPLES = 5_000
_AWAY_SECONDS = 2.0


class SampleStream:
    """Samples every ``seconds`` and delivers in order."""

    def __init__(self, channel: Channel, driver: Driver, node_name: str, seconds: float) -> None:
        self._metrics = MetricsServiceStub(channel)
        self._driver = driver
        self._node_id = str(derived_id("node", node_name))
        self._seconds = seconds
        self._sequence = 0
        self._unacknowledged: OrderedDict[int, IngestVmMetricsRequest] = OrderedDict()
        self._more = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._sample(), name="samples"),
            asyncio.create_task(self._deliver(), name="sample-stream"),
        ]

    async def stop(self) -> None:
        await end(self._tasks)

    @property
    def waiting(self) -> int:
        """Batches that monitoring has not said are durable."""
        return len(self._unacknowledged)

    async def _sample(self) -> None:
        while True:
            try:
                samples = [sample_to_proto(stats) for stats in await self._driver.stats()]
            except NovacronError as error:
                log.warning("no samples", reason=error.reason, message=error.message)
                samples = []
            for start in range(0, len(samples), _MOST_SAMPLES):
                self._sequence += 1
                part = samples[start : start + _MOST_SAMPLES]
                self._unacknowledged[self._sequence] = IngestVmMetricsRequest(
                    sequence=self._sequence, node_id=self._node_id, samples=part
                )
                if len(self._unacknowledged) > _MOST_BATCHES:
                    self._unacknowledged.popitem(last=False)
            self._more.set()
            await asyncio.sleep(self._seconds)

    async def _deliver(self) -> None:
        while True:
            try:
                async for acknowledged in self._metrics.IngestVmMetrics(self._batches()):
                    self._unacknowledged.pop(acknowledged.sequence, None)
            except InvalidArgument as error:
                # This batch will never be taken; the ones behind it shall be.
                log.error("monitoring refused a batch", message=error.message)
                if self._unacknowledged:
                    self._unacknowledged.popitem(last=False)
            except NovacronError as error:
                log.warning("samples not delivered", reason=error.reason, message=error.message)
            await asyncio.sleep(_AWAY_SECONDS)

    async def _batches(self) -> AsyncIterator[IngestVmMetricsRequest]:
        sent = 0
        while True:
            self._more.clear()
            for sequence in [one for one in self._unacknowledged if one > sent]:
                if sequence in self._unacknowledged:
                    yield self._unacknowledged[sequence]
                sent = sequence
            await self._more.wait()
