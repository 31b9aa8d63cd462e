"""The node's place in the scheduler: registered, and kept by a lease for as long as this agent lives."""

from __future__ import annotations

import socket
import time

from novacron import logs
from novacron.api.scheduler.v1 import HeartbeatNodeRequest, NodeServiceStub
from novacron.api.types.v1 import Resources
from novacron.background import Background
from novacron.rpc import Channel

from .drivers.driver import Driver
from .lease import Lease
from .messages import hypervisor_to_proto
from .settings import AgentSettings

log = logs.logger(__name__)
_AWAY_SECONDS = 1.0


class Heartbeat:
    """Beats at a third of the lease that the scheduler grants, and keeps it in ``lease`` for who must not act without it."""

    def __init__(self, channel: Channel, driver: Driver, settings: AgentSettings, lease: Lease) -> None:
        self._nodes = NodeServiceStub(channel)
        self._driver = driver
        self._settings = settings
        self._lease = lease
        self._incarnation = time.time_ns() // 1000
        self._known = ""
        self._background = Background("heartbeat", self._beat, retry_seconds=_AWAY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def _beat(self) -> float:
        request, asked_at = await self._request(), self._lease.now()
        answer = await self._nodes.HeartbeatNode(request)
        seconds = answer.lease.ToTimedelta().total_seconds()
        self._lease.renew(answer.epoch, asked_at, seconds)
        if not seconds:
            log.warning("the node was lost: orders of the old epoch are refused", epoch=answer.epoch)
            return 0.0  # with the new one it is granted
        if answer.node_id != self._known:
            log.info("node registered", node=self._settings.node_name, node_id=answer.node_id)
            self._known = answer.node_id
        return max(seconds / 3, 0.1)

    async def _request(self) -> HeartbeatNodeRequest:
        settings, capacity = self._settings, await self._driver.capacity()
        return HeartbeatNodeRequest(
            name=settings.node_name,
            hostname=socket.gethostname(),
            ip_address=settings.node_address,
            agent_address=settings.agent_advertise,
            cluster=settings.cluster,
            region=settings.region,
            availability_zone=settings.availability_zone,
            capacity=Resources(cpu_cores=capacity.vcpus, memory_mib=capacity.memory_mib, storage_gib=capacity.disk_gib),
            reserved=Resources(cpu_cores=settings.reserved_vcpus, memory_mib=settings.reserved_memory_mib),
            labels=settings.node_labels,
            hypervisor_types=[hypervisor_to_proto(self._driver.hypervisor_type)],
            description=self._driver.description[:1024],
            incarnation=self._incarnation,
            epoch=self._lease.epoch,
        )
