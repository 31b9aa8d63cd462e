"""What repairs ask of other services beyond what sagas do."""

from __future__ import annotations

from uuid import UUID

from novacron.api.monitoring.v1 import DeleteVmMonitoringRequest, MetricsServiceStub
from novacron.api.scheduler.v1 import LeakServiceStub, ReleaseLeakRequest
from novacron.rpc import Channel


class LeakClient:
    """Gives back what was leaked, and says whether there was anything."""

    def __init__(self, scheduler: Channel, monitoring: Channel) -> None:
        self._leaks = LeakServiceStub(scheduler)
        self._metrics = MetricsServiceStub(monitoring)

    async def release(self, vm_id: UUID, node_id: UUID, decision_id: UUID) -> bool:
        """This reservation, and none made since."""
        request = ReleaseLeakRequest(vm_id=str(vm_id), node_id=str(node_id), decision_id=str(decision_id))
        answer = await self._leaks.ReleaseLeak(request)
        return bool(answer.released)

    async def unmonitor(self, vm_id: UUID) -> bool:
        answer = await self._metrics.DeleteVmMonitoring(DeleteVmMonitoringRequest(vm_id=str(vm_id)))
        return bool(answer.deleted)
