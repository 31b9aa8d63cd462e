"""Every service's ``grpc.health.v1``, as one plain question."""

from __future__ import annotations

import re
import sys
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from novacron.errors import DeadlineExceeded, NovacronError
from novacron.rpc.breaker import BreakerConfiguration
from novacron.rpc.channel import Channel
from novacron.rpc.endpoint import dns_target

from .service import Health, Status

# What finds out whether a target is up must reach it: this breaker never opens, and nothing is repeated.
_NEVER_OPENS = BreakerConfiguration(minimum_request_threshold=sys.maxsize)
_IDLE_SECONDS = 60.0
_LONGEST_MESSAGE = 500
# A name with several addresses shows now one, now another one's error: without them the same trouble reads the same.
_ADDRESS = re.compile(r"ipv[46]:\S+\s*")


class HealthProbe:
    """Asks processes how they are, over channels of its own that go when their process has gone.

    Not over the mesh's: addresses come and go with agents and replicas, and a breaker that real calls have opened says nothing
    of whether the process is back.
    """

    def __init__(self, credentials: grpc.ChannelCredentials, timeout_seconds: float) -> None:
        self._credentials = credentials
        self._timeout_seconds = timeout_seconds
        self._channels: dict[str, Channel] = {}
        self._used_at: dict[str, float] = {}

    async def ask(self, service_name: str, mesh_endpoint: str) -> Health:
        """How the process at this endpoint is; whatever goes wrong is the answer, not an error."""
        try:
            stub = health_pb2_grpc.HealthStub(self._channel(service_name, mesh_endpoint))
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=self._timeout_seconds)
        except DeadlineExceeded:
            return Health(Status.UNHEALTHY, f"did not answer within {self._timeout_seconds:g} s")
        except (NovacronError, ValueError) as error:
            return Health(Status.UNHEALTHY, f"does not answer: {_ADDRESS.sub('', str(error))}"[:_LONGEST_MESSAGE])
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            return Health(Status.HEALTHY)
        said = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        return Health(Status.UNHEALTHY, f"says {said}: it is starting, draining or in trouble")

    async def close_idle(self, idle_seconds: float = _IDLE_SECONDS) -> None:
        """Close channels to processes that nobody has asked after for so long."""
        limit = time.monotonic() - idle_seconds
        for address in [address for address, used_at in self._used_at.items() if used_at < limit]:
            del self._used_at[address]
            await self._channels.pop(address).close()

    async def close(self) -> None:
        await self.close_idle(-1.0)

    def _channel(self, service_name: str, address: str) -> Channel:
        channel = self._channels.get(address)
        if channel is None:
            # One that says NOT_SERVING is asked all the same: what it says is what is wanted.
            channel = Channel(
                service_name,
                dns_target(address),
                self._credentials,
                breaker=_NEVER_OPENS,
                attempts=1,
                serving_only=False,
            )
            self._channels[address] = channel
        self._used_at[address] = time.monotonic()
        return channel
