"""Traces: one through all services, whichever worker carries it on; and nothing at all where no collector is set.

Attributes and names follow OpenTelemetry's semantic conventions. The W3C context crosses every call (:mod:`novacron.rpc.spans`)
and is stored with every saga. What was not sampled is passed on as not sampled, and costs nearly nothing. OpenTelemetry is
imported by what traces: it looks through every installed distribution when it is, and a command shall not wait for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING

from . import __version__

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.context import Context

    from .otlp import Export
    from .settings import ProcessSettings

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
_SAMPLED = 0x01  # of W3C's trace flags

# Names and values of metadata, the traceparent first.
Headers = tuple[tuple[str, str], ...]

# Version 00 with its flags in a group. OpenTelemetry reads any other.
_TRACEPARENT = re.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")

_tracer: trace.Tracer | None = None
# Nearly all requests of a busy house are not recorded: for them a variable of our own, read once, stands for OpenTelemetry's
# context, which costs a call several times as much as a breaker.
_passed_on: ContextVar[Headers] = ContextVar("novacron_passed_on", default=())


def configure(settings: ProcessSettings, service: str) -> Export | None:
    """Export spans and numbers to ``settings.otlp_endpoint``; None, at no cost, when it is empty. Once per process."""
    if not settings.otlp_endpoint:
        return None
    # The SDK and its exporter take a third of a second to import: only who exports pays for them.
    from .otlp import Export

    export = Export(settings, service)
    trace_with(export.tracer_provider)
    return export


def trace_with(provider: trace.TracerProvider | None) -> None:
    """Make spans with this provider from now on; None: make none."""
    global _tracer
    _tracer = provider.get_tracer("novacron", __version__) if provider is not None else None


def tracer() -> trace.Tracer | None:
    """What makes spans; None where nothing is traced."""
    return _tracer


def traceparent_of(context: trace.SpanContext) -> str:
    """A span's place in its trace, as W3C's ``traceparent``."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def passed_on() -> Headers:
    """What calls from here take along of a trace that is not recorded; nothing where none is, or where it is recorded."""
    return _passed_on.get()


def pass_on(headers: Headers) -> Token[Headers]:
    """From here on this task is in a trace that is not recorded: OpenTelemetry hears nothing of it."""
    return _passed_on.set(headers)


def current_traceparent() -> str:
    """The W3C traceparent of the current span, for storing; empty outside a trace."""
    if _tracer is None:
        return ""
    if headers := _passed_on.get():
        return headers[0][1]
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return traceparent_of(context) if context.is_valid else ""


def trace_id(traceparent: str) -> str:
    """The trace id inside a stored traceparent; empty when there is none."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 else ""


def sampled(traceparent: str) -> bool:
    """Whether a call that came with this traceparent is to be recorded; one without may be."""
    form = _TRACEPARENT.fullmatch(traceparent)
    return form is None or bool(int(form[1], 16) & _SAMPLED)  # what is none at all begins a new trace


@contextmanager
def span(name: str, traceparent: str = "", **attributes: str | int) -> Iterator[trace.Span | None]:
    """A span of this process's own work; with ``traceparent`` it goes on that trace instead of the current one.

    None where this work is not recorded, and then OpenTelemetry is not imported for it either: whoever is first to work in a
    process would hold up its event loop for that.

    ``attributes`` are named as in Python: ``novacron_saga_id`` becomes ``novacron.saga.id``.
    """
    if _tracer is None or (not traceparent and _passed_on.get()):
        yield None
        return
    if not sampled(traceparent):
        with _passing_on(((TRACEPARENT, traceparent),)):
            yield None
        return
    from opentelemetry import propagate

    parent: Context | None = propagate.extract({TRACEPARENT: traceparent}) if traceparent else None
    dotted = {key.replace("_", "."): value for key, value in attributes.items()}
    with _tracer.start_as_current_span(name, context=parent, attributes=dotted) as current:
        headers = () if current.is_recording() else ((TRACEPARENT, traceparent_of(current.get_span_context())),)
        with _passing_on(headers):
            yield current


@contextmanager
def _passing_on(headers: Headers) -> Iterator[None]:
    token = _passed_on.set(headers)
    try:
        yield
    finally:
        _passed_on.reset(token)
