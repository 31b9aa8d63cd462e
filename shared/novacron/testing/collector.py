"""A collector of OTLP, as real as the wire sees it: what processes export is kept, and shown as it came.

A trace is printed as a tree by ``str(collector.trace(trace_id))``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1 import trace_pb2

Attributes = dict[str, Any]


def _attributes(pairs: Iterable[KeyValue]) -> Attributes:
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value") for one in pairs}


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as it arrived."""

    service: str
    instance: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str  # empty: a root
    start_ns: int
    end_ns: int
    attributes: Attributes
    events: tuple[tuple[str, Attributes], ...]
    failed: bool

    @property
    def milliseconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e6

    def __str__(self) -> str:
        parts = [f"{self.name}", f"[{self.service} {self.kind}]", f"{self.milliseconds:.1f} ms"]
        if self.failed:
            parts.append(f"failed: {self.attributes.get('error.type', 'unknown')}")
        return "  ".join(parts)


@dataclass(frozen=True)
class Trace:
    """The spans of one trace id, in the order in which they began."""

    spans: tuple[ReceivedSpan, ...]

    @property
    def services(self) -> set[str]:
        return {span.service for span in self.spans}

    @property
    def roots(self) -> list[ReceivedSpan]:
        """Those whose parent did not arrive, or that have none: one, when the trace is whole."""
        known = {span.span_id for span in self.spans}
        return [span for span in self.spans if span.parent_id not in known]

    def below(self, parent: ReceivedSpan) -> list[ReceivedSpan]:
        return [span for span in self.spans if span.parent_id == parent.span_id]

    def __str__(self) -> str:
        return "\n".join(line for root in self.roots for line in self._lines(root, 0))

    def _lines(self, span: ReceivedSpan, depth: int) -> Iterator[str]:
        indent = "  " * depth
        yield f"{indent}{span}"
        for name, attributes in span.events:
            yield f"{indent}  * {name} {attributes}"
        for child in self.below(span):
            yield from self._lines(child, depth + 1)


@dataclass
class Collector:
    """Listens on a free port of the loopback while it is entered; ``endpoint`` is what ``NOVACRON_OTLP_ENDPOINT`` wants."""

    endpoint: str = ""
    spans: list[ReceivedSpan] = field(default_factory=list)
    # The newest value of each metric, by its name and the instance that sent it.
    metrics: dict[tuple[str, str], Metric] = field(default_factory=dict)
    exports: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="collector"))

    def __enter__(self) -> Collector:
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Traces(self._take_spans), self._server)
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(self._take_metrics), self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()

    def trace(self, trace_id: str) -> Trace:
        """What has arrived of one trace."""
        with self._lock:
            found = [span for span in self.spans if span.trace_id == trace_id]
        return Trace(tuple(sorted(found, key=lambda span: span.start_ns)))

    def named(self, name: str) -> list[ReceivedSpan]:
        with self._lock:
            return [span for span in self.spans if span.name == name]

    def _take_spans(self, request: trace_service_pb2.ExportTraceServiceRequest) -> None:
        with self._lock:
            self.exports += 1
            for resource in request.resource_spans:
                about = _attributes(resource.resource.attributes)
                for scope in resource.scope_spans:
                    self.spans += [_received(about, span) for span in scope.spans]

    def _take_metrics(self, request: metrics_service_pb2.ExportMetricsServiceRequest) -> None:
        with self._lock:
            self.exports += 1
            for resource in request.resource_metrics:
                instance = str(_attributes(resource.resource.attributes).get("service.instance.id", ""))
                for scope in resource.scope_metrics:
                    self.metrics |= {(metric.name, instance): metric for metric in scope.metrics}


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, take: Callable[[trace_service_pb2.ExportTraceServiceRequest], None]) -> None:
        self._take = take

    def Export(self, request: Any, context: Any) -> trace_service_pb2.ExportTraceServiceResponse:
        self._take(request)
        return trace_service_pb2.ExportTraceServiceResponse()


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, take: Callable[[metrics_service_pb2.ExportMetricsServiceRequest], None]) -> None:
        self._take = take

    def Export(self, request: Any, context: Any) -> metrics_service_pb2.ExportMetricsServiceResponse:
        self._take(request)
        return metrics_service_pb2.ExportMetricsServiceResponse()


def _received(about: Attributes, span: trace_pb2.Span) -> ReceivedSpan:
    return ReceivedSpan(
        service=str(about.get("service.name", "")),
        instance=str(about.get("service.instance.id", "")),
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=tuple((event.name, _attributes(event.attributes)) for event in span.events),
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
    )
