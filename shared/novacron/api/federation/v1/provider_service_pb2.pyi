import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProviderType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROVIDER_TYPE_UNSPECIFIED: _ClassVar[ProviderType]
    PROVIDER_TYPE_AWS: _ClassVar[ProviderType]
    PROVIDER_TYPE_AZURE: _ClassVar[ProviderType]
    PROVIDER_TYPE_GCP: _ClassVar[ProviderType]
    PROVIDER_TYPE_ON_PREMISE: _ClassVar[ProviderType]
    PROVIDER_TYPE_HYBRID: _ClassVar[ProviderType]

class ProviderHealth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROVIDER_HEALTH_UNSPECIFIED: _ClassVar[ProviderHealth]
    PROVIDER_HEALTH_HEALTHY: _ClassVar[ProviderHealth]
    PROVIDER_HEALTH_DEGRADED: _ClassVar[ProviderHealth]
    PROVIDER_HEALTH_UNHEALTHY: _ClassVar[ProviderHealth]
    PROVIDER_HEALTH_UNKNOWN: _ClassVar[ProviderHealth]
PROVIDER_TYPE_UNSPECIFIED: ProviderType
PROVIDER_TYPE_AWS: ProviderType
PROVIDER_TYPE_AZURE: ProviderType
PROVIDER_TYPE_GCP: ProviderType
PROVIDER_TYPE_ON_PREMISE: ProviderType
PROVIDER_TYPE_HYBRID: ProviderType
PROVIDER_HEALTH_UNSPECIFIED: ProviderHealth
PROVIDER_HEALTH_HEALTHY: ProviderHealth
PROVIDER_HEALTH_DEGRADED: ProviderHealth
PROVIDER_HEALTH_UNHEALTHY: ProviderHealth
PROVIDER_HEALTH_UNKNOWN: ProviderHealth

class CloudProvider(_message.Message):
    __slots__ = ("provider_id", "name", "provider_type", "regions", "endpoint", "enabled", "priority", "health_status", "health_message", "last_health_check", "created_at")
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_TYPE_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    HEALTH_STATUS_FIELD_NUMBER: _ClassVar[int]
    HEALTH_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_HEALTH_CHECK_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    provider_id: str
    name: str
    provider_type: ProviderType
    regions: _containers.RepeatedScalarFieldContainer[str]
    endpoint: str
    enabled: bool
    priority: int
    health_status: ProviderHealth
    health_message: str
    last_health_check: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, provider_id: _Optional[str] = ..., name: _Optional[str] = ..., provider_type: _Optional[_Union[ProviderType, str]] = ..., regions: _Optional[_Iterable[str]] = ..., endpoint: _Optional[str] = ..., enabled: _Optional[bool] = ..., priority: _Optional[int] = ..., health_status: _Optional[_Union[ProviderHealth, str]] = ..., health_message: _Optional[str] = ..., last_health_check: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OnPremiseCredentials(_message.Message):
    __slots__ = ("username", "password", "tenant", "auth_endpoint", "ca_pem")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    AUTH_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    CA_PEM_FIELD_NUMBER: _ClassVar[int]
    username: str
    password: str
    tenant: str
    auth_endpoint: str
    ca_pem: str
    def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ..., tenant: _Optional[str] = ..., auth_endpoint: _Optional[str] = ..., ca_pem: _Optional[str] = ...) -> None: ...

class CreateCloudProviderRequest(_message.Message):
    __slots__ = ("provider_id", "name", "provider_type", "regions", "endpoint", "priority", "on_premise")
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_TYPE_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ON_PREMISE_FIELD_NUMBER: _ClassVar[int]
    provider_id: str
    name: str
    provider_type: ProviderType
    regions: _containers.RepeatedScalarFieldContainer[str]
    endpoint: str
    priority: int
    on_premise: OnPremiseCredentials
    def __init__(self, provider_id: _Optional[str] = ..., name: _Optional[str] = ..., provider_type: _Optional[_Union[ProviderType, str]] = ..., regions: _Optional[_Iterable[str]] = ..., endpoint: _Optional[str] = ..., priority: _Optional[int] = ..., on_premise: _Optional[_Union[OnPremiseCredentials, _Mapping]] = ...) -> None: ...

class GetCloudProviderRequest(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: str
    def __init__(self, provider: _Optional[str] = ...) -> None: ...

class ListCloudProvidersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCloudProvidersResponse(_message.Message):
    __slots__ = ("providers", "next_page_token")
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedCompositeFieldContainer[CloudProvider]
    next_page_token: str
    def __init__(self, providers: _Optional[_Iterable[_Union[CloudProvider, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteCloudProviderRequest(_message.Message):
    __slots__ = ("provider_id",)
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    provider_id: str
    def __init__(self, provider_id: _Optional[str] = ...) -> None: ...

class DeleteCloudProviderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CheckProviderHealthRequest(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: str
    def __init__(self, provider: _Optional[str] = ...) -> None: ...
