import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuthenticationConfiguration(_message.Message):
    __slots__ = ("auth_config_id", "jwt_config", "token_validation", "password_policy", "account_lockout_policy", "session_management", "mfa_config", "mfa_required_roles", "audit_config", "rate_limiting", "environment", "created_at", "updated_at", "etag")
    AUTH_CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    JWT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    TOKEN_VALIDATION_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_POLICY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_LOCKOUT_POLICY_FIELD_NUMBER: _ClassVar[int]
    SESSION_MANAGEMENT_FIELD_NUMBER: _ClassVar[int]
    MFA_CONFIG_FIELD_NUMBER: _ClassVar[int]
    MFA_REQUIRED_ROLES_FIELD_NUMBER: _ClassVar[int]
    AUDIT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMITING_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    auth_config_id: str
    jwt_config: JwtConfiguration
    token_validation: TokenValidationConfig
    password_policy: PasswordPolicy
    account_lockout_policy: AccountLockoutPolicy
    session_management: SessionManagementConfig
    mfa_config: MfaConfiguration
    mfa_required_roles: _containers.RepeatedScalarFieldContainer[str]
    audit_config: AuthenticationAuditConfig
    rate_limiting: AuthenticationRateLimitConfig
    environment: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, auth_config_id: _Optional[str] = ..., jwt_config: _Optional[_Union[JwtConfiguration, _Mapping]] = ..., token_validation: _Optional[_Union[TokenValidationConfig, _Mapping]] = ..., password_policy: _Optional[_Union[PasswordPolicy, _Mapping]] = ..., account_lockout_policy: _Optional[_Union[AccountLockoutPolicy, _Mapping]] = ..., session_management: _Optional[_Union[SessionManagementConfig, _Mapping]] = ..., mfa_config: _Optional[_Union[MfaConfiguration, _Mapping]] = ..., mfa_required_roles: _Optional[_Iterable[str]] = ..., audit_config: _Optional[_Union[AuthenticationAuditConfig, _Mapping]] = ..., rate_limiting: _Optional[_Union[AuthenticationRateLimitConfig, _Mapping]] = ..., environment: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class JwtConfiguration(_message.Message):
    __slots__ = ("issuer", "audience", "algorithm", "access_token_ttl", "key_rotation_interval")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    ACCESS_TOKEN_TTL_FIELD_NUMBER: _ClassVar[int]
    KEY_ROTATION_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    audience: str
    algorithm: str
    access_token_ttl: _duration_pb2.Duration
    key_rotation_interval: _duration_pb2.Duration
    def __init__(self, issuer: _Optional[str] = ..., audience: _Optional[str] = ..., algorithm: _Optional[str] = ..., access_token_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., key_rotation_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TokenValidationConfig(_message.Message):
    __slots__ = ("clock_skew", "cache_ttl")
    CLOCK_SKEW_FIELD_NUMBER: _ClassVar[int]
    CACHE_TTL_FIELD_NUMBER: _ClassVar[int]
    clock_skew: _duration_pb2.Duration
    cache_ttl: _duration_pb2.Duration
    def __init__(self, clock_skew: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cache_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PasswordPolicy(_message.Message):
    __slots__ = ("min_length", "advised_length", "max_length", "refuse_common", "history")
    MIN_LENGTH_FIELD_NUMBER: _ClassVar[int]
    ADVISED_LENGTH_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    REFUSE_COMMON_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    min_length: int
    advised_length: int
    max_length: int
    refuse_common: bool
    history: int
    def __init__(self, min_length: _Optional[int] = ..., advised_length: _Optional[int] = ..., max_length: _Optional[int] = ..., refuse_common: _Optional[bool] = ..., history: _Optional[int] = ...) -> None: ...

class AccountLockoutPolicy(_message.Message):
    __slots__ = ("max_failed_attempts", "lockout_duration", "max_failed_attempts_per_address")
    MAX_FAILED_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    LOCKOUT_DURATION_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILED_ATTEMPTS_PER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    max_failed_attempts: int
    lockout_duration: _duration_pb2.Duration
    max_failed_attempts_per_address: int
    def __init__(self, max_failed_attempts: _Optional[int] = ..., lockout_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_failed_attempts_per_address: _Optional[int] = ...) -> None: ...

class SessionManagementConfig(_message.Message):
    __slots__ = ("session_ttl", "idle_timeout", "max_sessions_per_user", "refresh_grace", "history_retention", "impossible_travel_kmh")
    SESSION_TTL_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSIONS_PER_USER_FIELD_NUMBER: _ClassVar[int]
    REFRESH_GRACE_FIELD_NUMBER: _ClassVar[int]
    HISTORY_RETENTION_FIELD_NUMBER: _ClassVar[int]
    IMPOSSIBLE_TRAVEL_KMH_FIELD_NUMBER: _ClassVar[int]
    session_ttl: _duration_pb2.Duration
    idle_timeout: _duration_pb2.Duration
    max_sessions_per_user: int
    refresh_grace: _duration_pb2.Duration
    history_retention: _duration_pb2.Duration
    impossible_travel_kmh: float
    def __init__(self, session_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., idle_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_sessions_per_user: _Optional[int] = ..., refresh_grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., history_retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., impossible_travel_kmh: _Optional[float] = ...) -> None: ...

class MfaConfiguration(_message.Message):
    __slots__ = ("issuer", "totp_window", "recovery_codes")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    TOTP_WINDOW_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_CODES_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    totp_window: int
    recovery_codes: int
    def __init__(self, issuer: _Optional[str] = ..., totp_window: _Optional[int] = ..., recovery_codes: _Optional[int] = ...) -> None: ...

class AuthenticationAuditConfig(_message.Message):
    __slots__ = ("retention",)
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    retention: _duration_pb2.Duration
    def __init__(self, retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class AuthenticationRateLimitConfig(_message.Message):
    __slots__ = ("api_key_requests_per_minute", "api_key_ttl", "api_keys_per_user")
    API_KEY_REQUESTS_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    API_KEY_TTL_FIELD_NUMBER: _ClassVar[int]
    API_KEYS_PER_USER_FIELD_NUMBER: _ClassVar[int]
    api_key_requests_per_minute: int
    api_key_ttl: _duration_pb2.Duration
    api_keys_per_user: int
    def __init__(self, api_key_requests_per_minute: _Optional[int] = ..., api_key_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., api_keys_per_user: _Optional[int] = ...) -> None: ...

class GetAuthenticationConfigurationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UpdateAuthenticationConfigurationRequest(_message.Message):
    __slots__ = ("authentication_configuration", "update_mask")
    AUTHENTICATION_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    authentication_configuration: AuthenticationConfiguration
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, authentication_configuration: _Optional[_Union[AuthenticationConfiguration, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...
