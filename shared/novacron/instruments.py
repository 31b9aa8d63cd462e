"""Every number that NovaCron tells of itself: named once, read by two.

An instrument is declared as OpenTelemetry names it, and kept in ``prometheus_client``'s registry under the name that
OpenTelemetry's rules for Prometheus make of it: ``rpc.server.call.duration`` in ``s`` is ``rpc_server_call_duration_seconds``.
From there it is scraped (:mod:`novacron.exposition`) and, where a collector is set, exported over OTLP under its own name again
(:mod:`novacron.otlp_metrics`).

Measured before it was decided: one record of the OpenTelemetry SDK costs ten times what a labelled child of
``prometheus_client`` does, and every call makes two. Whoever records at each call keeps the child.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar
from weakref import ReferenceType, ref

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

T = TypeVar("T")
# What is read at the time of collection: the values of the attributes, and the number.
Observation = tuple[tuple[str, ...], float]

# Of the conventions for durations of calls; below 5 ms two more, because that is where calls between services are.
CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60)

_UNITS = {"s": "seconds", "By": "bytes"}


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument as OpenTelemetry names it."""

    name: str
    unit: str
    description: str
    attributes: tuple[str, ...]


_declared: dict[str, Instrument] = {}


def declared(family: str) -> Instrument | None:
    """What the registry's family of this name was declared as; None for what is not ours."""
    return _declared.get(family)


def every() -> list[Instrument]:
    """All that were declared so far: a module declares its own when it is imported."""
    return list(_declared.values())


def counter(name: str, unit: str, description: str, *attributes: str) -> Counter:
    """A sum that only grows."""
    return Counter(_declare(name, unit, description, attributes), description, _labels(attributes))


def gauge(name: str, unit: str, description: str, *attributes: str) -> Gauge:
    """A number that goes up and down."""
    return Gauge(_declare(name, unit, description, attributes, gauge=True), description, _labels(attributes))


def histogram(
    name: str, unit: str, description: str, *attributes: str, buckets: tuple[float, ...] = CALL_SECONDS
) -> Histogram:
    """How many fell between which bounds."""
    family = _declare(name, unit, description, attributes)
    return Histogram(family, description, _labels(attributes), buckets=buckets)


def observed(
    kind: Literal["counter", "gauge"],
    name: str,
    unit: str,
    description: str,
    attributes: tuple[str, ...],
    observe: Callable[[], Iterable[Observation]],
) -> None:
    """Ask ``observe`` whenever somebody collects: what is kept anyhow costs nothing more.

    It is asked on the collecting thread: it reads, and awaits nothing.
    """
    family = _declare(name, unit, description, attributes, gauge=kind == "gauge")
    REGISTRY.register(_Observed(kind, family, description, _labels(attributes), observe))


class Watched(Generic[T]):
    """What is observed for as long as it lives. Added to on one thread, gone through on another."""

    def __init__(self) -> None:
        self._refs: dict[int, ReferenceType[T]] = {}

    def add(self, one: T) -> None:
        key = id(one)
        self._refs[key] = ref(one, lambda gone: self._forget(key, gone))

    def __iter__(self) -> Iterator[T]:
        # A copy made in one step: the thread that collects is not the one that adds.
        for one in tuple(self._refs.values()):
            if (alive := one()) is not None:
                yield alive

    def _forget(self, key: int, gone: ReferenceType[T]) -> None:
        if self._refs.get(key) is gone:  # the address may be another's by now
            del self._refs[key]


class _Observed(Collector):
    def __init__(
        self,
        kind: Literal["counter", "gauge"],
        family: str,
        description: str,
        labels: tuple[str, ...],
        observe: Callable[[], Iterable[Observation]],
    ) -> None:
        self._make = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
        self._family = family
        self._description = description
        self._labels = labels
        self._observe = observe

    def describe(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        return [self._make(self._family, self._description, labels=self._labels)]

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        # Two of one name (two channels to one target) are one series: their sum.
        sums: dict[tuple[str, ...], float] = {}
        for values, number in self._observe():
            sums[values] = sums.get(values, 0.0) + number
        family = self._make(self._family, self._description, labels=self._labels)
        for values, number in sums.items():
            family.add_metric(values, number)
        return [family]


def _declare(name: str, unit: str, description: str, attributes: tuple[str, ...], *, gauge: bool = False) -> str:
    family = "_".join(part for part in (_flat(name), _suffix(unit, gauge)) if part)
    _declared[family] = Instrument(name, unit, description, attributes)
    return family


def _suffix(unit: str, gauge: bool) -> str:
    if unit == "1":
        return "ratio" if gauge else ""
    return _UNITS.get(unit, "")  # {call} and its like are for the reader, not for the name


def _labels(attributes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_flat(one) for one in attributes)


def _flat(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)
