import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from novacron.api.scheduler.v1 import node_service_pb2 as _node_service_pb2
from novacron.api.types.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReservationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESERVATION_STATE_UNSPECIFIED: _ClassVar[ReservationState]
    RESERVATION_STATE_RESERVED: _ClassVar[ReservationState]
    RESERVATION_STATE_CONFIRMED: _ClassVar[ReservationState]
    RESERVATION_STATE_MOVING: _ClassVar[ReservationState]
RESERVATION_STATE_UNSPECIFIED: ReservationState
RESERVATION_STATE_RESERVED: ReservationState
RESERVATION_STATE_CONFIRMED: ReservationState
RESERVATION_STATE_MOVING: ReservationState

class Reservation(_message.Message):
    __slots__ = ("vm_id", "tenant_id", "node", "resources", "allocation_type", "state", "allocated_at", "decision_id", "move_id", "footprint", "priority", "yielding", "yields_to")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ALLOCATED_AT_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    MOVE_ID_FIELD_NUMBER: _ClassVar[int]
    FOOTPRINT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    YIELDING_FIELD_NUMBER: _ClassVar[int]
    YIELDS_TO_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    tenant_id: str
    node: _node_service_pb2.Node
    resources: _resources_pb2.Resources
    allocation_type: _resources_pb2.AllocationType
    state: ReservationState
    allocated_at: _timestamp_pb2.Timestamp
    decision_id: str
    move_id: str
    footprint: _resources_pb2.Resources
    priority: int
    yielding: _containers.RepeatedScalarFieldContainer[str]
    yields_to: str
    def __init__(self, vm_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., node: _Optional[_Union[_node_service_pb2.Node, _Mapping]] = ..., resources: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., allocation_type: _Optional[_Union[_resources_pb2.AllocationType, str]] = ..., state: _Optional[_Union[ReservationState, str]] = ..., allocated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decision_id: _Optional[str] = ..., move_id: _Optional[str] = ..., footprint: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., priority: _Optional[int] = ..., yielding: _Optional[_Iterable[str]] = ..., yields_to: _Optional[str] = ...) -> None: ...

class ReserveResourcesRequest(_message.Message):
    __slots__ = ("vm_id", "tenant_id", "resources", "hypervisor_type", "node_labels", "tolerations", "allocation_type", "region", "availability_zone", "move_id", "node", "groups", "priority", "waits", "name")
    class NodeLabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    HYPERVISOR_TYPE_FIELD_NUMBER: _ClassVar[int]
    NODE_LABELS_FIELD_NUMBER: _ClassVar[int]
    TOLERATIONS_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_ZONE_FIELD_NUMBER: _ClassVar[int]
    MOVE_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    WAITS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    tenant_id: str
    resources: _resources_pb2.Resources
    hypervisor_type: _resources_pb2.HypervisorType
    node_labels: _containers.ScalarMap[str, str]
    tolerations: _containers.RepeatedCompositeFieldContainer[_node_service_pb2.Taint]
    allocation_type: _resources_pb2.AllocationType
    region: str
    availability_zone: str
    move_id: str
    node: str
    groups: _containers.RepeatedScalarFieldContainer[str]
    priority: int
    waits: bool
    name: str
    def __init__(self, vm_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., resources: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., hypervisor_type: _Optional[_Union[_resources_pb2.HypervisorType, str]] = ..., node_labels: _Optional[_Mapping[str, str]] = ..., tolerations: _Optional[_Iterable[_Union[_node_service_pb2.Taint, _Mapping]]] = ..., allocation_type: _Optional[_Union[_resources_pb2.AllocationType, str]] = ..., region: _Optional[str] = ..., availability_zone: _Optional[str] = ..., move_id: _Optional[str] = ..., node: _Optional[str] = ..., groups: _Optional[_Iterable[str]] = ..., priority: _Optional[int] = ..., waits: _Optional[bool] = ..., name: _Optional[str] = ...) -> None: ...

class ConfirmReservationRequest(_message.Message):
    __slots__ = ("vm_id", "move_id")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    MOVE_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    move_id: str
    def __init__(self, vm_id: _Optional[str] = ..., move_id: _Optional[str] = ...) -> None: ...

class ReleaseReservationRequest(_message.Message):
    __slots__ = ("vm_id", "move_id", "yields_to")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    MOVE_ID_FIELD_NUMBER: _ClassVar[int]
    YIELDS_TO_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    move_id: str
    yields_to: str
    def __init__(self, vm_id: _Optional[str] = ..., move_id: _Optional[str] = ..., yields_to: _Optional[str] = ...) -> None: ...

class ReleaseReservationResponse(_message.Message):
    __slots__ = ("released",)
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    released: bool
    def __init__(self, released: _Optional[bool] = ...) -> None: ...

class GetReservationRequest(_message.Message):
    __slots__ = ("vm_id",)
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    def __init__(self, vm_id: _Optional[str] = ...) -> None: ...

class ListReservationsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListReservationsResponse(_message.Message):
    __slots__ = ("reservations", "next_page_token")
    RESERVATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    reservations: _containers.RepeatedCompositeFieldContainer[Reservation]
    next_page_token: str
    def __init__(self, reservations: _Optional[_Iterable[_Union[Reservation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetSchedulingDecisionRequest(_message.Message):
    __slots__ = ("vm_id",)
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    def __init__(self, vm_id: _Optional[str] = ...) -> None: ...

class SchedulingDecision(_message.Message):
    __slots__ = ("decision_id", "vm_id", "requested_resources", "candidates", "removed_by_filter", "selected_node_id", "decision_algorithm", "decision_score", "explanation", "decision_time")
    class RemovedByFilterEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_RESOURCES_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    REMOVED_BY_FILTER_FIELD_NUMBER: _ClassVar[int]
    SELECTED_NODE_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    DECISION_SCORE_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    DECISION_TIME_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    vm_id: str
    requested_resources: _resources_pb2.Resources
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    removed_by_filter: _containers.ScalarMap[str, int]
    selected_node_id: str
    decision_algorithm: str
    decision_score: float
    explanation: str
    decision_time: _timestamp_pb2.Timestamp
    def __init__(self, decision_id: _Optional[str] = ..., vm_id: _Optional[str] = ..., requested_resources: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., removed_by_filter: _Optional[_Mapping[str, int]] = ..., selected_node_id: _Optional[str] = ..., decision_algorithm: _Optional[str] = ..., decision_score: _Optional[float] = ..., explanation: _Optional[str] = ..., decision_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("node_id", "name", "score", "factors")
    class FactorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    FACTORS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    name: str
    score: float
    factors: _containers.ScalarMap[str, float]
    def __init__(self, node_id: _Optional[str] = ..., name: _Optional[str] = ..., score: _Optional[float] = ..., factors: _Optional[_Mapping[str, float]] = ...) -> None: ...
