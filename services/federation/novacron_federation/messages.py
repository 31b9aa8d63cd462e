"""Between federation's protos and its domain."""

from __future__ import annotations

from uuid import UUID

from novacron.api.federation import v1
from novacron.errors import InvalidArgument
from novacron.ids import new_id

from .credentials import Credentials, OnPremiseCredentials
from .provider import NewProvider, Provider, ProviderType

_TYPES = {
    v1.PROVIDER_TYPE_AWS: ProviderType.AWS,
    v1.PROVIDER_TYPE_AZURE: ProviderType.AZURE,
    v1.PROVIDER_TYPE_GCP: ProviderType.GCP,
    v1.PROVIDER_TYPE_ON_PREMISE: ProviderType.ON_PREMISE,
    v1.PROVIDER_TYPE_HYBRID: ProviderType.HYBRID,
}


def new_provider(request: v1.CreateCloudProviderRequest) -> NewProvider:
    """:raises InvalidArgument: the name looks like an id, or a region is no name."""
    try:
        UUID(request.name)
    except ValueError:
        pass
    else:
        raise InvalidArgument.at("name", "has the form of an id, and could be taken for one: choose another")
    for number, region in enumerate(request.regions):
        if not region.isprintable():
            raise InvalidArgument.at(f"regions[{number}]", "has a character that cannot be printed: leave it out")
    return NewProvider(
        provider_id=UUID(request.provider_id) if request.provider_id else new_id(),
        name=request.name,
        provider_type=_TYPES[request.provider_type],
        regions=tuple(request.regions),
        endpoint=request.endpoint,
        priority=request.priority,
    )


def credentials(request: v1.CreateCloudProviderRequest) -> Credentials | None:
    if not request.HasField("on_premise"):
        return None
    given = request.on_premise
    return OnPremiseCredentials(
        username=given.username,
        password=given.password,
        tenant=given.tenant,
        auth_endpoint=given.auth_endpoint,
        ca_pem=given.ca_pem,
    )


def provider(found: Provider) -> v1.CloudProvider:
    """A provider as users see it: without its credentials."""
    message = v1.CloudProvider(
        provider_id=str(found.provider_id),
        name=found.name,
        provider_type=f"PROVIDER_TYPE_{found.provider_type.upper()}",
        regions=found.regions,
        endpoint=found.endpoint,
        enabled=found.enabled,
        priority=found.priority,
        health_status=f"PROVIDER_HEALTH_{found.health.upper()}",
        health_message=found.health_message,
    )
    if found.last_health_check is not None:
        message.last_health_check.FromDatetime(found.last_health_check)
    message.created_at.FromDatetime(found.created_at)
    return message
