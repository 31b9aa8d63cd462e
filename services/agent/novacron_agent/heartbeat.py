"""The node's place in the scheduler: registered, and kept by a lease for as long as this agent lives."""

from __future__ import annotations

import asyncio
import socket
import time

from novacron import logs
from novacron.api.scheduler.v1 import HeartbeatNodeRequest, NodeServiceStub
from novacron.api.types.v1 import Resources
from novacron.errors import NovacronError
from novacron.rpc import Channel

from .drivers.driver import Driver
from .messages import hypervisor_to_proto
from .settings import AgentSettings

log = logs.logger(__name__)
_AWAY_SECONDS = 1.0


class Heartbeat:
    """Beats at a third of the lease that the scheduler grants."""

    def __init__(self, channel: Channel, driver: Driver, settings: AgentSettings) -> None:
        self._nodes = NodeServiceStub(channel)
        self._driver = driver
        self._settings = settings
        self._incarnation = time.time_ns() // 1000
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._beat(), name="heartbeat")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        known = False
        while True:
            try:
                answer = await self._nodes.HeartbeatNode(await self._request())
                pause = max(answer.lease.ToTimedelta().total_seconds() / 3, 0.1)
                if not known:
                    log.info("node registered", node=self._settings.node_name, node_id=answer.node_id)
                known = True
            except NovacronError as error:
                log.warning("heartbeat not taken", reason=error.reason, message=error.message)
                known, pause = False, _AWAY_SECONDS
            await asyncio.sleep(pause)

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
        )
