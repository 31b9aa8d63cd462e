import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReleaseLeakRequest(_message.Message):
    __slots__ = ("vm_id", "node_id", "decision_id")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    node_id: str
    decision_id: str
    def __init__(self, vm_id: _Optional[str] = ..., node_id: _Optional[str] = ..., decision_id: _Optional[str] = ...) -> None: ...

class ReleaseLeakResponse(_message.Message):
    __slots__ = ("released",)
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    released: bool
    def __init__(self, released: _Optional[bool] = ...) -> None: ...

class ListExpiredReservationsRequest(_message.Message):
    __slots__ = ("page_size", "after")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    after: ExpiredReservation
    def __init__(self, page_size: _Optional[int] = ..., after: _Optional[_Union[ExpiredReservation, _Mapping]] = ...) -> None: ...

class ListExpiredReservationsResponse(_message.Message):
    __slots__ = ("reservations",)
    RESERVATIONS_FIELD_NUMBER: _ClassVar[int]
    reservations: _containers.RepeatedCompositeFieldContainer[ExpiredReservation]
    def __init__(self, reservations: _Optional[_Iterable[_Union[ExpiredReservation, _Mapping]]] = ...) -> None: ...

class ExpiredReservation(_message.Message):
    __slots__ = ("vm_id", "node_id", "decision_id", "allocated_at")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    ALLOCATED_AT_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    node_id: str
    decision_id: str
    allocated_at: _timestamp_pb2.Timestamp
    def __init__(self, vm_id: _Optional[str] = ..., node_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., allocated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
