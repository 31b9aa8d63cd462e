import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from novacron.api.types.v1 import breaker_pb2 as _breaker_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BreakerAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BREAKER_ACTION_UNSPECIFIED: _ClassVar[BreakerAction]
    BREAKER_ACTION_OPEN: _ClassVar[BreakerAction]
    BREAKER_ACTION_CLOSE: _ClassVar[BreakerAction]
    BREAKER_ACTION_RESET: _ClassVar[BreakerAction]
    BREAKER_ACTION_DISABLE: _ClassVar[BreakerAction]
    BREAKER_ACTION_METRICS_ONLY: _ClassVar[BreakerAction]
BREAKER_ACTION_UNSPECIFIED: BreakerAction
BREAKER_ACTION_OPEN: BreakerAction
BREAKER_ACTION_CLOSE: BreakerAction
BREAKER_ACTION_RESET: BreakerAction
BREAKER_ACTION_DISABLE: BreakerAction
BREAKER_ACTION_METRICS_ONLY: BreakerAction

class Breaker(_message.Message):
    __slots__ = ("target", "breaker_class", "state", "since", "retry_after", "calls", "failure_rate", "slow_rate", "in_flight", "rejected", "opened", "set_by", "set_reason", "settings")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    BREAKER_CLASS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_RATE_FIELD_NUMBER: _ClassVar[int]
    SLOW_RATE_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    SET_BY_FIELD_NUMBER: _ClassVar[int]
    SET_REASON_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    target: str
    breaker_class: str
    state: _breaker_pb2.BreakerState
    since: _timestamp_pb2.Timestamp
    retry_after: _duration_pb2.Duration
    calls: int
    failure_rate: float
    slow_rate: float
    in_flight: int
    rejected: int
    opened: int
    set_by: str
    set_reason: str
    settings: _breaker_pb2.BreakerSettings
    def __init__(self, target: _Optional[str] = ..., breaker_class: _Optional[str] = ..., state: _Optional[_Union[_breaker_pb2.BreakerState, str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., calls: _Optional[int] = ..., failure_rate: _Optional[float] = ..., slow_rate: _Optional[float] = ..., in_flight: _Optional[int] = ..., rejected: _Optional[int] = ..., opened: _Optional[int] = ..., set_by: _Optional[str] = ..., set_reason: _Optional[str] = ..., settings: _Optional[_Union[_breaker_pb2.BreakerSettings, _Mapping]] = ...) -> None: ...

class Target(_message.Message):
    __slots__ = ("target", "retry_budget_left", "retries_refused", "bulkhead_in_flight", "bulkhead_limit", "bulkhead_queue", "bulkhead_refused")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    RETRY_BUDGET_LEFT_FIELD_NUMBER: _ClassVar[int]
    RETRIES_REFUSED_FIELD_NUMBER: _ClassVar[int]
    BULKHEAD_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    BULKHEAD_LIMIT_FIELD_NUMBER: _ClassVar[int]
    BULKHEAD_QUEUE_FIELD_NUMBER: _ClassVar[int]
    BULKHEAD_REFUSED_FIELD_NUMBER: _ClassVar[int]
    target: str
    retry_budget_left: float
    retries_refused: int
    bulkhead_in_flight: int
    bulkhead_limit: int
    bulkhead_queue: int
    bulkhead_refused: int
    def __init__(self, target: _Optional[str] = ..., retry_budget_left: _Optional[float] = ..., retries_refused: _Optional[int] = ..., bulkhead_in_flight: _Optional[int] = ..., bulkhead_limit: _Optional[int] = ..., bulkhead_queue: _Optional[int] = ..., bulkhead_refused: _Optional[int] = ...) -> None: ...

class ServerLoad(_message.Message):
    __slots__ = ("in_flight", "limit", "queue_delay", "shed")
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    QUEUE_DELAY_FIELD_NUMBER: _ClassVar[int]
    SHED_FIELD_NUMBER: _ClassVar[int]
    in_flight: int
    limit: int
    queue_delay: _duration_pb2.Duration
    shed: int
    def __init__(self, in_flight: _Optional[int] = ..., limit: _Optional[int] = ..., queue_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., shed: _Optional[int] = ...) -> None: ...

class ListBreakersRequest(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: str
    def __init__(self, target: _Optional[str] = ...) -> None: ...

class ListBreakersResponse(_message.Message):
    __slots__ = ("service", "instance", "breakers", "targets", "server")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    BREAKERS_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    service: str
    instance: str
    breakers: _containers.RepeatedCompositeFieldContainer[Breaker]
    targets: _containers.RepeatedCompositeFieldContainer[Target]
    server: ServerLoad
    def __init__(self, service: _Optional[str] = ..., instance: _Optional[str] = ..., breakers: _Optional[_Iterable[_Union[Breaker, _Mapping]]] = ..., targets: _Optional[_Iterable[_Union[Target, _Mapping]]] = ..., server: _Optional[_Union[ServerLoad, _Mapping]] = ...) -> None: ...

class SetBreakerRequest(_message.Message):
    __slots__ = ("target", "breaker_class", "action", "reason")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    BREAKER_CLASS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    target: str
    breaker_class: str
    action: BreakerAction
    reason: str
    def __init__(self, target: _Optional[str] = ..., breaker_class: _Optional[str] = ..., action: _Optional[_Union[BreakerAction, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class SetBreakerResponse(_message.Message):
    __slots__ = ("instance", "breakers")
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    BREAKERS_FIELD_NUMBER: _ClassVar[int]
    instance: str
    breakers: _containers.RepeatedCompositeFieldContainer[Breaker]
    def __init__(self, instance: _Optional[str] = ..., breakers: _Optional[_Iterable[_Union[Breaker, _Mapping]]] = ...) -> None: ...
