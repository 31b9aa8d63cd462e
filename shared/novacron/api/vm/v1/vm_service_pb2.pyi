from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from novacron.api.vm.v1 import vm_pb2 as _vm_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateVmRequest(_message.Message):
    __slots__ = ("vm_id", "name", "display_name", "description", "template", "spec", "tags", "return_immediately")
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
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    RETURN_IMMEDIATELY_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    name: str
    display_name: str
    description: str
    template: str
    spec: _vm_pb2.VmSpec
    tags: _containers.ScalarMap[str, str]
    return_immediately: bool
    def __init__(self, vm_id: _Optional[str] = ..., name: _Optional[str] = ..., display_name: _Optional[str] = ..., description: _Optional[str] = ..., template: _Optional[str] = ..., spec: _Optional[_Union[_vm_pb2.VmSpec, _Mapping]] = ..., tags: _Optional[_Mapping[str, str]] = ..., return_immediately: _Optional[bool] = ...) -> None: ...

class GetVmRequest(_message.Message):
    __slots__ = ("vm_id",)
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    def __init__(self, vm_id: _Optional[str] = ...) -> None: ...

class ListVmsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "show_deleted")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    show_deleted: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., show_deleted: _Optional[bool] = ...) -> None: ...

class ListVmsResponse(_message.Message):
    __slots__ = ("vms", "next_page_token")
    VMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    vms: _containers.RepeatedCompositeFieldContainer[_vm_pb2.Vm]
    next_page_token: str
    def __init__(self, vms: _Optional[_Iterable[_Union[_vm_pb2.Vm, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchVmRequest(_message.Message):
    __slots__ = ("vm_id", "resume_token")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    resume_token: str
    def __init__(self, vm_id: _Optional[str] = ..., resume_token: _Optional[str] = ...) -> None: ...

class StartVmRequest(_message.Message):
    __slots__ = ("vm_id", "return_immediately")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_IMMEDIATELY_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    return_immediately: bool
    def __init__(self, vm_id: _Optional[str] = ..., return_immediately: _Optional[bool] = ...) -> None: ...

class StopVmRequest(_message.Message):
    __slots__ = ("vm_id", "grace_seconds", "return_immediately")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    RETURN_IMMEDIATELY_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    grace_seconds: int
    return_immediately: bool
    def __init__(self, vm_id: _Optional[str] = ..., grace_seconds: _Optional[int] = ..., return_immediately: _Optional[bool] = ...) -> None: ...

class RebootVmRequest(_message.Message):
    __slots__ = ("vm_id", "grace_seconds", "request_id", "return_immediately")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_IMMEDIATELY_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    grace_seconds: int
    request_id: str
    return_immediately: bool
    def __init__(self, vm_id: _Optional[str] = ..., grace_seconds: _Optional[int] = ..., request_id: _Optional[str] = ..., return_immediately: _Optional[bool] = ...) -> None: ...

class MoveVmRequest(_message.Message):
    __slots__ = ("vm_id", "node", "grace_seconds", "request_id", "return_immediately")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_IMMEDIATELY_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    node: str
    grace_seconds: int
    request_id: str
    return_immediately: bool
    def __init__(self, vm_id: _Optional[str] = ..., node: _Optional[str] = ..., grace_seconds: _Optional[int] = ..., request_id: _Optional[str] = ..., return_immediately: _Optional[bool] = ...) -> None: ...

class ResizeVmRequest(_message.Message):
    __slots__ = ("vm_id", "cpu_cores", "memory_mib", "recommendation_id", "restart", "grace_seconds", "request_id", "return_immediately")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MIB_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    RESTART_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_IMMEDIATELY_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    cpu_cores: int
    memory_mib: int
    recommendation_id: str
    restart: bool
    grace_seconds: int
    request_id: str
    return_immediately: bool
    def __init__(self, vm_id: _Optional[str] = ..., cpu_cores: _Optional[int] = ..., memory_mib: _Optional[int] = ..., recommendation_id: _Optional[str] = ..., restart: _Optional[bool] = ..., grace_seconds: _Optional[int] = ..., request_id: _Optional[str] = ..., return_immediately: _Optional[bool] = ...) -> None: ...

class DeleteVmRequest(_message.Message):
    __slots__ = ("vm_id", "return_immediately")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    RETURN_IMMEDIATELY_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    return_immediately: bool
    def __init__(self, vm_id: _Optional[str] = ..., return_immediately: _Optional[bool] = ...) -> None: ...

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
    __slots__ = ("data", "next_offset")
    DATA_FIELD_NUMBER: _ClassVar[int]
    NEXT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    next_offset: int
    def __init__(self, data: _Optional[bytes] = ..., next_offset: _Optional[int] = ...) -> None: ...
