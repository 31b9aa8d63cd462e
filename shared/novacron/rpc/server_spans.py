"""The spans of served calls: made by OpenTelemetry's own interceptor, where a collector is set."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.grpc._aio_server import OpenTelemetryAioServerInterceptor
from opentelemetry.trace import SpanKind

from .. import telemetry
from ..telemetry import TRACEPARENT, TRACESTATE
from .policy import policy_of
from .spans import attributes_of

_LONGEST_STATE = 512  # characters, as W3C has it for what is passed on


class ServerSpans(OpenTelemetryAioServerInterceptor):
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
        traceparent, state = carrier.get(TRACEPARENT, ""), carrier.get(TRACESTATE, "")
        if not telemetry.sampled(traceparent):
            # The call's task is its own: what is set here ends with it.
            told = ((TRACESTATE, state),) if 0 < len(state) <= _LONGEST_STATE else ()
            telemetry.pass_on(((TRACEPARENT, traceparent), *told))
            return await continuation(handler_call_details)
        return await super().intercept_service(continuation, handler_call_details)

    def _start_span(
        self, handler_call_details: Any, context: Any, set_status_on_exception: bool = False
    ) -> AbstractContextManager[trace.Span]:
        path = handler_call_details.method
        attributes = attributes_of(path)
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
