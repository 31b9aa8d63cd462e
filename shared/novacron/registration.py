"""A process's place in the registry: registered at the start, kept by a lease, taken out at the stop.

Nothing waits for the registry: while it is away a service serves all the same, and registers as soon as it is back.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from . import __version__, logs
from .api.registry.v1 import DeregisterInstanceRequest, RegisterInstanceRequest, RegistryServiceStub
from .errors import NovacronError
from .rpc.channel import Channel

log = logs.logger(__name__)
_AWAY_SECONDS = 2.0


class Registration:
    """Keeps one instance registered while it runs."""

    def __init__(self, channel: Channel, service: str, instance: str, *, endpoint: str, mesh_endpoint: str) -> None:
        self._registry = RegistryServiceStub(channel)
        self._request = RegisterInstanceRequest(
            service_name=service,
            service_version=__version__,
            instance=instance,
            endpoint=endpoint,
            mesh_endpoint=mesh_endpoint,
        )
        self._request.started_at.FromDatetime(datetime.now(UTC))
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="registration")

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        request = DeregisterInstanceRequest(service_name=self._request.service_name, instance=self._request.instance)
        try:
            await self._registry.DeregisterInstance(request, timeout=1.0)
        except NovacronError as error:
            log.info("not deregistered: the lease will end by itself", reason=error.reason)

    async def _keep(self) -> None:
        known = False
        while True:
            try:
                answer = await self._registry.RegisterInstance(self._request)
                pause = max(answer.lease.ToTimedelta().total_seconds() / 3, 0.1)
                if not known:
                    log.info("registered", instance=self._request.instance)
                known = True
            except NovacronError as error:
                if known:
                    log.warning("the registry is away", reason=error.reason)
                known, pause = False, _AWAY_SECONDS
            await asyncio.sleep(pause)
