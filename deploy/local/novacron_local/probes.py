"""Whether a process serves, asked the way its clients would ask. A probe answers False and never raises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from .certificates import Identity


class Probe(Protocol):
    """Asks one process, again and again."""

    async def __call__(self) -> bool: ...

    async def close(self) -> None: ...


class InThread:
    """A probe out of a blocking check."""

    def __init__(self, check: Callable[[], bool]) -> None:
        self._check = check

    async def __call__(self) -> bool:
        return await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """There is nothing to let go of."""


class GrpcHealth:
    """``grpc.health.v1`` says SERVING, over mTLS as the operator. Keeps its channel from one call to the next."""

    def __init__(self, address: str, operator: Identity, *, timeout: float = 3) -> None:
        self._address = address
        self._operator = operator
        self._timeout = timeout
        self._channel: Any = None
        self._presented = b""

    async def __call__(self) -> bool:
        import grpc
        from grpc_health.v1 import health_pb2, health_pb2_grpc

        try:
            if self._channel is None:
                self._channel = self._open(grpc)
            stub = health_pb2_grpc.HealthStub(self._channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=self._timeout)
        except (grpc.aio.AioRpcError, OSError):
            if self._presented != self._operator.certificate.read_bytes():  # renewed since
                await self.close()
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def close(self) -> None:
        """Let go of the channel."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    def _open(self, grpc: Any) -> Any:
        self._presented = self._operator.certificate.read_bytes()
        credentials = grpc.ssl_channel_credentials(
            self._operator.ca.read_bytes(), self._operator.key.read_bytes(), self._presented
        )
        # The default reconnect backoff grows to two minutes: longer than anybody waits for a restarted process.
        options = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 1000)]
        return grpc.aio.secure_channel(self._address, credentials, options=options)
