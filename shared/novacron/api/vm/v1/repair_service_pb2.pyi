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

class ListNodeDomainsRequest(_message.Message):
    __slots__ = ("node_id",)
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    def __init__(self, node_id: _Optional[str] = ...) -> None: ...

class ListNodeDomainsResponse(_message.Message):
    __slots__ = ("domains", "unreachable")
    DOMAINS_FIELD_NUMBER: _ClassVar[int]
    UNREACHABLE_FIELD_NUMBER: _ClassVar[int]
    domains: _containers.RepeatedCompositeFieldContainer[NodeDomain]
    unreachable: str
    def __init__(self, domains: _Optional[_Iterable[_Union[NodeDomain, _Mapping]]] = ..., unreachable: _Optional[str] = ...) -> None: ...

class NodeDomain(_message.Message):
    __slots__ = ("vm_id", "name", "power_state", "created_at")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    POWER_STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    name: str
    power_state: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, vm_id: _Optional[str] = ..., name: _Optional[str] = ..., power_state: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReleaseLeakedReservationRequest(_message.Message):
    __slots__ = ("vm_id", "node_id", "decision_id", "reason")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    node_id: str
    decision_id: str
    reason: str
    def __init__(self, vm_id: _Optional[str] = ..., node_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReleaseLeakedReservationResponse(_message.Message):
    __slots__ = ("released",)
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    released: bool
    def __init__(self, released: _Optional[bool] = ...) -> None: ...

class DeleteLeakedMonitoringRequest(_message.Message):
    __slots__ = ("vm_id", "reason")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    reason: str
    def __init__(self, vm_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DeleteLeakedMonitoringResponse(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: bool
    def __init__(self, deleted: _Optional[bool] = ...) -> None: ...

class RestoreMonitoringRequest(_message.Message):
    __slots__ = ("vm_id", "reason")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    reason: str
    def __init__(self, vm_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RestoreMonitoringResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DestroyLeakedDomainRequest(_message.Message):
    __slots__ = ("vm_id", "node_id", "never_heard_of", "reason")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    NEVER_HEARD_OF_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    node_id: str
    never_heard_of: bool
    reason: str
    def __init__(self, vm_id: _Optional[str] = ..., node_id: _Optional[str] = ..., never_heard_of: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class DestroyLeakedDomainResponse(_message.Message):
    __slots__ = ("destroyed",)
    DESTROYED_FIELD_NUMBER: _ClassVar[int]
    destroyed: bool
    def __init__(self, destroyed: _Optional[bool] = ...) -> None: ...

class ListRepairsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRepairsResponse(_message.Message):
    __slots__ = ("repairs", "next_page_token")
    REPAIRS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    repairs: _containers.RepeatedCompositeFieldContainer[Repair]
    next_page_token: str
    def __init__(self, repairs: _Optional[_Iterable[_Union[Repair, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Repair(_message.Message):
    __slots__ = ("repair_id", "action", "vm_id", "node_id", "initiated_by", "reason", "outcome", "time")
    REPAIR_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    INITIATED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    repair_id: str
    action: str
    vm_id: str
    node_id: str
    initiated_by: str
    reason: str
    outcome: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, repair_id: _Optional[str] = ..., action: _Optional[str] = ..., vm_id: _Optional[str] = ..., node_id: _Optional[str] = ..., initiated_by: _Optional[str] = ..., reason: _Optional[str] = ..., outcome: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
