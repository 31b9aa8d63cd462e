"""What a service and an instance of it are, and how the one's state follows from the others'. No I/O."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

LEASE_LAPSED = "lease lapsed"


class ServiceType(enum.StrEnum):
    """The seed's service types."""

    API_GATEWAY = "api_gateway"
    MICROSERVICE = "microservice"
    WORKER_SERVICE = "worker_service"
    SCHEDULER_SERVICE = "scheduler_service"
    DATA_SERVICE = "data_service"


class Status(enum.StrEnum):
    """The seed's service states; an instance is unknown, healthy or unhealthy."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Health:
    """What asking an instance found; ``message`` says why it is not healthy."""

    status: Status
    message: str = ""


@dataclass(frozen=True, slots=True)
class NewInstance:
    """A process that says that it is there."""

    service_name: str
    service_version: str
    service_type: ServiceType
    instance: str
    endpoint: str
    mesh_endpoint: str
    started_at: datetime | None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """Where users find it; for what serves no users (an agent), where services do."""
        return f"grpcs://{self.endpoint or self.mesh_endpoint}"

    @property
    def health_check_url(self) -> str:
        return f"grpcs://{self.mesh_endpoint}/grpc.health.v1.Health/Check"


@dataclass(frozen=True, slots=True)
class Instance:
    """A process of a service, as stored."""

    instance_id: UUID
    instance: str
    endpoint: str
    mesh_endpoint: str
    status: Status
    status_message: str
    lease_until: datetime
    last_health_check: datetime | None
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Service:
    """All instances of one name and version in this environment. ``revision`` grows with every change of any of it."""

    service_id: UUID
    service_name: str
    service_version: str
    service_type: ServiceType
    environment: str
    status: Status
    labels: Mapping[str, str]
    revision: int
    created_at: datetime
    updated_at: datetime
    instances: tuple[Instance, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A service as it is now; or, ``removed``, as it last was."""

    service: Service
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """An instance that one replica has taken on to ask, as it stood then."""

    instance_id: UUID
    service_id: UUID
    service_name: str
    instance: str
    mesh_endpoint: str
    health: Health
    started_at: datetime | None


def status_of(instances: Collection[Status], now: Status = Status.UNKNOWN) -> Status:
    """A service's state out of its instances'.

    Those not asked yet do not count: a replica that joins must not make the others look degraded. What an operator has taken
    out (``maintenance``) stays out.
    """
    if now is Status.MAINTENANCE:
        return now
    if not instances:
        return Status.UNHEALTHY
    known = {status for status in instances if status is not Status.UNKNOWN}
    if not known:
        return Status.UNKNOWN
    if known == {Status.HEALTHY}:
        return Status.HEALTHY
    return Status.DEGRADED if Status.HEALTHY in known else Status.UNHEALTHY


def changes(before: Mapping[UUID, Service], after: Mapping[UUID, Service]) -> list[Change]:
    """What somebody who knows ``before`` must be told: what is new or other, by name, then what is gone."""
    other = [
        service
        for service_id, service in after.items()
        if service_id not in before or before[service_id].revision != service.revision
    ]
    other.sort(key=lambda service: (service.service_name, service.service_version))
    gone = [service for service_id, service in before.items() if service_id not in after]
    return [*map(Change, other), *(Change(service, removed=True) for service in gone)]
