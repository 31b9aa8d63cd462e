import datetime

from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_LOW: _ClassVar[Priority]
    PRIORITY_NORMAL: _ClassVar[Priority]
    PRIORITY_HIGH: _ClassVar[Priority]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_LOW: Priority
PRIORITY_NORMAL: Priority
PRIORITY_HIGH: Priority
ACCESS_FIELD_NUMBER: _ClassVar[int]
access: _descriptor.FieldDescriptor
CALL_FIELD_NUMBER: _ClassVar[int]
call: _descriptor.FieldDescriptor

class Access(_message.Message):
    __slots__ = ("permission", "callers", "public", "authenticated")
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATED_FIELD_NUMBER: _ClassVar[int]
    permission: str
    callers: _containers.RepeatedScalarFieldContainer[str]
    public: bool
    authenticated: bool
    def __init__(self, permission: _Optional[str] = ..., callers: _Optional[_Iterable[str]] = ..., public: _Optional[bool] = ..., authenticated: _Optional[bool] = ...) -> None: ...

class CallPolicy(_message.Message):
    __slots__ = ("timeout", "breaker_class", "priority", "fallback")
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    BREAKER_CLASS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    timeout: _duration_pb2.Duration
    breaker_class: str
    priority: Priority
    fallback: Fallback
    def __init__(self, timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., breaker_class: _Optional[str] = ..., priority: _Optional[_Union[Priority, str]] = ..., fallback: _Optional[_Union[Fallback, _Mapping]] = ...) -> None: ...

class Fallback(_message.Message):
    __slots__ = ("cached_value", "another_service", "default_value")
    CACHED_VALUE_FIELD_NUMBER: _ClassVar[int]
    ANOTHER_SERVICE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    cached_value: _duration_pb2.Duration
    another_service: bool
    default_value: str
    def __init__(self, cached_value: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., another_service: _Optional[bool] = ..., default_value: _Optional[str] = ...) -> None: ...
