from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from novacron.api.scheduler.v1 import reservation_service_pb2 as _reservation_service_pb2
from novacron.api.types.v1 import resources_pb2 as _resources_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ResizeReservationRequest(_message.Message):
    __slots__ = ("vm_id", "resize_id", "resources")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    RESIZE_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    resize_id: str
    resources: _resources_pb2.Resources
    def __init__(self, vm_id: _Optional[str] = ..., resize_id: _Optional[str] = ..., resources: _Optional[_Union[_resources_pb2.Resources, _Mapping]] = ...) -> None: ...

class ConfirmResizeRequest(_message.Message):
    __slots__ = ("vm_id", "resize_id")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    RESIZE_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    resize_id: str
    def __init__(self, vm_id: _Optional[str] = ..., resize_id: _Optional[str] = ...) -> None: ...

class UndoResizeRequest(_message.Message):
    __slots__ = ("vm_id", "resize_id")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    RESIZE_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    resize_id: str
    def __init__(self, vm_id: _Optional[str] = ..., resize_id: _Optional[str] = ...) -> None: ...

class UndoResizeResponse(_message.Message):
    __slots__ = ("undone",)
    UNDONE_FIELD_NUMBER: _ClassVar[int]
    undone: bool
    def __init__(self, undone: _Optional[bool] = ...) -> None: ...
