import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from novacron.api.types.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_TYPE_UNSPECIFIED: _ClassVar[NodeType]
    NODE_TYPE_COMPUTE: _ClassVar[NodeType]
    NODE_TYPE_STORAGE: _ClassVar[NodeType]
    NODE_TYPE_NETWORK: _ClassVar[NodeType]
    NODE_TYPE_GPU: _ClassVar[NodeType]
    NODE_TYPE_HYBRID: _ClassVar[NodeType]

class NodeStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_STATUS_UNSPECIFIED: _ClassVar[NodeStatus]
    NODE_STATUS_READY: _ClassVar[NodeStatus]
    NODE_STATUS_NOT_READY: _ClassVar[NodeStatus]
    NODE_STATUS_UNKNOWN: _ClassVar[NodeStatus]
    NODE_STATUS_MAINTENANCE: _ClassVar[NodeStatus]
NODE_TYPE_UNSPECIFIED: NodeType
NODE_TYPE_COMPUTE: NodeType
NODE_TYPE_STORAGE: NodeType
NODE_TYPE_NETWORK: NodeType
NODE_TYPE_GPU: NodeType
NODE_TYPE_HYBRID: NodeType
NODE_STATUS_UNSPECIFIED: NodeStatus
NODE_STATUS_READY: NodeStatus
NODE_STATUS_NOT_READY: NodeStatus
NODE_STATUS_UNKNOWN: NodeStatus
NODE_STATUS_MAINTENANCE: NodeStatus

class Taint(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("node_id", "name", "hostname", "ip_address", "agent_address", "node_type", "cluster_id", "region", "availability_zone", "capacity", "allocatable", "allocated", "labels", "taints", "hypervisor_types", "status", "last_heartbeat", "description", "epoch", "lost_at", "recent_failures")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    IP_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AGENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    NODE_TYPE_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_ZONE_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ALLOCATABLE_FIELD_NUMBER: _ClassVar[int]
    ALLOCATED_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    TAINTS_FIELD_NUMBER: _ClassVar[int]
    HYPERVISOR_TYPES_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LOST_AT_FIELD_NUMBER: _ClassVar[int]
    RECENT_FAILURES_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    name: str
    hostname: str
    ip_address: str
    agent_address: str
    node_type: NodeType
    cluster_id: str
    region: str
    availability_zone: str
    capacity: _resources_pb2.Resources
    allocatable: _resources_pb2.Resources
    allocated: _resources_pb2.Resources
    labels: _containers.ScalarMap[str, str]
    taints: _containers.RepeatedCompositeFieldContainer[Taint]
    hypervisor_types: _containers.RepeatedScalarFieldContainer[_resources_pb2.HypervisorType]
    status: NodeStatus
    last_heartbeat: _timestamp_pb2.Timestamp
    description: str
    epoch: int
    lost_at: _timestamp_pb2.Timestamp
    recent_failures: int
    def __init__(self, node_id: _Optional[str] = ..., name: _Optional[str] = ..., hostname: _Optional[str] = ..., ip_address: _Optional[str] = ..., agent_address: _Optional[str] = ..., node_type: _Optional[_Union[NodeType, str]] = ..., cluster_id: _Optional[str] = ..., region: _Optional[str] = ..., availability_zone: _Optional[str] = ..., capacity: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., allocatable: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., allocated: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., taints: _Optional[_Iterable[_Union[Taint, _Mapping]]] = ..., hypervisor_types: _Optional[_Iterable[_Union[_resources_pb2.HypervisorType, str]]] = ..., status: _Optional[_Union[NodeStatus, str]] = ..., last_heartbeat: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., description: _Optional[str] = ..., epoch: _Optional[int] = ..., lost_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recent_failures: _Optional[int] = ...) -> None: ...

class Cluster(_message.Message):
    __slots__ = ("cluster_id", "name", "description", "node_count")
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    NODE_COUNT_FIELD_NUMBER: _ClassVar[int]
    cluster_id: str
    name: str
    description: str
    node_count: int
    def __init__(self, cluster_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., node_count: _Optional[int] = ...) -> None: ...

class HeartbeatNodeRequest(_message.Message):
    __slots__ = ("name", "hostname", "ip_address", "agent_address", "node_type", "cluster", "region", "availability_zone", "capacity", "reserved", "labels", "taints", "hypervisor_types", "description", "incarnation", "epoch")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    IP_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AGENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    NODE_TYPE_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_ZONE_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    TAINTS_FIELD_NUMBER: _ClassVar[int]
    HYPERVISOR_TYPES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    name: str
    hostname: str
    ip_address: str
    agent_address: str
    node_type: NodeType
    cluster: str
    region: str
    availability_zone: str
    capacity: _resources_pb2.Resources
    reserved: _resources_pb2.Resources
    labels: _containers.ScalarMap[str, str]
    taints: _containers.RepeatedCompositeFieldContainer[Taint]
    hypervisor_types: _containers.RepeatedScalarFieldContainer[_resources_pb2.HypervisorType]
    description: str
    incarnation: int
    epoch: int
    def __init__(self, name: _Optional[str] = ..., hostname: _Optional[str] = ..., ip_address: _Optional[str] = ..., agent_address: _Optional[str] = ..., node_type: _Optional[_Union[NodeType, str]] = ..., cluster: _Optional[str] = ..., region: _Optional[str] = ..., availability_zone: _Optional[str] = ..., capacity: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., reserved: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., taints: _Optional[_Iterable[_Union[Taint, _Mapping]]] = ..., hypervisor_types: _Optional[_Iterable[_Union[_resources_pb2.HypervisorType, str]]] = ..., description: _Optional[str] = ..., incarnation: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class HeartbeatNodeResponse(_message.Message):
    __slots__ = ("node_id", "lease", "status", "epoch")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    lease: _duration_pb2.Duration
    status: NodeStatus
    epoch: int
    def __init__(self, node_id: _Optional[str] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., status: _Optional[_Union[NodeStatus, str]] = ..., epoch: _Optional[int] = ...) -> None: ...

class ListNodesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListNodesResponse(_message.Message):
    __slots__ = ("nodes", "next_page_token")
    NODES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    next_page_token: str
    def __init__(self, nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetNodeRequest(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class DrainNodeRequest(_message.Message):
    __slots__ = ("node", "undo")
    NODE_FIELD_NUMBER: _ClassVar[int]
    UNDO_FIELD_NUMBER: _ClassVar[int]
    node: str
    undo: bool
    def __init__(self, node: _Optional[str] = ..., undo: _Optional[bool] = ...) -> None: ...

class ListClustersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListClustersResponse(_message.Message):
    __slots__ = ("clusters", "next_page_token")
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    clusters: _containers.RepeatedCompositeFieldContainer[Cluster]
    next_page_token: str
    def __init__(self, clusters: _Optional[_Iterable[_Union[Cluster, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ReportNodeFailureRequest(_message.Message):
    __slots__ = ("node_id", "vm_id")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    vm_id: str
    def __init__(self, node_id: _Optional[str] = ..., vm_id: _Optional[str] = ...) -> None: ...

class ReportNodeFailureResponse(_message.Message):
    __slots__ = ("recent_failures",)
    RECENT_FAILURES_FIELD_NUMBER: _ClassVar[int]
    recent_failures: int
    def __init__(self, recent_failures: _Optional[int] = ...) -> None: ...
