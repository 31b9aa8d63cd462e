"""A client's way to one service: a drop-in for ``grpc.aio.Channel`` under generated stubs.

The chain, outermost first, and why in this order:

    metrics    the whole call, as the caller felt it
    deadline   what the request has left; everything below shrinks it
    retry      each attempt passes through all that follows
    breaker    counts attempts, refuses at once when the target is down
    bulkhead   a place is held only while a call is on the wire
    errors     statuses become typed errors, which everything above decides by
    wire

``grpc.aio``'s own interceptors are not used: they cost a task each and know no streamed attempt.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

import grpc

from ..saga.key import current_key
from . import deadline, observe
from .breaker import BreakerConfiguration
from .bulkhead import Bulkhead
from .call import SAGA_KEY, ClientCall, chain
from .guard import Breakers
from .policy import MethodPolicy, policy_of
from .retry import RetryStage
from .wire import on_the_wire

_OPTIONS = (
    # One retry layer, and it is ours.
    ("grpc.enable_retries", 0),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # No pause, for all its name: how long one attempt may take, TLS handshake and all. A busy machine needs its time.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 500),
    # Several addresses of one service take turns.
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
)


def target_of(address: str) -> str:
    """gRPC's name for ``host:port`` or for several of them, comma-separated."""
    return f"ipv4:{address}" if "," in address else address


class Channel:
    """Calls to one target through the whole client chain."""

    def __init__(
        self,
        name: str,
        address: str,
        credentials: grpc.ChannelCredentials,
        *,
        breaker: BreakerConfiguration | None = None,
        metadata: Callable[[], Sequence[tuple[str, str]]] = tuple,
        attempts: int = 3,
    ) -> None:
        self.name = name
        self._metadata = metadata
        self._wire = grpc.aio.secure_channel(target_of(address), credentials, options=_OPTIONS)
        self.breakers = Breakers(name, breaker)
        self.retry = RetryStage(attempts=attempts)
        self.bulkhead = Bulkhead(name)
        self._run = chain(
            (
                observe.client_stage,
                self.retry.client_stage,
                self.breakers.client_stage,
                self.bulkhead.client_stage,
            ),
            on_the_wire,
        )

    async def close(self, grace: float | None = None) -> None:
        await self._wire.close(grace)

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # The four that generated stubs ask for.

    def unary_unary(self, method: str, *serializers: Any, **named: Any) -> Callable[..., Any]:
        return partial(self._unary, policy_of(method), method, self._wire.unary_unary(method, *serializers, **named))

    def stream_unary(self, method: str, *serializers: Any, **named: Any) -> Callable[..., Any]:
        return partial(self._unary, policy_of(method), method, self._wire.stream_unary(method, *serializers, **named))

    def unary_stream(self, method: str, *serializers: Any, **named: Any) -> Callable[..., Any]:
        return partial(self._stream, policy_of(method), method, self._wire.unary_stream(method, *serializers, **named))

    def stream_stream(self, method: str, *serializers: Any, **named: Any) -> Callable[..., Any]:
        return partial(self._stream, policy_of(method), method, self._wire.stream_stream(method, *serializers, **named))

    async def _unary(
        self,
        policy: MethodPolicy,
        method: str,
        wire: Any,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Sequence[tuple[str, str]] | None = None,
    ) -> Any:
        seconds = deadline.budget(policy.timeout_seconds if timeout is None else timeout)
        return await self._run(ClientCall(method, policy, self.name, seconds, self._sent(metadata), request, wire))

    async def _stream(
        self,
        policy: MethodPolicy,
        method: str,
        wire: Any,
        request: Any,
        *,
        timeout: float | None = None,
        metadata: Sequence[tuple[str, str]] | None = None,
    ) -> AsyncIterator[Any]:
        seconds = deadline.budget(policy.timeout_seconds if timeout is None else timeout)
        call = ClientCall(method, policy, self.name, seconds, self._sent(metadata), request, wire, streamed=True)
        responses = await self._run(call)
        failure: BaseException | None = None
        try:
            async for response in responses:
                yield response
        except BaseException as error:
            failure = error
            raise
        finally:
            responses.cancel()
            for told in call.ends:
                told(failure)

    def _sent(self, metadata: Sequence[tuple[str, str]] | None) -> list[tuple[str, str]]:
        sent = [*self._metadata(), *(metadata or ())]
        if (key := current_key()) is not None:
            sent.append((SAGA_KEY, str(key)))
        return sent
