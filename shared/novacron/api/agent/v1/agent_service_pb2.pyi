import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
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

class PowerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POWER_STATE_UNSPECIFIED: _ClassVar[PowerState]
    POWER_STATE_RUNNING: _ClassVar[PowerState]
    POWER_STATE_STOPPED: _ClassVar[PowerState]
    POWER_STATE_PAUSED: _ClassVar[PowerState]
    POWER_STATE_CRASHED: _ClassVar[PowerState]
POWER_STATE_UNSPECIFIED: PowerState
POWER_STATE_RUNNING: PowerState
POWER_STATE_STOPPED: PowerState
POWER_STATE_PAUSED: PowerState
POWER_STATE_CRASHED: PowerState

class Domain(_message.Message):
    __slots__ = ("vm_id", "name", "power_state", "cpu_cores", "memory_mib", "storage_gib", "base_image", "mac_address", "ip_address", "created_at")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    POWER_STATE_FIELD_NUMBER: _ClassVar[int]
    CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MIB_FIELD_NUMBER: _ClassVar[int]
    STORAGE_GIB_FIELD_NUMBER: _ClassVar[int]
    BASE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    MAC_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    IP_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    name: str
    power_state: PowerState
    cpu_cores: int
    memory_mib: int
    storage_gib: int
    base_image: str
    mac_address: str
    ip_address: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, vm_id: _Optional[str] = ..., name: _Optional[str] = ..., power_state: _Optional[_Union[PowerState, str]] = ..., cpu_cores: _Optional[int] = ..., memory_mib: _Optional[int] = ..., storage_gib: _Optional[int] = ..., base_image: _Optional[str] = ..., mac_address: _Optional[str] = ..., ip_address: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateVmRequest(_message.Message):
    __slots__ = ("vm_id", "name", "cpu_cores", "memory_mib", "storage_gib", "base_image", "user_data", "ssh_authorized_keys", "epoch", "allocation_type")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MIB_FIELD_NUMBER: _ClassVar[int]
    STORAGE_GIB_FIELD_NUMBER: _ClassVar[int]
    BASE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    USER_DATA_FIELD_NUMBER: _ClassVar[int]
    SSH_AUTHORIZED_KEYS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_TYPE_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    name: str
    cpu_cores: int
    memory_mib: int
    storage_gib: int
    base_image: str
    user_data: str
    ssh_authorized_keys: _containers.RepeatedScalarFieldContainer[str]
    epoch: int
    allocation_type: _resources_pb2.AllocationType
    def __init__(self, vm_id: _Optional[str] = ..., name: _Optional[str] = ..., cpu_cores: _Optional[int] = ..., memory_mib: _Optional[int] = ..., storage_gib: _Optional[int] = ..., base_image: _Optional[str] = ..., user_data: _Optional[str] = ..., ssh_authorized_keys: _Optional[_Iterable[str]] = ..., epoch: _Optional[int] = ..., allocation_type: _Optional[_Union[_resources_pb2.AllocationType, str]] = ...) -> None: ...

class GetVmRequest(_message.Message):
    __slots__ = ("vm_id",)
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    def __init__(self, vm_id: _Optional[str] = ...) -> None: ...

class ListVmsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListVmsResponse(_message.Message):
    __slots__ = ("domains",)
    DOMAINS_FIELD_NUMBER: _ClassVar[int]
    domains: _containers.RepeatedCompositeFieldContainer[Domain]
    def __init__(self, domains: _Optional[_Iterable[_Union[Domain, _Mapping]]] = ...) -> None: ...

class StartVmRequest(_message.Message):
    __slots__ = ("vm_id", "epoch")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    epoch: int
    def __init__(self, vm_id: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class StopVmRequest(_message.Message):
    __slots__ = ("vm_id", "grace_seconds", "export_to", "epoch")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EXPORT_TO_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    grace_seconds: int
    export_to: str
    epoch: int
    def __init__(self, vm_id: _Optional[str] = ..., grace_seconds: _Optional[int] = ..., export_to: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class RebootVmRequest(_message.Message):
    __slots__ = ("vm_id", "grace_seconds", "epoch")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    grace_seconds: int
    epoch: int
    def __init__(self, vm_id: _Optional[str] = ..., grace_seconds: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class ResizeVmRequest(_message.Message):
    __slots__ = ("vm",)
    VM_FIELD_NUMBER: _ClassVar[int]
    vm: CreateVmRequest
    def __init__(self, vm: _Optional[_Union[CreateVmRequest, _Mapping]] = ...) -> None: ...

class DeleteVmRequest(_message.Message):
    __slots__ = ("vm_id", "epoch")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    epoch: int
    def __init__(self, vm_id: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class DeleteVmResponse(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: bool
    def __init__(self, deleted: _Optional[bool] = ...) -> None: ...

class ImportVmRequest(_message.Message):
    __slots__ = ("vm", "source_address")
    VM_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    vm: CreateVmRequest
    source_address: str
    def __init__(self, vm: _Optional[_Union[CreateVmRequest, _Mapping]] = ..., source_address: _Optional[str] = ...) -> None: ...

class ExportVmRequest(_message.Message):
    __slots__ = ("vm_id", "known")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    known: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, vm_id: _Optional[str] = ..., known: _Optional[_Iterable[str]] = ...) -> None: ...

class ExportVmResponse(_message.Message):
    __slots__ = ("facts", "begins", "data", "ends", "complete")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    BEGINS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ENDS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    facts: str
    begins: FileBegins
    data: bytes
    ends: str
    complete: bool
    def __init__(self, facts: _Optional[str] = ..., begins: _Optional[_Union[FileBegins, _Mapping]] = ..., data: _Optional[bytes] = ..., ends: _Optional[str] = ..., complete: _Optional[bool] = ...) -> None: ...

class FileBegins(_message.Message):
    __slots__ = ("name", "size", "base_sha256", "omitted")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    BASE_SHA256_FIELD_NUMBER: _ClassVar[int]
    OMITTED_FIELD_NUMBER: _ClassVar[int]
    name: str
    size: int
    base_sha256: str
    omitted: bool
    def __init__(self, name: _Optional[str] = ..., size: _Optional[int] = ..., base_sha256: _Optional[str] = ..., omitted: _Optional[bool] = ...) -> None: ...

class GetVmConsoleRequest(_message.Message):
    __slots__ = ("vm_id", "offset", "limit")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    offset: int
    limit: int
    def __init__(self, vm_id: _Optional[str] = ..., offset: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class GetVmConsoleResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...
