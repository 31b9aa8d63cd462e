"""Other services as plain methods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from novacron.api.monitoring.v1 import (
    AGGREGATE_MAX,
    AGGREGATE_MIN,
    GetVmMetricsQuantilesRequest,
    MetricsServiceStub,
    QueryVmMetricsRequest,
)
from novacron.errors import NotFound
from novacron.rpc import Channel

# As many VMs as monitoring answers for at a time.
_MOST_VMS = 1000


class MonitoringClient:
    """What the scheduler asks of monitoring."""

    def __init__(self, channel: Channel) -> None:
        self._metrics = MetricsServiceStub(channel)

    async def most(
        self, vm_id: UUID, metric: str, start: datetime, end: datetime, step: int
    ) -> list[tuple[float, float]]:
        """The greatest value of each step of ``step`` seconds, with its start in seconds; none of a VM that nobody monitors."""
        return await self._asked(vm_id, metric, start, end, step, AGGREGATE_MAX)

    async def least(
        self, vm_id: UUID, metric: str, start: datetime, end: datetime, step: int
    ) -> list[tuple[float, float]]:
        """The same with the least value."""
        return await self._asked(vm_id, metric, start, end, step, AGGREGATE_MIN)

    async def quantiles(
        self, vm_ids: Sequence[UUID], metric: str, start: datetime, end: datetime, quantile: float
    ) -> dict[UUID, float]:
        """This quantile of each VM's values, for those VMs that have any. One call for a thousand VMs."""
        found: dict[UUID, float] = {}
        for first in range(0, len(vm_ids), _MOST_VMS):
            page = map(str, vm_ids[first : first + _MOST_VMS])
            request = GetVmMetricsQuantilesRequest(vm_ids=page, metric=metric, quantile=quantile)
            request.start_time.FromDatetime(start)
            request.end_time.FromDatetime(end)
            answer = await self._metrics.GetVmMetricsQuantiles(request)
            found.update((UUID(one.vm_id), one.value) for one in answer.quantiles)
        return found

    async def _asked(
        self, vm_id: UUID, metric: str, start: datetime, end: datetime, step: int, aggregate: int
    ) -> list[tuple[float, float]]:
        begin, until = Timestamp(), Timestamp()
        begin.FromDatetime(start)
        until.FromDatetime(end)
        request = QueryVmMetricsRequest(
            vm_id=str(vm_id), metric=metric, start_time=begin, end_time=until, step=Duration(seconds=step)
        )
        request.aggregate = aggregate  # type: ignore[assignment]
        try:
            answer = await self._metrics.QueryVmMetrics(request)
        except NotFound:
            return []
        return [(point.time.seconds, point.value) for point in answer.points]
