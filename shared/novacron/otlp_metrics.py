"""The registry's numbers as OpenTelemetry's: under the names that they were declared with."""

from __future__ import annotations

import time
from collections.abc import Iterator

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client import Metric as Family
from prometheus_client.samples import Sample

from . import __version__
from .instruments import Instrument, declared


def collected(resource: Resource, since: int, registry: CollectorRegistry = REGISTRY) -> MetricsData:
    """Everything that was declared, as it stands now; ``since`` is the start of the sums, in ns."""
    now = time.time_ns()
    found = ((family, declared(family.name)) for family in registry.collect())
    metrics = [_metric(family, instrument, since, now) for family, instrument in found if instrument is not None]
    scope = ScopeMetrics(InstrumentationScope("novacron", __version__), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _metric(family: Family, instrument: Instrument, since: int, now: int) -> Metric:
    data: Sum | Gauge | Histogram
    if family.type == "histogram":
        data = Histogram(list(_histograms(family, instrument, since, now)), AggregationTemporality.CUMULATIVE)
    else:
        ending = "_total" if family.type == "counter" else ""
        points = [
            NumberDataPoint(_attributes(sample, instrument), since, now, sample.value)
            for sample in family.samples
            if sample.name == family.name + ending
        ]
        if family.type == "counter" or instrument.unit.startswith("{"):
            # What is counted in things adds up over processes; it may go down when it is not a counter.
            data = Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=family.type == "counter")
        else:
            data = Gauge(points)
    return Metric(instrument.name, instrument.description, instrument.unit, data)


def _histograms(family: Family, instrument: Instrument, since: int, now: int) -> Iterator[HistogramDataPoint]:
    """Prometheus counts what is at or below each bound; OpenTelemetry what is between two."""
    buckets: dict[tuple[tuple[str, str], ...], list[tuple[float, int]]] = {}
    sums: dict[tuple[tuple[str, str], ...], float] = {}
    for sample in family.samples:
        key = tuple(sorted(_attributes(sample, instrument).items()))
        if sample.name.endswith("_bucket"):
            buckets.setdefault(key, []).append((float(sample.labels["le"]), int(sample.value)))
        elif sample.name.endswith("_sum"):
            sums[key] = sample.value
    for key, cumulative in buckets.items():
        counts = [count for _, count in cumulative]
        yield HistogramDataPoint(
            attributes=dict(key),
            start_time_unix_nano=since,
            time_unix_nano=now,
            count=counts[-1],
            sum=sums[key],
            bucket_counts=[here - below for here, below in zip(counts, [0, *counts[:-1]], strict=True)],
            explicit_bounds=[bound for bound, _ in cumulative[:-1]],
            min=0.0,
            max=0.0,
        )


def _attributes(sample: Sample, instrument: Instrument) -> dict[str, str]:
    """By their own names; one that is empty is one that is not there, such as the error of a call that went well."""
    names = {name.replace(".", "_"): name for name in instrument.attributes}
    return {names[label]: value for label, value in sample.labels.items() if value and label in names}
