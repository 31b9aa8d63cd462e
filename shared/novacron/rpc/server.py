"""A service's gRPC server: two ports, one chain of stages, and what every server must have.

The chain, outermost first, and why in this order:

    span        OpenTelemetry's own interceptor, where a collector is set; around the chain
    metrics     sees everything, also what the others refuse
    context     request id: every log line below carries it
    overload    sheds before any work is done
    deadline    refuses what is hopeless before asking auth
    identity    who may not call learns nothing about rules or data
    validation  the protos' field rules, for each message
    handler

Errors are turned into statuses once, around the whole chain, so that a stage may raise a typed error like a handler.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import _async as reflection_service
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from .. import logs
from ..errors import InvalidArgument, Unavailable
from ..settings import ProcessSettings
from . import deadline, load_metrics, observe, overload, policy, spans, status, validation
from .call import REQUEST_ID, ServerCall, ServerStage, chain
from .identity import Authenticator, IdentityStage
from .tls import Identification

log = logs.logger(__name__)

_REFLECTION_V1 = "grpc.reflection.v1.ServerReflection"
_OPTIONS = (
    # Several processes of one service may share a port; the kernel spreads connections over them.
    ("grpc.so_reuseport", 1),
    # Clients may ping idle connections; a dead peer is noticed within half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # gRPC waits a minute for the answer to any ping, whatever it was told to wait for a keepalive's.
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    # Clients reconnect now and then, so that load follows servers that come and go.
    ("grpc.max_connection_age_ms", 3_600_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
)

# From NOT_SERVING to the end of taking calls: clients that watch the health of a server turn to others meanwhile.
_NOTICE_SECONDS = 0.25
# Beyond the drain time, for calls that were cancelled then to end.
_LAST_SECONDS = 10.0
_GOING = "this server is about to stop: ask again, and another one answers"
# When the call of this task was heard of. It waits after that, for the event loop and for its message.
_arrived: ContextVar[float] = ContextVar("novacron_arrived", default=0.0)


class _Chain(grpc.GenericRpcHandler):
    """Runs every handler inside the stages, in all four arities.

    Servicers are added to it as to a server. To the server it is the one handler for all, and no interceptor: that would cost
    each call another coroutine, and a search through the handlers of every service.
    """

    def __init__(self, stages: Sequence[ServerStage]) -> None:
        self._stages = stages
        self._handlers: list[grpc.GenericRpcHandler] = []
        self._wrapped: dict[str, Any] = {}
        self._lasting: set[asyncio.Task[Any]] = set()
        self._draining = False

    def drain(self) -> None:
        """End the streams that would last for hours: their clients come back, to whoever serves then."""
        self._draining = True
        for task in self._lasting:
            task.cancel()

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """What generated code adds a servicer by."""
        self._handlers.extend(handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: dict[str, Any]) -> None:
        """The same methods once more, as generated code has it."""

    def service(self, handler_call_details: Any) -> Any:
        _arrived.set(time.monotonic())
        path = handler_call_details.method
        wrapped = self._wrapped.get(path)
        if wrapped is None:
            found = (handler.service(handler_call_details) for handler in self._handlers)
            handler = next((one for one in found if one is not None), None)
            if handler is not None:
                wrapped = self._wrapped[path] = self._wrap(path, handler)
        return wrapped

    def _wrap(self, path: str, handler: Any) -> Any:
        contract = policy.policy_of(path)
        name = ("stream" if handler.request_streaming else "unary") + (
            "_stream" if handler.response_streaming else "_unary"
        )
        behaviour = getattr(handler, name)
        streaming = handler.request_streaming
        lasting = handler.response_streaming and (contract.long_lived or contract.operational)

        async def handle(call: ServerCall) -> Any:
            result = behaviour(_inspected(call, call.request, streaming), call.context)
            if inspect.isasyncgen(result):
                async with aclosing(result):
                    async for response in result:
                        await call.context.write(response)
                return None
            return await result if inspect.isawaitable(result) else result

        run = chain(self._stages, handle)

        async def unary(request: Any, context: Any) -> Any:
            metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
            try:
                if lasting:
                    if self._draining:
                        raise Unavailable(_GOING)
                    self._lasting.add(_task())
                return await run(ServerCall(path, contract, metadata, context, request, _arrived.get()))
            except asyncio.CancelledError:
                if not (lasting and self._draining):
                    raise
                _task().uncancel()
                await _abort(context, Unavailable(_GOING))
            except grpc.aio.AbortError:
                raise
            except Exception as exception:
                await _abort(context, exception)
            finally:
                if lasting:
                    self._lasting.discard(_task())

        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            # The handler's messages are written as they come, inside the stages: nothing is left to yield.
            await unary(request, context)
            return
            yield

        make = getattr(grpc, f"{name}_rpc_method_handler")
        return make(
            stream if handler.response_streaming else unary,
            _read(handler.request_deserializer),
            handler.response_serializer,
        )


def _task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None, "a handler runs in its own task"
    return task


async def _abort(context: Any, exception: Exception) -> None:
    error = status.from_exception(exception)
    details = status.to_status(error)
    trailing = (
        ("grpc-status-details-bin", details.SerializeToString()),
        (REQUEST_ID, observe.request_id()),
        *status.pushback(error),
    )
    await context.abort(_CODES[details.code], details.message, trailing)


_CODES = {code.value[0]: code for code in grpc.StatusCode}


class _Unreadable:
    """Bytes that are no message of the method's type, on their way to the chain, which refuses them."""


def _read(deserialize: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    """The same, but that nothing is raised: grpc.aio would answer UNKNOWN, with the name of our exception."""
    if deserialize is None:
        return None

    def read(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return _Unreadable()

    return read


def _inspected(call: ServerCall, request: Any, streaming: bool) -> Any:
    def checked(message: Any) -> Any:
        if isinstance(message, _Unreadable):
            raise InvalidArgument(f"these bytes are no request of {call.path}: build it from the published protos")
        for inspect_message in call.inspections:
            inspect_message(message)
        return message

    if not streaming:
        return checked(request)

    async def messages() -> AsyncIterator[Any]:
        async for message in request:
            yield checked(message)

    return messages()


class Server:
    """Serves the servicers that are added to it until it is stopped."""

    def __init__(
        self,
        settings: ProcessSettings,
        authenticator: Authenticator,
        identification: Identification,
    ) -> None:
        self._settings = settings
        self._identification = identification
        self.load = overload.LoadShedder()
        load_metrics.watch_server(self.load)
        identity = IdentityStage(authenticator, f"novacron/{settings.environment}")
        self.stages: list[ServerStage] = [
            observe.metrics_stage,
            observe.context_stage,
            self.load.server_stage,
            deadline.server_stage,
            identity.server_stage,
            validation.server_stage,
        ]
        self._chain = _Chain(self.stages)
        size = settings.max_message_mib * 1024 * 1024
        self._server = grpc.aio.server(
            interceptors=[*spans.server_interceptors()],
            options=[
                *_OPTIONS,
                ("grpc.max_receive_message_length", size),
                ("grpc.max_send_message_length", size),
                # Metadata carries tokens; nobody needs more than this of it.
                ("grpc.max_metadata_size", 32 * 1024),
            ],
        )
        self._server.add_generic_rpc_handlers((self._chain,))
        self._names: list[str] = []
        self._health = health.aio.HealthServicer()
        self.port = 0
        self.mesh_port = 0

    def add(self, register: Callable[[Any, Any], None], servicer: Any) -> None:
        """Add a servicer by its generated ``add_*_to_server``.

        :raises RuntimeError: one of its methods does not declare who may call it.
        """
        names = _service_names(servicer)
        for name in names:
            if missing := policy.undeclared(name):
                raise RuntimeError(f"these methods declare no access option, so nobody could call them: {missing}")
        register(servicer, self._chain)
        self._names += names

    async def start(self) -> None:
        """Bind both ports and serve; health says SERVING once :meth:`serving` is called."""
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._chain)
        channelz.add_channelz_servicer(self._chain)
        listed = [*self._names, health.SERVICE_NAME, "grpc.channelz.v1.Channelz", _REFLECTION_V1, _REFLECTION_V1ALPHA]
        reflection = reflection_service.ReflectionServicer(listed)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflection, self._chain)
        self._chain.add_generic_rpc_handlers((_reflection_v1(reflection),))
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        if self._names:
            self.mesh_port = self._bind(self._settings.mesh_listen, self._identification.mesh_port())
            if self._settings.listen:
                self.port = self._bind(self._settings.listen, self._identification.users_port())
        self.load.start()
        await self._server.start()

    async def serving(self) -> None:
        """Tell health checks that this server is ready."""
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Say NOT_SERVING, serve until clients have heard of it, then let what is in flight end in the drain time."""
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(min(_NOTICE_SECONDS, self._settings.drain_seconds))
        self._chain.drain()
        try:
            async with asyncio.timeout(self._settings.drain_seconds + _LAST_SECONDS):
                await self._server.stop(self._settings.drain_seconds)
        except TimeoutError:
            log.error("calls were cancelled and have not ended: they are left behind")
        self.load.stop()

    def _bind(self, address: str, credentials: grpc.ServerCredentials) -> int:
        try:
            port: int = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise RuntimeError(f"cannot listen on {address}: is another process there?") from error
        if port == 0:
            raise RuntimeError(f"cannot listen on {address}: is another process there?")
        return port

    async def _set_health(self, state: Any) -> None:
        for name in ("", *self._names):
            await self._health.set(name, state)


_REFLECTION_V1ALPHA = "grpc.reflection.v1alpha.ServerReflection"


def _service_names(servicer: Any) -> list[str]:
    """Full names of the protobuf services that a servicer implements, from its generated base class."""
    names = []
    for base in inspect.getmro(type(servicer)):
        if base.__name__.endswith("Servicer") and base.__module__.endswith("_pb2_grpc"):
            package = base.__module__.rsplit(".", 1)[0]
            names.append(f"{package}.{base.__name__.removesuffix('Servicer')}")
    return names


def _reflection_v1(servicer: Any) -> grpc.GenericRpcHandler:
    """The same reflection under its current name: Python ships v1alpha only, and the messages are equal on the wire."""
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(_REFLECTION_V1, {"ServerReflectionInfo": handler})
