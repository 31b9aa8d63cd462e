import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from novacron.api.types.v1 import breaker_pb2 as _breaker_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CircuitBreakerConfiguration(_message.Message):
    __slots__ = ("circuit_breaker_id", "service_name", "target_service_name", "breaker_class", "settings", "current_state", "fallback_response", "fallback_service_name", "reason", "revision", "updated_by", "created_at", "updated_at")
    CIRCUIT_BREAKER_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    BREAKER_CLASS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_STATE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    circuit_breaker_id: str
    service_name: str
    target_service_name: str
    breaker_class: str
    settings: _breaker_pb2.BreakerSettings
    current_state: _breaker_pb2.BreakerState
    fallback_response: _struct_pb2.Struct
    fallback_service_name: str
    reason: str
    revision: int
    updated_by: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, circuit_breaker_id: _Optional[str] = ..., service_name: _Optional[str] = ..., target_service_name: _Optional[str] = ..., breaker_class: _Optional[str] = ..., settings: _Optional[_Union[_breaker_pb2.BreakerSettings, _Mapping]] = ..., current_state: _Optional[_Union[_breaker_pb2.BreakerState, str]] = ..., fallback_response: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., fallback_service_name: _Optional[str] = ..., reason: _Optional[str] = ..., revision: _Optional[int] = ..., updated_by: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateCircuitBreakerConfigurationRequest(_message.Message):
    __slots__ = ("configuration",)
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    configuration: CircuitBreakerConfiguration
    def __init__(self, configuration: _Optional[_Union[CircuitBreakerConfiguration, _Mapping]] = ...) -> None: ...

class GetCircuitBreakerConfigurationRequest(_message.Message):
    __slots__ = ("circuit_breaker_id",)
    CIRCUIT_BREAKER_ID_FIELD_NUMBER: _ClassVar[int]
    circuit_breaker_id: str
    def __init__(self, circuit_breaker_id: _Optional[str] = ...) -> None: ...

class ListCircuitBreakerConfigurationsRequest(_message.Message):
    __slots__ = ("service_name", "page_size", "page_token")
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    service_name: str
    page_size: int
    page_token: str
    def __init__(self, service_name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCircuitBreakerConfigurationsResponse(_message.Message):
    __slots__ = ("configurations", "next_page_token")
    CONFIGURATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    configurations: _containers.RepeatedCompositeFieldContainer[CircuitBreakerConfiguration]
    next_page_token: str
    def __init__(self, configurations: _Optional[_Iterable[_Union[CircuitBreakerConfiguration, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateCircuitBreakerConfigurationRequest(_message.Message):
    __slots__ = ("configuration",)
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    configuration: CircuitBreakerConfiguration
    def __init__(self, configuration: _Optional[_Union[CircuitBreakerConfiguration, _Mapping]] = ...) -> None: ...

class DeleteCircuitBreakerConfigurationRequest(_message.Message):
    __slots__ = ("circuit_breaker_id",)
    CIRCUIT_BREAKER_ID_FIELD_NUMBER: _ClassVar[int]
    circuit_breaker_id: str
    def __init__(self, circuit_breaker_id: _Optional[str] = ...) -> None: ...

class DeleteCircuitBreakerConfigurationResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchCircuitBreakerConfigurationsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CircuitBreakerConfigurations(_message.Message):
    __slots__ = ("configurations",)
    CONFIGURATIONS_FIELD_NUMBER: _ClassVar[int]
    configurations: _containers.RepeatedCompositeFieldContainer[CircuitBreakerConfiguration]
    def __init__(self, configurations: _Optional[_Iterable[_Union[CircuitBreakerConfiguration, _Mapping]]] = ...) -> None: ...
