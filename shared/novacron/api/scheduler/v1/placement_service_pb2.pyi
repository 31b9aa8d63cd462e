from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from novacron.api.scheduler.v1 import node_service_pb2 as _node_service_pb2
from novacron.api.scheduler.v1 import reservation_service_pb2 as _reservation_service_pb2
from novacron.api.types.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExplainPlacementRequest(_message.Message):
    __slots__ = ("tenant_id", "resources", "hypervisor_type", "node_labels", "tolerations", "region", "availability_zone", "node", "groups", "priority", "allocation_type")
    class NodeLabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    HYPERVISOR_TYPE_FIELD_NUMBER: _ClassVar[int]
    NODE_LABELS_FIELD_NUMBER: _ClassVar[int]
    TOLERATIONS_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_ZONE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    resources: _resources_pb2.Resources
    hypervisor_type: _resources_pb2.HypervisorType
    node_labels: _containers.ScalarMap[str, str]
    tolerations: _containers.RepeatedCompositeFieldContainer[_node_service_pb2.Taint]
    region: str
    availability_zone: str
    node: str
    groups: _containers.RepeatedScalarFieldContainer[str]
    priority: int
    allocation_type: _resources_pb2.AllocationType
    def __init__(self, tenant_id: _Optional[str] = ..., resources: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., hypervisor_type: _Optional[_Union[_resources_pb2.HypervisorType, str]] = ..., node_labels: _Optional[_Mapping[str, str]] = ..., tolerations: _Optional[_Iterable[_Union[_node_service_pb2.Taint, _Mapping]]] = ..., region: _Optional[str] = ..., availability_zone: _Optional[str] = ..., node: _Optional[str] = ..., groups: _Optional[_Iterable[str]] = ..., priority: _Optional[int] = ..., allocation_type: _Optional[_Union[_resources_pb2.AllocationType, str]] = ...) -> None: ...

class PlacementExplanation(_message.Message):
    __slots__ = ("node_id", "node_name", "explanation", "node_count", "removed_by_filter", "candidates", "closest", "remedies", "exceeded_quotas", "yielding")
    class RemovedByFilterEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_NAME_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    NODE_COUNT_FIELD_NUMBER: _ClassVar[int]
    REMOVED_BY_FILTER_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    CLOSEST_FIELD_NUMBER: _ClassVar[int]
    REMEDIES_FIELD_NUMBER: _ClassVar[int]
    EXCEEDED_QUOTAS_FIELD_NUMBER: _ClassVar[int]
    YIELDING_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    node_name: str
    explanation: str
    node_count: int
    removed_by_filter: _containers.ScalarMap[str, int]
    candidates: _containers.RepeatedCompositeFieldContainer[_reservation_service_pb2.Candidate]
    closest: _containers.RepeatedCompositeFieldContainer[Shortfall]
    remedies: _containers.RepeatedCompositeFieldContainer[Remedy]
    exceeded_quotas: _containers.RepeatedScalarFieldContainer[str]
    yielding: _containers.RepeatedCompositeFieldContainer[Yielding]
    def __init__(self, node_id: _Optional[str] = ..., node_name: _Optional[str] = ..., explanation: _Optional[str] = ..., node_count: _Optional[int] = ..., removed_by_filter: _Optional[_Mapping[str, int]] = ..., candidates: _Optional[_Iterable[_Union[_reservation_service_pb2.Candidate, _Mapping]]] = ..., closest: _Optional[_Iterable[_Union[Shortfall, _Mapping]]] = ..., remedies: _Optional[_Iterable[_Union[Remedy, _Mapping]]] = ..., exceeded_quotas: _Optional[_Iterable[str]] = ..., yielding: _Optional[_Iterable[_Union[Yielding, _Mapping]]] = ...) -> None: ...

class Yielding(_message.Message):
    __slots__ = ("vm_id", "name", "priority")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    name: str
    priority: int
    def __init__(self, vm_id: _Optional[str] = ..., name: _Optional[str] = ..., priority: _Optional[int] = ...) -> None: ...

class Shortfall(_message.Message):
    __slots__ = ("node_id", "name", "lacking", "free")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LACKING_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    name: str
    lacking: _resources_pb2.Resources
    free: _resources_pb2.Resources
    def __init__(self, node_id: _Optional[str] = ..., name: _Optional[str] = ..., lacking: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., free: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ...) -> None: ...

class Remedy(_message.Message):
    __slots__ = ("filters", "node_name", "less", "words")
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    NODE_NAME_FIELD_NUMBER: _ClassVar[int]
    LESS_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    filters: _containers.RepeatedScalarFieldContainer[str]
    node_name: str
    less: _resources_pb2.Resources
    words: str
    def __init__(self, filters: _Optional[_Iterable[str]] = ..., node_name: _Optional[str] = ..., less: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., words: _Optional[str] = ...) -> None: ...
