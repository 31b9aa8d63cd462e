"""A span for each call made and each call served, and the W3C context between them.

Made only where a collector is set. A call inside a trace that was not sampled makes no span: its context is passed on as it is.
Names and attributes are those of OpenTelemetry's current conventions for RPC, in which ``rpc.method`` is the full name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import grpc
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.grpc._aio_server import OpenTelemetryAioServerInterceptor
from opentelemetry.trace import SpanKind, StatusCode

from .. import telemetry
from ..telemetry import TRACEPARENT, TRACESTATE
from .call import ClientCall
from .policy import policy_of

# Of a server's answers these are its own fault; others are the client's, and no error of the server's span.
SERVER_ERRORS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


def outgoing(call: ClientCall) -> trace.Span | None:
    """Pass the trace on with ``call``. The call's own span, where it is recorded; whoever takes it ends it."""
    tracer = telemetry.tracer()
    if tracer is None:
        return None
    current = trace.get_current_span().get_span_context()
    if current.is_valid and not current.trace_flags.sampled:
        _inject(call, current)
        return None
    span = tracer.start_span(call.path[1:], kind=SpanKind.CLIENT, attributes=_attributes(call.path, call.target))
    _inject(call, span.get_span_context())
    return span if span.is_recording() else None


def entered(span: trace.Span) -> Callable[[], None]:
    """Make ``span`` the current one, so that what happens to the call is told to it; returns what takes it back."""
    token = otel_context.attach(trace.set_span_in_context(span))
    return lambda: otel_context.detach(token)


def ended(span: trace.Span, code: str, error_type: str, failure: str = "") -> None:
    """How the call that ``span`` stands for ended. ``error_type`` is empty where that is no error."""
    span.set_attribute("rpc.response.status_code", code)
    if error_type:
        span.set_attribute("error.type", error_type)
        span.set_status(StatusCode.ERROR, failure or None)
    span.end()


def served(code: str) -> None:
    """How the call being served ended, for its span."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("rpc.response.status_code", code)
        if code in SERVER_ERRORS:
            span.set_attribute("error.type", code)


def event(name: str, attributes: dict[str, str | int | float]) -> None:
    """Something that happened to the call or the request that is the current span."""
    span = trace.get_current_span()
    if span.is_recording():
        span.add_event(name, attributes)


def server_interceptors() -> Iterable[grpc.aio.ServerInterceptor]:
    """What makes the spans of served calls; nothing where nothing is traced."""
    tracer = telemetry.tracer()
    return () if tracer is None else (_ServerSpans(tracer),)


class _ServerSpans(OpenTelemetryAioServerInterceptor):
    """OpenTelemetry's own interceptor, with what it lacks: current names, and a shorter way for what is not recorded."""

    async def intercept_service(  # type: ignore[override]  # the library's base classes disagree
        self, continuation: Any, handler_call_details: Any
    ) -> Any:
        if policy_of(handler_call_details.method).operational:
            return await continuation(handler_call_details)
        carrier = {
            key: value
            for key, value in handler_call_details.invocation_metadata or ()
            if key in (TRACEPARENT, TRACESTATE)
        }
        if carrier.get(TRACEPARENT, "").endswith("-00"):
            # The call's task is its own: what is attached here ends with it.
            otel_context.attach(propagate.extract(carrier))
            return await continuation(handler_call_details)
        return await super().intercept_service(continuation, handler_call_details)

    def _start_span(
        self, handler_call_details: Any, context: Any, set_status_on_exception: bool = False
    ) -> AbstractContextManager[trace.Span]:
        path = handler_call_details.method
        attributes = _attributes(path)
        # ipv4:10.2.1.1:57284 or ipv6:[::1]:57284, both with their brackets and colons quoted
        family, _, peer = context.peer().partition(":")
        host, _, port = peer.rpartition(":")
        if family.startswith("ip") and port.isdecimal():
            attributes |= {
                "network.peer.address": host.replace("%5B", "").replace("%5D", ""),
                "network.peer.port": int(port),
            }
        return self._tracer.start_as_current_span(
            path[1:],
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=set_status_on_exception,
        )


def _attributes(path: str, target: str = "") -> dict[str, str | int]:
    named: dict[str, str | int] = {"rpc.system.name": "grpc", "rpc.method": path[1:]}
    if target:
        named["server.address"] = target
    return named


def _inject(call: ClientCall, context: trace.SpanContext) -> None:
    call.metadata.append((TRACEPARENT, telemetry.traceparent_of(context)))
    if context.trace_state:
        call.metadata.append((TRACESTATE, context.trace_state.to_header()))
