"""Between the registry's protos and its domain."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from novacron.api.registry import v1
from novacron.errors import InvalidArgument
from novacron.rpc.endpoint import host_port

from .service import Change, Instance, NewInstance, Service, ServiceType

_TYPES = {
    v1.SERVICE_TYPE_UNSPECIFIED: ServiceType.MICROSERVICE,
    v1.SERVICE_TYPE_API_GATEWAY: ServiceType.API_GATEWAY,
    v1.SERVICE_TYPE_MICROSERVICE: ServiceType.MICROSERVICE,
    v1.SERVICE_TYPE_WORKER_SERVICE: ServiceType.WORKER_SERVICE,
    v1.SERVICE_TYPE_SCHEDULER_SERVICE: ServiceType.SCHEDULER_SERVICE,
    v1.SERVICE_TYPE_DATA_SERVICE: ServiceType.DATA_SERVICE,
}
_MOST_OF_A_LABEL = 255


def new_instance(request: v1.RegisterInstanceRequest) -> NewInstance:
    """:raises InvalidArgument: an endpoint is not host:port, or a name, label or time is none."""
    return NewInstance(
        service_name=request.service_name,
        service_version=request.service_version,
        service_type=_TYPES[request.service_type],
        instance=_printable("instance", request.instance),
        endpoint=_endpoint("endpoint", request.endpoint) if request.endpoint else "",
        mesh_endpoint=_endpoint("mesh_endpoint", request.mesh_endpoint),
        started_at=_time("started_at", request.started_at) if request.HasField("started_at") else None,
        labels={_label("labels", key): _label(f'labels["{key}"]', value) for key, value in request.labels.items()},
    )


def service(found: Service) -> v1.Service:
    message = v1.Service(
        service_id=str(found.service_id),
        service_name=found.service_name,
        service_version=found.service_version,
        service_type=f"SERVICE_TYPE_{found.service_type.upper()}",
        environment=found.environment,
        status=f"SERVICE_STATUS_{found.status.upper()}",
        labels=dict(found.labels),
        instances=[_instance(one) for one in found.instances],
    )
    message.created_at.FromDatetime(found.created_at)
    message.updated_at.FromDatetime(found.updated_at)
    return message


def event(change: Change) -> v1.ServiceEvent:
    return v1.ServiceEvent(service=service(change.service), removed=change.removed)


def _instance(found: Instance) -> v1.Instance:
    message = v1.Instance(
        instance=found.instance,
        endpoint=found.endpoint,
        mesh_endpoint=found.mesh_endpoint,
        status=f"SERVICE_STATUS_{found.status.upper()}",
        status_message=found.status_message,
    )
    message.lease_until.FromDatetime(found.lease_until)
    if found.last_health_check is not None:
        message.last_health_check.FromDatetime(found.last_health_check)
    if found.started_at is not None:
        message.started_at.FromDatetime(found.started_at)
    return message


def _endpoint(field: str, text: str) -> str:
    try:
        return host_port(text)
    except ValueError as error:
        raise InvalidArgument.at(field, str(error)) from None


def _time(field: str, timestamp: Timestamp) -> datetime:
    try:
        return timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument.at(field, "is no time between the years 1 and 9999") from None


def _label(field: str, text: str) -> str:
    if len(text) > _MOST_OF_A_LABEL:
        raise InvalidArgument.at(
            field, f"has {len(text)} characters; a label's key or value has up to {_MOST_OF_A_LABEL}"
        )
    return _printable(field, text)


def _printable(field: str, text: str) -> str:
    if not text.isprintable():
        raise InvalidArgument.at(field, "has a character that cannot be printed: leave it out")
    return text
