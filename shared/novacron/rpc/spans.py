"""A span for each call made and each call served, and the W3C context between them.

Made only where a collector is set. A call inside a trace that was not sampled makes no span: its context is passed on as it is.
Names and attributes are those of OpenTelemetry's current conventions for RPC, in which ``rpc.method`` is the full name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import grpc

from .. import telemetry
from ..telemetry import TRACEPARENT, TRACESTATE
from .call import ClientCall

if TYPE_CHECKING:
    from opentelemetry import trace

# Of a server's answers these are its own fault; others are the client's, and no error of the server's span.
SERVER_ERRORS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


def outgoing(call: ClientCall) -> trace.Span | None:
    """Pass the trace on with ``call``. The call's own span, where it is recorded; whoever takes it ends it.

    A call outside of every trace begins none here: traces begin where requests come in, and heartbeats are no requests.
    """
    tracer = telemetry.tracer()
    if tracer is None:
        return None
    if headers := telemetry.passed_on():
        call.metadata.extend(headers)
        return None
    from opentelemetry import trace

    current = trace.get_current_span().get_span_context()
    if not current.is_valid:
        return None
    if not current.trace_flags.sampled:
        _inject(call, current)
        return None
    span = tracer.start_span(
        call.path[1:], kind=trace.SpanKind.CLIENT, attributes=attributes_of(call.path, call.target)
    )
    _inject(call, span.get_span_context())
    return span if span.is_recording() else None


def entered(span: trace.Span) -> Callable[[], None]:
    """Make ``span`` the current one, so that what happens to the call is told to it; returns what takes it back."""
    from opentelemetry import context, trace

    token = context.attach(trace.set_span_in_context(span))
    return lambda: context.detach(token)


def ended(span: trace.Span, code: str, error_type: str, failure: str = "") -> None:
    """How the call that ``span`` stands for ended. ``error_type`` is empty where that is no error."""
    span.set_attribute("rpc.response.status_code", code)
    if error_type:
        from opentelemetry import trace

        span.set_attribute("error.type", error_type)
        span.set_status(trace.StatusCode.ERROR, failure or None)
    span.end()


def served(code: str) -> None:
    """How the call being served ended, for its span."""
    if telemetry.tracer() is None or telemetry.passed_on():
        return
    from opentelemetry import trace

    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("rpc.response.status_code", code)
        if code in SERVER_ERRORS:
            span.set_attribute("error.type", code)


def event(name: str, attributes: Mapping[str, str | int | float]) -> None:
    """Something that happened to the call or the request that is the current span."""
    if telemetry.tracer() is None or telemetry.passed_on():
        return
    from opentelemetry import trace

    span = trace.get_current_span()
    if span.is_recording():
        span.add_event(name, attributes)


def server_interceptors() -> Iterable[grpc.aio.ServerInterceptor]:
    """What makes the spans of served calls; nothing where nothing is traced."""
    tracer = telemetry.tracer()
    if tracer is None:
        return ()
    # Not loaded where it is not needed: it takes its time to import.
    from .server_spans import ServerSpans

    return (ServerSpans(tracer),)


def attributes_of(path: str, target: str = "") -> dict[str, str | int]:
    """What a span of this method has from its beginning."""
    named: dict[str, str | int] = {"rpc.system.name": "grpc", "rpc.method": path[1:]}
    if target:
        named["server.address"] = target
    return named


def _inject(call: ClientCall, context: trace.SpanContext) -> None:
    call.metadata.append((TRACEPARENT, telemetry.traceparent_of(context)))
    if context.trace_state:
        call.metadata.append((TRACESTATE, context.trace_state.to_header()))
