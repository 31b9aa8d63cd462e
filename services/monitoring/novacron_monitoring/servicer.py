"""The gRPC edge of monitoring: convert, call, convert back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from novacron.api.monitoring import v1
from novacron.clock import Clock
from novacron.errors import NotFound, PermissionDenied
from novacron.ids import derived_id
from novacron.rpc import Identity, current

from . import messages
from .samples import Samples
from .store import Store
from .targets import Targets


class MetricsServicer(v1.MetricsServiceServicer):
    """``novacron.api.monitoring.v1.MetricsService``."""

    def __init__(self, targets: Targets, samples: Samples, store: Store, clock: Clock) -> None:
        self._targets = targets
        self._samples = samples
        self._store = store
        self._clock = clock

    async def CreateVmMonitoring(self, request: v1.CreateVmMonitoringRequest, context: Any) -> v1.VmMonitoring:
        return await self._targets.create(messages.new_target(request), v1.VmMonitoring, messages.monitoring)

    async def DeleteVmMonitoring(
        self, request: v1.DeleteVmMonitoringRequest, context: Any
    ) -> v1.DeleteVmMonitoringResponse:
        return await self._targets.delete(UUID(request.vm_id), v1.DeleteVmMonitoringResponse, messages.deleted)

    async def GetVmMonitoring(self, request: v1.GetVmMonitoringRequest, context: Any) -> v1.VmMonitoring:
        vm_id = UUID(request.vm_id)
        target = await self._store.target(vm_id, current().tenant_filter)
        if target is None:
            raise NotFound.named("vm monitoring", vm_id)
        return messages.monitoring(target)

    async def ListVmMonitoring(self, request: v1.ListVmMonitoringRequest, context: Any) -> v1.ListVmMonitoringResponse:
        tenant = current().tenant_filter
        found, following = await self._targets.page(request.page_size, request.page_token, tenant)
        return v1.ListVmMonitoringResponse(monitorings=map(messages.monitoring, found), next_page_token=following)

    async def IngestVmMetrics(
        self, request_iterator: AsyncIterator[v1.IngestVmMetricsRequest], context: Any
    ) -> AsyncIterator[v1.IngestVmMetricsResponse]:
        """A bad batch ends the stream with its error; what was acknowledged before it stays."""
        node_id = _node_of(current())
        async for request in request_iterator:
            if UUID(request.node_id) != node_id:
                raise PermissionDenied(
                    f"the certificate is that of node {current().node}, whose node_id is {node_id}: "
                    f"it may not send what {request.node_id} sampled"
                )
            written = await self._samples.write(node_id, messages.samples(request))
            yield messages.acknowledgement(request.sequence, written)

    async def QueryVmMetrics(self, request: v1.QueryVmMetricsRequest, context: Any) -> v1.QueryVmMetricsResponse:
        question = messages.question(request, self._clock.now())
        tenant = current().tenant_filter
        points = await self._store.answer(question, tenant)
        if not points and not await self._store.known(question.vm_id, tenant):
            raise NotFound.named("vm", question.vm_id)
        return messages.answer(points, question.unit)

    async def GetVmMetricsQuantiles(
        self, request: v1.GetVmMetricsQuantilesRequest, context: Any
    ) -> v1.GetVmMetricsQuantilesResponse:
        question = messages.quantile_question(request, self._clock.now())
        return messages.quantiles(await self._store.quantiles(question, current().tenant_filter), question.unit)

    async def GetLatestVmMetrics(self, request: v1.GetLatestVmMetricsRequest, context: Any) -> v1.VmSample:
        vm_id, tenant = UUID(request.vm_id), current().tenant_filter
        sample = await self._store.latest(vm_id, tenant)
        if sample is not None:
            return messages.sample(sample)
        target = await self._store.target(vm_id, tenant)
        if target is None:
            raise NotFound.named("vm", vm_id)
        seconds = target.sample_interval.total_seconds()
        raise NotFound(f"vm {vm_id} has no sample yet: its node sends one every {seconds:g} s while it runs")


def _node_of(caller: Identity) -> UUID:
    """The id of the node that the agent's certificate names.

    :raises PermissionDenied: it names none.
    """
    if not caller.node:
        raise PermissionDenied("this agent's certificate names no node: its URI must end in /agent/<node>")
    return derived_id("node", caller.node)
