"""Traces, over OTLP when an endpoint is set, and nothing at all when none is.

The W3C context crosses every call and is stored with every saga, so that one trace shows a request through all services,
whichever worker carried it on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import propagate, trace
from opentelemetry.context import Context

from . import __version__
from .settings import ProcessSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_tracer = trace.get_tracer("novacron", __version__)


def configure(settings: ProcessSettings, service: str) -> TracerProvider | None:
    """Export spans to ``settings.otlp_endpoint``; None, at no cost, when it is empty. Once per process."""
    if not settings.otlp_endpoint:
        return None
    # The SDK and its exporter take a third of a second to import: only who exports pays for them.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    resource = Resource.create(
        {
            "service.name": f"novacron-{service}",
            "service.version": __version__,
            "service.instance.id": settings.instance or f"{service}-{os.getpid()}",
            "deployment.environment.name": settings.environment,
        }
    )
    provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(settings.trace_sample_ratio)))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint)))
    trace.set_tracer_provider(provider)
    return provider


def current_traceparent() -> str:
    """The W3C traceparent of the current span, for storing; empty outside a trace."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent", "")


def trace_id(traceparent: str) -> str:
    """The trace id inside a stored traceparent; empty when there is none."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 else ""


@contextmanager
def span(name: str, traceparent: str = "", **attributes: str | int) -> Iterator[trace.Span]:
    """A span of this process; with ``traceparent`` it goes on the stored trace instead of the current one."""
    parent: Context | None = propagate.extract({"traceparent": traceparent}) if traceparent else None
    with _tracer.start_as_current_span(name, context=parent, attributes=attributes) as current:
        yield current
