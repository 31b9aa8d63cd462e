"""The way to a collector: spans in batches, numbers now and then, over OTLP.

Everything here runs on threads of its own. A collector that is away, or that takes a connection and never answers, delays no
call and no stop: what does not fit the queue is dropped, and at the stop it gets a second for what is left, and none at all
when it is seen to be away by then.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from . import __version__, logs, otlp_metrics
from .settings import ProcessSettings

log = logs.logger(__name__)

_BATCH_SECONDS = 1.0
_EXPORT_SECONDS = 5.0
_LAST_WORDS_SECONDS = 1.0
# A collector on the way to which an export has been for so long is not there: the exporter tries again and again.
_SOUND_SECONDS = 0.5
T = TypeVar("T", contravariant=True)


class _Exporter(Protocol[T]):
    def export(self, batch: T, /) -> object: ...
    def shutdown(self) -> None: ...


class _Watchful(Generic[T]):
    """An exporter that knows whether its collector takes what it sends, and says so when that changes, not each time."""

    def __init__(self, signal: str, inner: _Exporter[T]) -> None:
        self._signal = signal
        self._inner = inner
        self.away = False
        self._began: float | None = None

    @property
    def seems_away(self) -> bool:
        """Whether the last export failed, or this one is on its way for suspiciously long."""
        began = self._began
        return self.away or (began is not None and time.monotonic() - began > _SOUND_SECONDS)

    def export(self, batch: T) -> bool:
        self._began = time.monotonic()
        try:
            taken = getattr(self._inner.export(batch), "name", "") == "SUCCESS"
        finally:
            self._began = None
        if taken == self.away:
            tell = log.info if taken else log.warning
            tell("the collector takes telemetry again" if taken else "the collector is away", signal=self._signal)
        self.away = not taken
        return taken

    def shutdown(self) -> None:
        self._inner.shutdown()


class _Spans(SpanExporter):
    def __init__(self, watchful: _Watchful[Sequence[ReadableSpan]]) -> None:
        self._watchful = watchful

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS if self._watchful.export(spans) else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._watchful.shutdown()


class Export:
    """Exports this process's spans and numbers until it is stopped."""

    def __init__(self, settings: ProcessSettings, service: str) -> None:
        # The exporters tell every retry; what an operator needs of it is told once, above.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
        resource = Resource.create(
            {
                "service.name": f"novacron-{service}",
                "service.version": __version__,
                "service.instance.id": settings.instance or f"{service}-{os.getpid()}",
                "deployment.environment.name": settings.environment,
            }
        )
        endpoint = settings.otlp_endpoint
        self._spans: _Watchful[Sequence[ReadableSpan]] = _Watchful(
            "traces", OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_SECONDS)
        )
        self._numbers: _Watchful[MetricsData] = _Watchful(
            "metrics", OTLPMetricExporter(endpoint=endpoint, timeout=_EXPORT_SECONDS)
        )
        self.tracer_provider = TracerProvider(
            resource=resource,
            sampler=ParentBased(TraceIdRatioBased(settings.trace_sample_ratio)),
            shutdown_on_exit=False,
        )
        self.tracer_provider.add_span_processor(
            BatchSpanProcessor(_Spans(self._spans), schedule_delay_millis=_BATCH_SECONDS * 1000)
        )
        self._resource = resource
        self._every_seconds = settings.otlp_metrics_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send_numbers, name="otlp-metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send what is left, and return within a second and a half whatever the collector does."""
        if self._spans.seems_away or self._numbers.seems_away:
            self._spans.shutdown()  # before the last exports, which then fail at once
            self._numbers.shutdown()
        self._stopping.set()
        ends = time.monotonic() + _LAST_WORDS_SECONDS
        last = threading.Thread(target=self.tracer_provider.shutdown, name="otlp-stop", daemon=True)
        last.start()
        for exporter, thread in ((self._spans, last), (self._numbers, self._thread)):
            thread.join(max(ends - time.monotonic(), 0.0))
            if thread.is_alive():
                exporter.shutdown()  # closes the connection: what waits for an answer on it ends
                thread.join(_LAST_WORDS_SECONDS / 4)

    def _send_numbers(self) -> None:
        """At once, so that it shows whether there is a collector; then ever again; and at the stop."""
        since = time.time_ns()
        last = False
        while True:
            try:
                self._numbers.export(otlp_metrics.collected(self._resource, since))
            except Exception:
                log.exception("numbers not exported")
            if last:
                break
            last = self._stopping.wait(self._every_seconds)
        self._numbers.shutdown()
