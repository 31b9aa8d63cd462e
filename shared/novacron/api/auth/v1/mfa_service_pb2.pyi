import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MfaType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MFA_TYPE_UNSPECIFIED: _ClassVar[MfaType]
    MFA_TYPE_TOTP: _ClassVar[MfaType]
    MFA_TYPE_WEBAUTHN: _ClassVar[MfaType]
MFA_TYPE_UNSPECIFIED: MfaType
MFA_TYPE_TOTP: MfaType
MFA_TYPE_WEBAUTHN: MfaType

class MfaCredential(_message.Message):
    __slots__ = ("mfa_credential_id", "type", "name", "confirmed_at", "last_used_at", "created_at")
    MFA_CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    mfa_credential_id: str
    type: MfaType
    name: str
    confirmed_at: _timestamp_pb2.Timestamp
    last_used_at: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, mfa_credential_id: _Optional[str] = ..., type: _Optional[_Union[MfaType, str]] = ..., name: _Optional[str] = ..., confirmed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_used_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class EnrollTotpRequest(_message.Message):
    __slots__ = ("name", "password")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    name: str
    password: str
    def __init__(self, name: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class EnrollTotpResponse(_message.Message):
    __slots__ = ("mfa_credential_id", "secret", "uri")
    MFA_CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    mfa_credential_id: str
    secret: str
    uri: str
    def __init__(self, mfa_credential_id: _Optional[str] = ..., secret: _Optional[str] = ..., uri: _Optional[str] = ...) -> None: ...

class ConfirmTotpRequest(_message.Message):
    __slots__ = ("mfa_credential_id", "one_time_code")
    MFA_CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    ONE_TIME_CODE_FIELD_NUMBER: _ClassVar[int]
    mfa_credential_id: str
    one_time_code: str
    def __init__(self, mfa_credential_id: _Optional[str] = ..., one_time_code: _Optional[str] = ...) -> None: ...

class ConfirmTotpResponse(_message.Message):
    __slots__ = ("mfa_credential", "recovery_codes")
    MFA_CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_CODES_FIELD_NUMBER: _ClassVar[int]
    mfa_credential: MfaCredential
    recovery_codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mfa_credential: _Optional[_Union[MfaCredential, _Mapping]] = ..., recovery_codes: _Optional[_Iterable[str]] = ...) -> None: ...

class GenerateRecoveryCodesRequest(_message.Message):
    __slots__ = ("one_time_code", "webauthn_assertion")
    ONE_TIME_CODE_FIELD_NUMBER: _ClassVar[int]
    WEBAUTHN_ASSERTION_FIELD_NUMBER: _ClassVar[int]
    one_time_code: str
    webauthn_assertion: str
    def __init__(self, one_time_code: _Optional[str] = ..., webauthn_assertion: _Optional[str] = ...) -> None: ...

class GenerateRecoveryCodesResponse(_message.Message):
    __slots__ = ("recovery_codes",)
    RECOVERY_CODES_FIELD_NUMBER: _ClassVar[int]
    recovery_codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, recovery_codes: _Optional[_Iterable[str]] = ...) -> None: ...

class BeginWebauthnRegistrationRequest(_message.Message):
    __slots__ = ("password",)
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    password: str
    def __init__(self, password: _Optional[str] = ...) -> None: ...

class BeginWebauthnRegistrationResponse(_message.Message):
    __slots__ = ("options", "expires_at")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    options: str
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, options: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FinishWebauthnRegistrationRequest(_message.Message):
    __slots__ = ("credential", "name")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    credential: str
    name: str
    def __init__(self, credential: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class FinishWebauthnRegistrationResponse(_message.Message):
    __slots__ = ("mfa_credential", "recovery_codes")
    MFA_CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_CODES_FIELD_NUMBER: _ClassVar[int]
    mfa_credential: MfaCredential
    recovery_codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mfa_credential: _Optional[_Union[MfaCredential, _Mapping]] = ..., recovery_codes: _Optional[_Iterable[str]] = ...) -> None: ...

class BeginWebauthnAssertionRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BeginWebauthnAssertionResponse(_message.Message):
    __slots__ = ("options", "expires_at")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    options: str
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, options: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class VerifyWebauthnAssertionRequest(_message.Message):
    __slots__ = ("webauthn_assertion",)
    WEBAUTHN_ASSERTION_FIELD_NUMBER: _ClassVar[int]
    webauthn_assertion: str
    def __init__(self, webauthn_assertion: _Optional[str] = ...) -> None: ...

class VerifyWebauthnAssertionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMfaCredentialsRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class ListMfaCredentialsResponse(_message.Message):
    __slots__ = ("mfa_credentials", "recovery_codes_left", "required")
    MFA_CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_CODES_LEFT_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    mfa_credentials: _containers.RepeatedCompositeFieldContainer[MfaCredential]
    recovery_codes_left: int
    required: bool
    def __init__(self, mfa_credentials: _Optional[_Iterable[_Union[MfaCredential, _Mapping]]] = ..., recovery_codes_left: _Optional[int] = ..., required: _Optional[bool] = ...) -> None: ...

class DeleteMfaCredentialRequest(_message.Message):
    __slots__ = ("mfa_credential_id", "one_time_code", "password", "webauthn_assertion")
    MFA_CREDENTIAL_ID_FIELD_NUMBER: _ClassVar[int]
    ONE_TIME_CODE_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    WEBAUTHN_ASSERTION_FIELD_NUMBER: _ClassVar[int]
    mfa_credential_id: str
    one_time_code: str
    password: str
    webauthn_assertion: str
    def __init__(self, mfa_credential_id: _Optional[str] = ..., one_time_code: _Optional[str] = ..., password: _Optional[str] = ..., webauthn_assertion: _Optional[str] = ...) -> None: ...

class DeleteMfaCredentialResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResetMfaRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class ResetMfaResponse(_message.Message):
    __slots__ = ("removed_credentials",)
    REMOVED_CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    removed_credentials: int
    def __init__(self, removed_credentials: _Optional[int] = ...) -> None: ...
