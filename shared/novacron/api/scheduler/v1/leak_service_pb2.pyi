from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ReleaseLeakRequest(_message.Message):
    __slots__ = ("vm_id", "node_id", "decision_id")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    node_id: str
    decision_id: str
    def __init__(self, vm_id: _Optional[str] = ..., node_id: _Optional[str] = ..., decision_id: _Optional[str] = ...) -> None: ...

class ReleaseLeakResponse(_message.Message):
    __slots__ = ("released",)
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    released: bool
    def __init__(self, released: _Optional[bool] = ...) -> None: ...
