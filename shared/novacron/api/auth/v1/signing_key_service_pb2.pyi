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

class KeyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_STATE_UNSPECIFIED: _ClassVar[KeyState]
    KEY_STATE_STAGED: _ClassVar[KeyState]
    KEY_STATE_PRIMARY: _ClassVar[KeyState]
    KEY_STATE_SECONDARY: _ClassVar[KeyState]
    KEY_STATE_REVOKED: _ClassVar[KeyState]
KEY_STATE_UNSPECIFIED: KeyState
KEY_STATE_STAGED: KeyState
KEY_STATE_PRIMARY: KeyState
KEY_STATE_SECONDARY: KeyState
KEY_STATE_REVOKED: KeyState

class SigningKey(_message.Message):
    __slots__ = ("signing_key_id", "state", "created_at", "activated_at", "retired_at", "expires_at")
    SIGNING_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ACTIVATED_AT_FIELD_NUMBER: _ClassVar[int]
    RETIRED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    signing_key_id: str
    state: KeyState
    created_at: _timestamp_pb2.Timestamp
    activated_at: _timestamp_pb2.Timestamp
    retired_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, signing_key_id: _Optional[str] = ..., state: _Optional[_Union[KeyState, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., activated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retired_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListSigningKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSigningKeysResponse(_message.Message):
    __slots__ = ("signing_keys", "next_rotation_at")
    SIGNING_KEYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_ROTATION_AT_FIELD_NUMBER: _ClassVar[int]
    signing_keys: _containers.RepeatedCompositeFieldContainer[SigningKey]
    next_rotation_at: _timestamp_pb2.Timestamp
    def __init__(self, signing_keys: _Optional[_Iterable[_Union[SigningKey, _Mapping]]] = ..., next_rotation_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RotateSigningKeysRequest(_message.Message):
    __slots__ = ("primary_key_id", "emergency")
    PRIMARY_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    EMERGENCY_FIELD_NUMBER: _ClassVar[int]
    primary_key_id: str
    emergency: bool
    def __init__(self, primary_key_id: _Optional[str] = ..., emergency: _Optional[bool] = ...) -> None: ...

class RevokeSigningKeyRequest(_message.Message):
    __slots__ = ("signing_key_id",)
    SIGNING_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    signing_key_id: str
    def __init__(self, signing_key_id: _Optional[str] = ...) -> None: ...

class SecretKey(_message.Message):
    __slots__ = ("secret_key_id", "tenant_id", "state", "created_at", "sealed_count")
    SECRET_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    SEALED_COUNT_FIELD_NUMBER: _ClassVar[int]
    secret_key_id: str
    tenant_id: str
    state: KeyState
    created_at: _timestamp_pb2.Timestamp
    sealed_count: int
    def __init__(self, secret_key_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., state: _Optional[_Union[KeyState, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sealed_count: _Optional[int] = ...) -> None: ...

class ListSecretKeysRequest(_message.Message):
    __slots__ = ("tenant_id",)
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    def __init__(self, tenant_id: _Optional[str] = ...) -> None: ...

class ListSecretKeysResponse(_message.Message):
    __slots__ = ("secret_keys",)
    SECRET_KEYS_FIELD_NUMBER: _ClassVar[int]
    secret_keys: _containers.RepeatedCompositeFieldContainer[SecretKey]
    def __init__(self, secret_keys: _Optional[_Iterable[_Union[SecretKey, _Mapping]]] = ...) -> None: ...

class RotateSecretKeysRequest(_message.Message):
    __slots__ = ("tenant_id", "primary_key_id")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    primary_key_id: str
    def __init__(self, tenant_id: _Optional[str] = ..., primary_key_id: _Optional[str] = ...) -> None: ...
