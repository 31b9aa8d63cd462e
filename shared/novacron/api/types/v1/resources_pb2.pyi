from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class HypervisorType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HYPERVISOR_TYPE_UNSPECIFIED: _ClassVar[HypervisorType]
    HYPERVISOR_TYPE_KVM: _ClassVar[HypervisorType]
    HYPERVISOR_TYPE_XEN: _ClassVar[HypervisorType]
    HYPERVISOR_TYPE_VMWARE: _ClassVar[HypervisorType]
    HYPERVISOR_TYPE_HYPER_V: _ClassVar[HypervisorType]
    HYPERVISOR_TYPE_CONTAINER: _ClassVar[HypervisorType]

class AllocationType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALLOCATION_TYPE_UNSPECIFIED: _ClassVar[AllocationType]
    ALLOCATION_TYPE_GUARANTEED: _ClassVar[AllocationType]
    ALLOCATION_TYPE_BURSTABLE: _ClassVar[AllocationType]
    ALLOCATION_TYPE_BEST_EFFORT: _ClassVar[AllocationType]
HYPERVISOR_TYPE_UNSPECIFIED: HypervisorType
HYPERVISOR_TYPE_KVM: HypervisorType
HYPERVISOR_TYPE_XEN: HypervisorType
HYPERVISOR_TYPE_VMWARE: HypervisorType
HYPERVISOR_TYPE_HYPER_V: HypervisorType
HYPERVISOR_TYPE_CONTAINER: HypervisorType
ALLOCATION_TYPE_UNSPECIFIED: AllocationType
ALLOCATION_TYPE_GUARANTEED: AllocationType
ALLOCATION_TYPE_BURSTABLE: AllocationType
ALLOCATION_TYPE_BEST_EFFORT: AllocationType

class Resources(_message.Message):
    __slots__ = ("cpu_cores", "memory_mib", "storage_gib", "network_bandwidth_mbps", "gpu_count", "gpu_type")
    CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MIB_FIELD_NUMBER: _ClassVar[int]
    STORAGE_GIB_FIELD_NUMBER: _ClassVar[int]
    NETWORK_BANDWIDTH_MBPS_FIELD_NUMBER: _ClassVar[int]
    GPU_COUNT_FIELD_NUMBER: _ClassVar[int]
    GPU_TYPE_FIELD_NUMBER: _ClassVar[int]
    cpu_cores: int
    memory_mib: int
    storage_gib: int
    network_bandwidth_mbps: int
    gpu_count: int
    gpu_type: str
    def __init__(self, cpu_cores: _Optional[int] = ..., memory_mib: _Optional[int] = ..., storage_gib: _Optional[int] = ..., network_bandwidth_mbps: _Optional[int] = ..., gpu_count: _Optional[int] = ..., gpu_type: _Optional[str] = ...) -> None: ...
