from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BreakerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BREAKER_STATE_UNSPECIFIED: _ClassVar[BreakerState]
    BREAKER_STATE_CLOSED: _ClassVar[BreakerState]
    BREAKER_STATE_OPEN: _ClassVar[BreakerState]
    BREAKER_STATE_HALF_OPEN: _ClassVar[BreakerState]
    BREAKER_STATE_FORCED_OPEN: _ClassVar[BreakerState]
    BREAKER_STATE_DISABLED: _ClassVar[BreakerState]
    BREAKER_STATE_METRICS_ONLY: _ClassVar[BreakerState]

class FailureCriterion(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAILURE_CRITERION_UNSPECIFIED: _ClassVar[FailureCriterion]
    FAILURE_CRITERION_UNAVAILABLE: _ClassVar[FailureCriterion]
    FAILURE_CRITERION_TIMEOUT: _ClassVar[FailureCriterion]
    FAILURE_CRITERION_OVERLOAD: _ClassVar[FailureCriterion]
    FAILURE_CRITERION_SERVER_ERROR: _ClassVar[FailureCriterion]
    FAILURE_CRITERION_SLOW_CALL: _ClassVar[FailureCriterion]

class RecoveryStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECOVERY_STRATEGY_UNSPECIFIED: _ClassVar[RecoveryStrategy]
    RECOVERY_STRATEGY_EXPONENTIAL_BACKOFF: _ClassVar[RecoveryStrategy]
    RECOVERY_STRATEGY_LINEAR_BACKOFF: _ClassVar[RecoveryStrategy]
    RECOVERY_STRATEGY_FIXED_INTERVAL: _ClassVar[RecoveryStrategy]
    RECOVERY_STRATEGY_GRADUAL: _ClassVar[RecoveryStrategy]
    RECOVERY_STRATEGY_MANUAL: _ClassVar[RecoveryStrategy]
BREAKER_STATE_UNSPECIFIED: BreakerState
BREAKER_STATE_CLOSED: BreakerState
BREAKER_STATE_OPEN: BreakerState
BREAKER_STATE_HALF_OPEN: BreakerState
BREAKER_STATE_FORCED_OPEN: BreakerState
BREAKER_STATE_DISABLED: BreakerState
BREAKER_STATE_METRICS_ONLY: BreakerState
FAILURE_CRITERION_UNSPECIFIED: FailureCriterion
FAILURE_CRITERION_UNAVAILABLE: FailureCriterion
FAILURE_CRITERION_TIMEOUT: FailureCriterion
FAILURE_CRITERION_OVERLOAD: FailureCriterion
FAILURE_CRITERION_SERVER_ERROR: FailureCriterion
FAILURE_CRITERION_SLOW_CALL: FailureCriterion
RECOVERY_STRATEGY_UNSPECIFIED: RecoveryStrategy
RECOVERY_STRATEGY_EXPONENTIAL_BACKOFF: RecoveryStrategy
RECOVERY_STRATEGY_LINEAR_BACKOFF: RecoveryStrategy
RECOVERY_STRATEGY_FIXED_INTERVAL: RecoveryStrategy
RECOVERY_STRATEGY_GRADUAL: RecoveryStrategy
RECOVERY_STRATEGY_MANUAL: RecoveryStrategy

class BreakerSettings(_message.Message):
    __slots__ = ("failure_threshold", "failure_rate", "minimum_request_threshold", "monitoring_window_seconds", "monitoring_window_calls", "failure_criteria", "timeout_threshold_ms", "slow_rate", "fair_timeout_ms", "recovery_strategy", "timeout_duration_seconds", "longest_open_seconds", "success_threshold", "half_open_permits", "permit_seconds", "max_retry_attempts", "fallback_enabled")
    FAILURE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    FAILURE_RATE_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_REQUEST_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MONITORING_WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MONITORING_WINDOW_CALLS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CRITERIA_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_THRESHOLD_MS_FIELD_NUMBER: _ClassVar[int]
    SLOW_RATE_FIELD_NUMBER: _ClassVar[int]
    FAIR_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LONGEST_OPEN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    HALF_OPEN_PERMITS_FIELD_NUMBER: _ClassVar[int]
    PERMIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRY_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_ENABLED_FIELD_NUMBER: _ClassVar[int]
    failure_threshold: int
    failure_rate: float
    minimum_request_threshold: int
    monitoring_window_seconds: float
    monitoring_window_calls: int
    failure_criteria: _containers.RepeatedScalarFieldContainer[FailureCriterion]
    timeout_threshold_ms: int
    slow_rate: float
    fair_timeout_ms: int
    recovery_strategy: RecoveryStrategy
    timeout_duration_seconds: float
    longest_open_seconds: float
    success_threshold: int
    half_open_permits: int
    permit_seconds: float
    max_retry_attempts: int
    fallback_enabled: bool
    def __init__(self, failure_threshold: _Optional[int] = ..., failure_rate: _Optional[float] = ..., minimum_request_threshold: _Optional[int] = ..., monitoring_window_seconds: _Optional[float] = ..., monitoring_window_calls: _Optional[int] = ..., failure_criteria: _Optional[_Iterable[_Union[FailureCriterion, str]]] = ..., timeout_threshold_ms: _Optional[int] = ..., slow_rate: _Optional[float] = ..., fair_timeout_ms: _Optional[int] = ..., recovery_strategy: _Optional[_Union[RecoveryStrategy, str]] = ..., timeout_duration_seconds: _Optional[float] = ..., longest_open_seconds: _Optional[float] = ..., success_threshold: _Optional[int] = ..., half_open_permits: _Optional[int] = ..., permit_seconds: _Optional[float] = ..., max_retry_attempts: _Optional[int] = ..., fallback_enabled: _Optional[bool] = ...) -> None: ...
