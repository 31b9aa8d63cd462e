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

class NodeDrainState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_DRAIN_STATE_UNSPECIFIED: _ClassVar[NodeDrainState]
    NODE_DRAIN_STATE_RUNNING: _ClassVar[NodeDrainState]
    NODE_DRAIN_STATE_CANCELLING: _ClassVar[NodeDrainState]
    NODE_DRAIN_STATE_DRAINED: _ClassVar[NodeDrainState]
    NODE_DRAIN_STATE_FAILED: _ClassVar[NodeDrainState]
    NODE_DRAIN_STATE_CANCELLED: _ClassVar[NodeDrainState]
NODE_DRAIN_STATE_UNSPECIFIED: NodeDrainState
NODE_DRAIN_STATE_RUNNING: NodeDrainState
NODE_DRAIN_STATE_CANCELLING: NodeDrainState
NODE_DRAIN_STATE_DRAINED: NodeDrainState
NODE_DRAIN_STATE_FAILED: NodeDrainState
NODE_DRAIN_STATE_CANCELLED: NodeDrainState

class NodeDrain(_message.Message):
    __slots__ = ("drain_id", "node_id", "node_name", "state", "budget", "moved", "under_way", "left", "left_behind", "error", "requested_by", "created_at", "finished_at")
    DRAIN_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    MOVED_FIELD_NUMBER: _ClassVar[int]
    UNDER_WAY_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    LEFT_BEHIND_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    drain_id: str
    node_id: str
    node_name: str
    state: NodeDrainState
    budget: int
    moved: int
    under_way: int
    left: int
    left_behind: _containers.RepeatedCompositeFieldContainer[LeftBehind]
    error: str
    requested_by: str
    created_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    def __init__(self, drain_id: _Optional[str] = ..., node_id: _Optional[str] = ..., node_name: _Optional[str] = ..., state: _Optional[_Union[NodeDrainState, str]] = ..., budget: _Optional[int] = ..., moved: _Optional[int] = ..., under_way: _Optional[int] = ..., left: _Optional[int] = ..., left_behind: _Optional[_Iterable[_Union[LeftBehind, _Mapping]]] = ..., error: _Optional[str] = ..., requested_by: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LeftBehind(_message.Message):
    __slots__ = ("vm_id", "name", "reason", "message")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    name: str
    reason: str
    message: str
    def __init__(self, vm_id: _Optional[str] = ..., name: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class DrainNodeRequest(_message.Message):
    __slots__ = ("node", "budget", "grace_seconds", "request_id")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    node: str
    budget: int
    grace_seconds: int
    request_id: str
    def __init__(self, node: _Optional[str] = ..., budget: _Optional[int] = ..., grace_seconds: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetNodeDrainRequest(_message.Message):
    __slots__ = ("drain",)
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    drain: str
    def __init__(self, drain: _Optional[str] = ...) -> None: ...

class CancelNodeDrainRequest(_message.Message):
    __slots__ = ("drain",)
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    drain: str
    def __init__(self, drain: _Optional[str] = ...) -> None: ...
