"""A process's place in the registry: registered at the start, kept by a lease, taken out at the stop.

Nothing waits for the registry: while it is away a service serves all the same, and registers as soon as it is back.
"""

from __future__ import annotations

from datetime import UTC, datetime

from . import __version__, logs
from .api.registry.v1 import DeregisterInstanceRequest, RegisterInstanceRequest, RegistryServiceStub
from .background import Background
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
        self._background = Background("registration", self._renew, retry_seconds=_AWAY_SECONDS)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()
        request = DeregisterInstanceRequest(service_name=self._request.service_name, instance=self._request.instance)
        try:
            await self._registry.DeregisterInstance(request, timeout=1.0)
        except NovacronError as error:
            log.info("not deregistered: the lease will end by itself", reason=error.reason)

    async def _renew(self) -> float:
        """Register, or renew, which is the same call; again at a third of the lease."""
        answer = await self._registry.RegisterInstance(self._request)
        return max(answer.lease.ToTimedelta().total_seconds() / 3, 0.1)
