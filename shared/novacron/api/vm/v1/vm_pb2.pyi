import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.types.v1 import resources_pb2 as _resources_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VmState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VM_STATE_UNSPECIFIED: _ClassVar[VmState]
    VM_STATE_CREATING: _ClassVar[VmState]
    VM_STATE_RUNNING: _ClassVar[VmState]
    VM_STATE_STOPPED: _ClassVar[VmState]
    VM_STATE_PAUSED: _ClassVar[VmState]
    VM_STATE_SUSPENDED: _ClassVar[VmState]
    VM_STATE_MIGRATING: _ClassVar[VmState]
    VM_STATE_BACKING_UP: _ClassVar[VmState]
    VM_STATE_RESTORING: _ClassVar[VmState]
    VM_STATE_ERROR: _ClassVar[VmState]
    VM_STATE_DELETED: _ClassVar[VmState]
    VM_STATE_UNKNOWN: _ClassVar[VmState]
VM_STATE_UNSPECIFIED: VmState
VM_STATE_CREATING: VmState
VM_STATE_RUNNING: VmState
VM_STATE_STOPPED: VmState
VM_STATE_PAUSED: VmState
VM_STATE_SUSPENDED: VmState
VM_STATE_MIGRATING: VmState
VM_STATE_BACKING_UP: VmState
VM_STATE_RESTORING: VmState
VM_STATE_ERROR: VmState
VM_STATE_DELETED: VmState
VM_STATE_UNKNOWN: VmState

class Vm(_message.Message):
    __slots__ = ("vm_id", "name", "display_name", "description", "state", "hypervisor_type", "node_id", "owner_id", "tenant_id", "template_id", "spec", "tags", "ip_address", "error", "saga_id", "operation", "etag", "created_at", "updated_at", "deleted_at", "displaced_at")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    HYPERVISOR_TYPE_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    IP_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SAGA_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    DELETED_AT_FIELD_NUMBER: _ClassVar[int]
    DISPLACED_AT_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    name: str
    display_name: str
    description: str
    state: VmState
    hypervisor_type: _resources_pb2.HypervisorType
    node_id: str
    owner_id: str
    tenant_id: str
    template_id: str
    spec: VmSpec
    tags: _containers.ScalarMap[str, str]
    ip_address: str
    error: str
    saga_id: str
    operation: str
    etag: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    deleted_at: _timestamp_pb2.Timestamp
    displaced_at: _timestamp_pb2.Timestamp
    def __init__(self, vm_id: _Optional[str] = ..., name: _Optional[str] = ..., display_name: _Optional[str] = ..., description: _Optional[str] = ..., state: _Optional[_Union[VmState, str]] = ..., hypervisor_type: _Optional[_Union[_resources_pb2.HypervisorType, str]] = ..., node_id: _Optional[str] = ..., owner_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., template_id: _Optional[str] = ..., spec: _Optional[_Union[VmSpec, _Mapping]] = ..., tags: _Optional[_Mapping[str, str]] = ..., ip_address: _Optional[str] = ..., error: _Optional[str] = ..., saga_id: _Optional[str] = ..., operation: _Optional[str] = ..., etag: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deleted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., displaced_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class VmSpec(_message.Message):
    __slots__ = ("cpu_cores", "memory_mib", "storage_gib", "base_image", "hypervisor_type", "user_data", "ssh_authorized_keys", "node_labels", "groups", "allocation_type", "priority")
    class NodeLabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MIB_FIELD_NUMBER: _ClassVar[int]
    STORAGE_GIB_FIELD_NUMBER: _ClassVar[int]
    BASE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    HYPERVISOR_TYPE_FIELD_NUMBER: _ClassVar[int]
    USER_DATA_FIELD_NUMBER: _ClassVar[int]
    SSH_AUTHORIZED_KEYS_FIELD_NUMBER: _ClassVar[int]
    NODE_LABELS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    cpu_cores: int
    memory_mib: int
    storage_gib: int
    base_image: str
    hypervisor_type: _resources_pb2.HypervisorType
    user_data: str
    ssh_authorized_keys: _containers.RepeatedScalarFieldContainer[str]
    node_labels: _containers.ScalarMap[str, str]
    groups: _containers.RepeatedScalarFieldContainer[str]
    allocation_type: _resources_pb2.AllocationType
    priority: int
    def __init__(self, cpu_cores: _Optional[int] = ..., memory_mib: _Optional[int] = ..., storage_gib: _Optional[int] = ..., base_image: _Optional[str] = ..., hypervisor_type: _Optional[_Union[_resources_pb2.HypervisorType, str]] = ..., user_data: _Optional[str] = ..., ssh_authorized_keys: _Optional[_Iterable[str]] = ..., node_labels: _Optional[_Mapping[str, str]] = ..., groups: _Optional[_Iterable[str]] = ..., allocation_type: _Optional[_Union[_resources_pb2.AllocationType, str]] = ..., priority: _Optional[int] = ...) -> None: ...

class VmEvent(_message.Message):
    __slots__ = ("resume_token", "from_state", "to_state", "reason", "time", "vm")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FROM_STATE_FIELD_NUMBER: _ClassVar[int]
    TO_STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    VM_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    from_state: VmState
    to_state: VmState
    reason: str
    time: _timestamp_pb2.Timestamp
    vm: Vm
    def __init__(self, resume_token: _Optional[str] = ..., from_state: _Optional[_Union[VmState, str]] = ..., to_state: _Optional[_Union[VmState, str]] = ..., reason: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., vm: _Optional[_Union[Vm, _Mapping]] = ...) -> None: ...
