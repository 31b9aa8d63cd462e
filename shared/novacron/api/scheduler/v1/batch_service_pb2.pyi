from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from novacron.api.errors.v1 import reason_pb2 as _reason_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from novacron.api.scheduler.v1 import reservation_service_pb2 as _reservation_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BATCH_MODE_UNSPECIFIED: _ClassVar[BatchMode]
    BATCH_MODE_ALL_OR_NOTHING: _ClassVar[BatchMode]
    BATCH_MODE_BEST_EFFORT: _ClassVar[BatchMode]
BATCH_MODE_UNSPECIFIED: BatchMode
BATCH_MODE_ALL_OR_NOTHING: BatchMode
BATCH_MODE_BEST_EFFORT: BatchMode

class ReserveResourcesBatchRequest(_message.Message):
    __slots__ = ("requests", "mode")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[_reservation_service_pb2.ReserveResourcesRequest]
    mode: BatchMode
    def __init__(self, requests: _Optional[_Iterable[_Union[_reservation_service_pb2.ReserveResourcesRequest, _Mapping]]] = ..., mode: _Optional[_Union[BatchMode, str]] = ...) -> None: ...

class BatchAnswer(_message.Message):
    __slots__ = ("vm_id", "reservation", "refusal")
    VM_ID_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    vm_id: str
    reservation: _reservation_service_pb2.Reservation
    refusal: BatchRefusal
    def __init__(self, vm_id: _Optional[str] = ..., reservation: _Optional[_Union[_reservation_service_pb2.Reservation, _Mapping]] = ..., refusal: _Optional[_Union[BatchRefusal, _Mapping]] = ...) -> None: ...

class BatchRefusal(_message.Message):
    __slots__ = ("reason", "message", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    reason: _reason_pb2.Reason
    message: str
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, reason: _Optional[_Union[_reason_pb2.Reason, str]] = ..., message: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ReserveResourcesBatchResponse(_message.Message):
    __slots__ = ("answers",)
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[BatchAnswer]
    def __init__(self, answers: _Optional[_Iterable[_Union[BatchAnswer, _Mapping]]] = ...) -> None: ...

class ReleaseReservationsBatchRequest(_message.Message):
    __slots__ = ("vm_ids",)
    VM_IDS_FIELD_NUMBER: _ClassVar[int]
    vm_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, vm_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ReleaseReservationsBatchResponse(_message.Message):
    __slots__ = ("released_vm_ids",)
    RELEASED_VM_IDS_FIELD_NUMBER: _ClassVar[int]
    released_vm_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, released_vm_ids: _Optional[_Iterable[str]] = ...) -> None: ...
