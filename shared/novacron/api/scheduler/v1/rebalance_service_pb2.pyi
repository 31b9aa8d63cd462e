import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RebalanceKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REBALANCE_KIND_UNSPECIFIED: _ClassVar[RebalanceKind]
    REBALANCE_KIND_HOTSPOT: _ClassVar[RebalanceKind]
    REBALANCE_KIND_CONSOLIDATION: _ClassVar[RebalanceKind]
REBALANCE_KIND_UNSPECIFIED: RebalanceKind
REBALANCE_KIND_HOTSPOT: RebalanceKind
REBALANCE_KIND_CONSOLIDATION: RebalanceKind

class ProposeRebalanceRequest(_message.Message):
    __slots__ = ("kind", "max_moves", "time_limit", "hot_share", "full_share")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MAX_MOVES_FIELD_NUMBER: _ClassVar[int]
    TIME_LIMIT_FIELD_NUMBER: _ClassVar[int]
    HOT_SHARE_FIELD_NUMBER: _ClassVar[int]
    FULL_SHARE_FIELD_NUMBER: _ClassVar[int]
    kind: RebalanceKind
    max_moves: int
    time_limit: _duration_pb2.Duration
    hot_share: float
    full_share: float
    def __init__(self, kind: _Optional[_Union[RebalanceKind, str]] = ..., max_moves: _Optional[int] = ..., time_limit: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., hot_share: _Optional[float] = ..., full_share: _Optional[float] = ...) -> None: ...

class RebalanceProposal(_message.Message):
    __slots__ = ("moves", "gain", "solver", "explanation", "unmeasured_vms")
    MOVES_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    SOLVER_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    UNMEASURED_VMS_FIELD_NUMBER: _ClassVar[int]
    moves: _containers.RepeatedCompositeFieldContainer[RebalanceMove]
    gain: float
    solver: str
    explanation: str
    unmeasured_vms: int
    def __init__(self, moves: _Optional[_Iterable[_Union[RebalanceMove, _Mapping]]] = ..., gain: _Optional[float] = ..., solver: _Optional[str] = ..., explanation: _Optional[str] = ..., unmeasured_vms: _Optional[int] = ...) -> None: ...

class RebalanceMove(_message.Message):
    __slots__ = ("vm_id", "source_node_id", "source_node_name", "target_node_id", "target_node_name", "gain", "reason")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_NODE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_NODE_NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_NODE_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_NODE_NAME_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    source_node_id: str
    source_node_name: str
    target_node_id: str
    target_node_name: str
    gain: float
    reason: str
    def __init__(self, vm_id: _Optional[str] = ..., source_node_id: _Optional[str] = ..., source_node_name: _Optional[str] = ..., target_node_id: _Optional[str] = ..., target_node_name: _Optional[str] = ..., gain: _Optional[float] = ..., reason: _Optional[str] = ...) -> None: ...
