import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuthenticationMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUTHENTICATION_METHOD_UNSPECIFIED: _ClassVar[AuthenticationMethod]
    AUTHENTICATION_METHOD_PASSWORD: _ClassVar[AuthenticationMethod]
    AUTHENTICATION_METHOD_MFA: _ClassVar[AuthenticationMethod]
    AUTHENTICATION_METHOD_OAUTH: _ClassVar[AuthenticationMethod]
    AUTHENTICATION_METHOD_SAML: _ClassVar[AuthenticationMethod]
    AUTHENTICATION_METHOD_API_KEY: _ClassVar[AuthenticationMethod]

class SessionStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_STATUS_UNSPECIFIED: _ClassVar[SessionStatus]
    SESSION_STATUS_ACTIVE: _ClassVar[SessionStatus]
    SESSION_STATUS_EXPIRED: _ClassVar[SessionStatus]
    SESSION_STATUS_REVOKED: _ClassVar[SessionStatus]

class SecurityEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SECURITY_EVENT_TYPE_UNSPECIFIED: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_NEW_DEVICE: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_NEW_NETWORK: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_FAILED_LOGINS: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_IMPOSSIBLE_TRAVEL: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_REFRESH_TOKEN_REUSE: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_ACCOUNT_LOCKED: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_PASSWORD_CHANGED: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_PASSWORD_RESET: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_MFA_ENABLED: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_MFA_DISABLED: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_RECOVERY_CODE_USED: _ClassVar[SecurityEventType]
    SECURITY_EVENT_TYPE_SECURITY_KEY_COPIED: _ClassVar[SecurityEventType]
AUTHENTICATION_METHOD_UNSPECIFIED: AuthenticationMethod
AUTHENTICATION_METHOD_PASSWORD: AuthenticationMethod
AUTHENTICATION_METHOD_MFA: AuthenticationMethod
AUTHENTICATION_METHOD_OAUTH: AuthenticationMethod
AUTHENTICATION_METHOD_SAML: AuthenticationMethod
AUTHENTICATION_METHOD_API_KEY: AuthenticationMethod
SESSION_STATUS_UNSPECIFIED: SessionStatus
SESSION_STATUS_ACTIVE: SessionStatus
SESSION_STATUS_EXPIRED: SessionStatus
SESSION_STATUS_REVOKED: SessionStatus
SECURITY_EVENT_TYPE_UNSPECIFIED: SecurityEventType
SECURITY_EVENT_TYPE_NEW_DEVICE: SecurityEventType
SECURITY_EVENT_TYPE_NEW_NETWORK: SecurityEventType
SECURITY_EVENT_TYPE_FAILED_LOGINS: SecurityEventType
SECURITY_EVENT_TYPE_IMPOSSIBLE_TRAVEL: SecurityEventType
SECURITY_EVENT_TYPE_REFRESH_TOKEN_REUSE: SecurityEventType
SECURITY_EVENT_TYPE_ACCOUNT_LOCKED: SecurityEventType
SECURITY_EVENT_TYPE_PASSWORD_CHANGED: SecurityEventType
SECURITY_EVENT_TYPE_PASSWORD_RESET: SecurityEventType
SECURITY_EVENT_TYPE_MFA_ENABLED: SecurityEventType
SECURITY_EVENT_TYPE_MFA_DISABLED: SecurityEventType
SECURITY_EVENT_TYPE_RECOVERY_CODE_USED: SecurityEventType
SECURITY_EVENT_TYPE_SECURITY_KEY_COPIED: SecurityEventType

class GeoLocation(_message.Message):
    __slots__ = ("latitude", "longitude", "country", "city")
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    CITY_FIELD_NUMBER: _ClassVar[int]
    latitude: float
    longitude: float
    country: str
    city: str
    def __init__(self, latitude: _Optional[float] = ..., longitude: _Optional[float] = ..., country: _Optional[str] = ..., city: _Optional[str] = ...) -> None: ...

class SecurityEvent(_message.Message):
    __slots__ = ("security_event_id", "event_type", "risk", "description", "user_id", "session_id", "ip_address", "created_at")
    SECURITY_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    RISK_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    IP_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    security_event_id: str
    event_type: SecurityEventType
    risk: float
    description: str
    user_id: str
    session_id: str
    ip_address: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, security_event_id: _Optional[str] = ..., event_type: _Optional[_Union[SecurityEventType, str]] = ..., risk: _Optional[float] = ..., description: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., ip_address: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UserSession(_message.Message):
    __slots__ = ("session_id", "user_id", "created_at", "last_accessed_at", "expires_at", "authentication_method", "authentication_timestamp", "ip_address", "user_agent", "roles", "permissions", "scopes", "risk_score", "security_events", "status", "device_fingerprint", "geo_location", "revoked_at", "revoked_reason", "current", "tenant_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_ACCESSED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATION_METHOD_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATION_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    IP_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    RISK_SCORE_FIELD_NUMBER: _ClassVar[int]
    SECURITY_EVENTS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    GEO_LOCATION_FIELD_NUMBER: _ClassVar[int]
    REVOKED_AT_FIELD_NUMBER: _ClassVar[int]
    REVOKED_REASON_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    user_id: str
    created_at: _timestamp_pb2.Timestamp
    last_accessed_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    authentication_method: AuthenticationMethod
    authentication_timestamp: _timestamp_pb2.Timestamp
    ip_address: str
    user_agent: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    permissions: _containers.RepeatedScalarFieldContainer[str]
    scopes: _containers.RepeatedScalarFieldContainer[str]
    risk_score: float
    security_events: _containers.RepeatedCompositeFieldContainer[SecurityEvent]
    status: SessionStatus
    device_fingerprint: str
    geo_location: GeoLocation
    revoked_at: _timestamp_pb2.Timestamp
    revoked_reason: str
    current: bool
    tenant_id: str
    def __init__(self, session_id: _Optional[str] = ..., user_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_accessed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., authentication_method: _Optional[_Union[AuthenticationMethod, str]] = ..., authentication_timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ip_address: _Optional[str] = ..., user_agent: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., permissions: _Optional[_Iterable[str]] = ..., scopes: _Optional[_Iterable[str]] = ..., risk_score: _Optional[float] = ..., security_events: _Optional[_Iterable[_Union[SecurityEvent, _Mapping]]] = ..., status: _Optional[_Union[SessionStatus, str]] = ..., device_fingerprint: _Optional[str] = ..., geo_location: _Optional[_Union[GeoLocation, _Mapping]] = ..., revoked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revoked_reason: _Optional[str] = ..., current: _Optional[bool] = ..., tenant_id: _Optional[str] = ...) -> None: ...
