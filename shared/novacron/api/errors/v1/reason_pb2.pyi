from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASON_UNSPECIFIED: _ClassVar[Reason]
    REASON_INVALID_ARGUMENT: _ClassVar[Reason]
    REASON_OUT_OF_RANGE: _ClassVar[Reason]
    REASON_NOT_FOUND: _ClassVar[Reason]
    REASON_ALREADY_EXISTS: _ClassVar[Reason]
    REASON_FAILED_PRECONDITION: _ClassVar[Reason]
    REASON_WRONG_STATE: _ClassVar[Reason]
    REASON_STEP_COMPENSATED: _ClassVar[Reason]
    REASON_SAGA_FAILED: _ClassVar[Reason]
    REASON_SAGA_STUCK: _ClassVar[Reason]
    REASON_CONFLICT: _ClassVar[Reason]
    REASON_LEASE_LOST: _ClassVar[Reason]
    REASON_NO_CAPACITY: _ClassVar[Reason]
    REASON_QUOTA_EXCEEDED: _ClassVar[Reason]
    REASON_OVERLOADED: _ClassVar[Reason]
    REASON_UNAUTHENTICATED: _ClassVar[Reason]
    REASON_PERMISSION_DENIED: _ClassVar[Reason]
    REASON_UNIMPLEMENTED: _ClassVar[Reason]
    REASON_UNAVAILABLE: _ClassVar[Reason]
    REASON_BREAKER_OPEN: _ClassVar[Reason]
    REASON_DEADLINE_EXCEEDED: _ClassVar[Reason]
    REASON_DEADLINE_TOO_SHORT: _ClassVar[Reason]
    REASON_CANCELLED: _ClassVar[Reason]
    REASON_INTERNAL: _ClassVar[Reason]
    REASON_DATA_LOSS: _ClassVar[Reason]
    REASON_UNKNOWN: _ClassVar[Reason]
    REASON_STALE_EPOCH: _ClassVar[Reason]
    REASON_LEASE_PASSED: _ClassVar[Reason]
REASON_UNSPECIFIED: Reason
REASON_INVALID_ARGUMENT: Reason
REASON_OUT_OF_RANGE: Reason
REASON_NOT_FOUND: Reason
REASON_ALREADY_EXISTS: Reason
REASON_FAILED_PRECONDITION: Reason
REASON_WRONG_STATE: Reason
REASON_STEP_COMPENSATED: Reason
REASON_SAGA_FAILED: Reason
REASON_SAGA_STUCK: Reason
REASON_CONFLICT: Reason
REASON_LEASE_LOST: Reason
REASON_NO_CAPACITY: Reason
REASON_QUOTA_EXCEEDED: Reason
REASON_OVERLOADED: Reason
REASON_UNAUTHENTICATED: Reason
REASON_PERMISSION_DENIED: Reason
REASON_UNIMPLEMENTED: Reason
REASON_UNAVAILABLE: Reason
REASON_BREAKER_OPEN: Reason
REASON_DEADLINE_EXCEEDED: Reason
REASON_DEADLINE_TOO_SHORT: Reason
REASON_CANCELLED: Reason
REASON_INTERNAL: Reason
REASON_DATA_LOSS: Reason
REASON_UNKNOWN: Reason
REASON_STALE_EPOCH: Reason
REASON_LEASE_PASSED: Reason
