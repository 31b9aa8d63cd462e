"""Messages of the protos to what the service works with, and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from novacron.api.monitoring import v1
from novacron.errors import InvalidArgument

from . import quantile
from .question import Aggregate, Question, asked
from .sample import METRICS, Sample
from .samples import Written
from .store import Point, Quantile
from .target import DEFAULT_INTERVAL, NewTarget, Target

_AGGREGATES = {
    v1.AGGREGATE_UNSPECIFIED: Aggregate.AVG,
    v1.AGGREGATE_AVG: Aggregate.AVG,
    v1.AGGREGATE_MIN: Aggregate.MIN,
    v1.AGGREGATE_MAX: Aggregate.MAX,
    v1.AGGREGATE_SUM: Aggregate.SUM,
    v1.AGGREGATE_COUNT: Aggregate.COUNT,
    v1.AGGREGATE_LAST: Aggregate.LAST,
}


def new_target(request: v1.CreateVmMonitoringRequest) -> NewTarget:
    interval = request.interval.ToTimedelta() if request.HasField("interval") else DEFAULT_INTERVAL
    return NewTarget(UUID(request.vm_id), UUID(request.tenant_id), UUID(request.node_id), interval)


def monitoring(target: Target) -> v1.VmMonitoring:
    message = v1.VmMonitoring(vm_id=str(target.vm_id), tenant_id=str(target.tenant_id), node_id=str(target.node_id))
    message.interval.FromTimedelta(target.sample_interval)
    message.created_at.FromDatetime(target.created_at)
    return message


def deleted(was_kept: bool) -> v1.DeleteVmMonitoringResponse:
    return v1.DeleteVmMonitoringResponse(deleted=was_kept)


def samples(request: v1.IngestVmMetricsRequest) -> list[Sample]:
    return [
        Sample(
            _time(one.time, "samples[%d].time", position),
            UUID(one.vm_id),
            *[getattr(one, name) if one.HasField(name) else None for name in METRICS],
        )
        for position, one in enumerate(request.samples)
    ]


def acknowledgement(sequence: int, written: Written) -> v1.IngestVmMetricsResponse:
    return v1.IngestVmMetricsResponse(sequence=sequence, written=written.written, dropped=written.dropped)


def question(request: v1.QueryVmMetricsRequest, now: datetime) -> Question:
    return asked(
        UUID(request.vm_id),
        request.metric,
        start=_time(request.start_time, "start_time") if request.HasField("start_time") else None,
        end=_time(request.end_time, "end_time") if request.HasField("end_time") else None,
        step=request.step.ToTimedelta() if request.HasField("step") else None,
        aggregate=_AGGREGATES[request.aggregate],
        now=now,
    )


def answer(points: Iterable[Point], unit: str) -> v1.QueryVmMetricsResponse:
    response = v1.QueryVmMetricsResponse(unit=unit)
    for point in points:
        response.points.add(value=point.value).time.FromDatetime(point.time)
    return response


def quantile_question(request: v1.GetVmMetricsQuantilesRequest, now: datetime) -> quantile.QuantileQuestion:
    return quantile.asked(
        [UUID(vm_id) for vm_id in request.vm_ids],
        request.metric,
        request.quantile,
        start=_time(request.start_time, "start_time") if request.HasField("start_time") else None,
        end=_time(request.end_time, "end_time") if request.HasField("end_time") else None,
        now=now,
    )


def quantiles(found: Iterable[Quantile], unit: str) -> v1.GetVmMetricsQuantilesResponse:
    return v1.GetVmMetricsQuantilesResponse(
        quantiles=[v1.VmMetricsQuantile(vm_id=str(one.vm_id), value=one.value) for one in found], unit=unit
    )


def sample(vm_sample: Sample) -> v1.VmSample:
    measured = {name: value for name in METRICS if (value := getattr(vm_sample, name)) is not None}
    message = v1.VmSample(vm_id=str(vm_sample.vm_id), **measured)
    message.time.FromDatetime(vm_sample.time)
    return message


def _time(stamp: Timestamp, field: str, *position: int) -> datetime:
    """In UTC, to the microsecond."""
    try:
        return stamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument.at(field % position, "is no time between the years 1 and 9999") from None
