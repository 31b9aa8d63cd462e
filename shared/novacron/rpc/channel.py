"""A client's way to one service: a drop-in for ``grpc.aio.Channel`` under generated stubs.

The chain, outermost first, and why in this order:

    deadline   what the request has left; everything below shrinks it; too little is refused before anything else
    metrics    the whole call, as the caller felt it
    fallback   what retries could not get either is answered here, where the method declares how
    retry      each attempt passes through all that follows, in its own part of the time left
    throttle   holds back what the target sheds anyway; above the breaker, which must not hear of it
    breaker    counts attempts, refuses at once when the target is down
    bulkhead   a place is held only while a call is on the wire, or waits for one
    patience   waits for a connection where there is none: a target that is restarted is back in a moment
    errors     statuses become typed errors, which everything above decides by (wire.py)
    wire

``grpc.aio``'s own interceptors are not used: they cost a task each and know no streamed attempt.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any

import grpc

from ..saga.key import current_key
from . import deadline, load_metrics, observe
from .breaker import BreakerConfiguration
from .breaker_override import NO_OVERRIDE, BreakerOverride
from .bulkhead import Bulkhead
from .call import SAGA_KEY, ClientCall, chain
from .endpoint import host_port
from .fallback import FallbackStage
from .guard import Breakers
from .patience import Patience
from .policy import policy_of
from .request_stream import RequestStream
from .retry import RetryStage
from .throttle import Throttle
from .wire import on_the_wire

_OPTIONS = (
    # One retry layer, and it is ours.
    ("grpc.enable_retries", 0),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # gRPC waits a minute for the answer to any ping, whatever it was told to wait for a keepalive's.
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # No pause, for all its name: how long one attempt may take, TLS handshake and all. A busy machine needs its time.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
)
# Several addresses of one service take turns, each as long as it says of itself that it serves: a server that drains is left
# before it goes. A server without health checks counts as one that serves.
_SERVING_ONLY: dict[str, object] = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
}
_WHATEVER_IT_SAYS: dict[str, object] = {"loadBalancingConfig": [{"round_robin": {}}]}


def target_of(address: str) -> str:
    """gRPC's name for ``host:port``, or for several of them with commas between.

    :raises ValueError: several, and one is a name: gRPC takes lists of IP addresses only.
    """
    if "," not in address:
        return address
    several = [one.strip() for one in address.split(",")]
    families = set()
    for one in several:
        host = host_port(one).rpartition(":")[0].strip("[]")
        try:
            families.add(ipaddress.ip_address(host).version)
        except ValueError:
            raise ValueError(f"{host}: several addresses of a service are IP addresses, or one name for all") from None
    if len(families) != 1:
        raise ValueError(f"{address}: the addresses of a service are all IPv4 or all IPv6")
    return f"ipv{families.pop()}:{','.join(several)}"


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
        other: Callable[[str], Channel] | None = None,
        patience: float = 0.0,
        serving_only: bool = True,
    ) -> None:
        self.name = name
        self.metadata = metadata
        target = target_of(address)
        balancing = json.dumps(_SERVING_ONLY if serving_only else _WHATEVER_IT_SAYS)
        options: list[tuple[str, object]] = [*_OPTIONS, ("grpc.service_config", balancing)]
        if target != address:
            # A list has no name of its own to hold beside the certificates: each of them carries the first one's.
            options.append(("grpc.default_authority", address.split(",")[0].strip().rpartition(":")[0]))
        self._wire = grpc.aio.secure_channel(target, credentials, options=options)
        self.breakers = Breakers(name, breaker)
        self.retry: RetryStage = RetryStage(attempts=attempts)
        self.throttle: Throttle = Throttle(name)
        self.bulkhead: Bulkhead = Bulkhead(name)
        self.patience: Patience = Patience(self._wire, patience)
        self.fallback = FallbackStage(self.breakers, other)
        self._attempts = attempts
        self.run = chain(
            (
                observe.client_stage,
                self.fallback.client_stage,
                self.retry.client_stage,
                self.throttle.client_stage,
                self.breakers.client_stage,
                self.bulkhead.client_stage,
                self.patience.client_stage,
            ),
            on_the_wire,
        )
        load_metrics.watch_channel(self)

    def configure(self, overrides: Mapping[str, BreakerOverride]) -> None:
        """Hold the breakers, retries and fallbacks to these, by class of methods; ``""`` is for all.

        :raises ConfigurationError: they make no sense; then nothing has changed.
        """
        self.breakers.configure(overrides)
        here = overrides.get("", NO_OVERRIDE).values
        self.retry.attempts = here.get("max_retry_attempts", self._attempts)

    async def close(self, grace: float | None = None) -> None:
        self.patience.close()
        await self._wire.close(grace)

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # The four that generated stubs ask for.

    def unary_unary(self, method: str, *serializers: Any, **named: Any) -> Callable[..., Any]:
        return _Method(self, method, self._wire.unary_unary(method, *serializers, **named)).one

    def stream_unary(self, method: str, *serializers: Any, **named: Any) -> Callable[..., Any]:
        return _Method(self, method, self._wire.stream_unary(method, *serializers, **named)).one_of_many

    def unary_stream(self, method: str, *serializers: Any, **named: Any) -> Callable[..., Any]:
        return _Method(self, method, self._wire.unary_stream(method, *serializers, **named)).many

    def stream_stream(self, method: str, *serializers: Any, **named: Any) -> Callable[..., Any]:
        return _Method(self, method, self._wire.stream_stream(method, *serializers, **named)).many_of_many


_Metadata = Sequence[tuple[str, str]] | None


class _Method:
    """One method of one channel: what a stub calls, in its four arities."""

    __slots__ = ("_channel", "_path", "_policy", "_run", "_wire")

    def __init__(self, channel: Channel, path: str, wire: Any) -> None:
        self._channel = channel
        self._path = path
        self._policy = policy_of(path)
        self._run = channel.run
        self._wire = wire

    def _call(self, request: Any, timeout: float | None, metadata: _Metadata, streamed: bool = False) -> ClientCall:
        policy, channel = self._policy, self._channel
        # Who does not say how long waits as long as the method takes, and for a connection before that.
        seconds = deadline.budget(policy.timeout_seconds + channel.patience.seconds if timeout is None else timeout)
        sent = [*channel.metadata(), *(metadata or ())]
        if (key := current_key()) is not None:
            sent.append((SAGA_KEY, str(key)))
        until = time.monotonic() + seconds
        return ClientCall(self._path, policy, channel.name, seconds, sent, request, self._wire, streamed, until=until)

    async def one(self, request: Any, *, timeout: float | None = None, metadata: _Metadata = None) -> Any:
        return await self._run(self._call(request, timeout, metadata))

    async def one_of_many(self, requests: Any, *, timeout: float | None = None, metadata: _Metadata = None) -> Any:
        with closing(RequestStream(requests)) as stream:
            return await self._run(self._call(stream, timeout, metadata))

    async def many(
        self, request: Any, *, timeout: float | None = None, metadata: _Metadata = None
    ) -> AsyncGenerator[Any, None]:
        call = self._call(request, timeout, metadata, streamed=True)
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

    async def many_of_many(
        self, requests: Any, *, timeout: float | None = None, metadata: _Metadata = None
    ) -> AsyncGenerator[Any, None]:
        with closing(RequestStream(requests)) as stream:
            async with aclosing(self.many(stream, timeout=timeout, metadata=metadata)) as responses:
                async for response in responses:
                    yield response
