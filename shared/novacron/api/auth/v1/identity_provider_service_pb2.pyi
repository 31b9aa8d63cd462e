import datetime

from novacron.api.buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from novacron.api.auth.v1 import auth_pb2 as _auth_pb2
from novacron.api.auth.v1 import user_pb2 as _user_pb2
from novacron.api.options.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IdentityProviderType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IDENTITY_PROVIDER_TYPE_UNSPECIFIED: _ClassVar[IdentityProviderType]
    IDENTITY_PROVIDER_TYPE_OIDC: _ClassVar[IdentityProviderType]
    IDENTITY_PROVIDER_TYPE_SAML: _ClassVar[IdentityProviderType]
IDENTITY_PROVIDER_TYPE_UNSPECIFIED: IdentityProviderType
IDENTITY_PROVIDER_TYPE_OIDC: IdentityProviderType
IDENTITY_PROVIDER_TYPE_SAML: IdentityProviderType

class SamlProvider(_message.Message):
    __slots__ = ("sso_url", "certificates")
    SSO_URL_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    sso_url: str
    certificates: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, sso_url: _Optional[str] = ..., certificates: _Optional[_Iterable[str]] = ...) -> None: ...

class IdentityProvider(_message.Message):
    __slots__ = ("identity_provider_id", "name", "tenant_id", "issuer", "client_id", "scopes", "create_users", "default_role", "created_at", "type", "saml")
    IDENTITY_PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    CREATE_USERS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_ROLE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SAML_FIELD_NUMBER: _ClassVar[int]
    identity_provider_id: str
    name: str
    tenant_id: str
    issuer: str
    client_id: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    create_users: bool
    default_role: _user_pb2.UserRole
    created_at: _timestamp_pb2.Timestamp
    type: IdentityProviderType
    saml: SamlProvider
    def __init__(self, identity_provider_id: _Optional[str] = ..., name: _Optional[str] = ..., tenant_id: _Optional[str] = ..., issuer: _Optional[str] = ..., client_id: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ..., create_users: _Optional[bool] = ..., default_role: _Optional[_Union[_user_pb2.UserRole, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., type: _Optional[_Union[IdentityProviderType, str]] = ..., saml: _Optional[_Union[SamlProvider, _Mapping]] = ...) -> None: ...

class CreateIdentityProviderRequest(_message.Message):
    __slots__ = ("identity_provider_id", "name", "tenant_id", "issuer", "client_id", "client_secret", "scopes", "create_users", "default_role", "type", "saml")
    IDENTITY_PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SECRET_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    CREATE_USERS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_ROLE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SAML_FIELD_NUMBER: _ClassVar[int]
    identity_provider_id: str
    name: str
    tenant_id: str
    issuer: str
    client_id: str
    client_secret: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    create_users: bool
    default_role: _user_pb2.UserRole
    type: IdentityProviderType
    saml: SamlProvider
    def __init__(self, identity_provider_id: _Optional[str] = ..., name: _Optional[str] = ..., tenant_id: _Optional[str] = ..., issuer: _Optional[str] = ..., client_id: _Optional[str] = ..., client_secret: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ..., create_users: _Optional[bool] = ..., default_role: _Optional[_Union[_user_pb2.UserRole, str]] = ..., type: _Optional[_Union[IdentityProviderType, str]] = ..., saml: _Optional[_Union[SamlProvider, _Mapping]] = ...) -> None: ...

class ListIdentityProvidersRequest(_message.Message):
    __slots__ = ("tenant_id",)
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    def __init__(self, tenant_id: _Optional[str] = ...) -> None: ...

class ListIdentityProvidersResponse(_message.Message):
    __slots__ = ("identity_providers",)
    IDENTITY_PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    identity_providers: _containers.RepeatedCompositeFieldContainer[IdentityProvider]
    def __init__(self, identity_providers: _Optional[_Iterable[_Union[IdentityProvider, _Mapping]]] = ...) -> None: ...

class SetSamlCertificatesRequest(_message.Message):
    __slots__ = ("identity_provider_id", "certificates")
    IDENTITY_PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    identity_provider_id: str
    certificates: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, identity_provider_id: _Optional[str] = ..., certificates: _Optional[_Iterable[str]] = ...) -> None: ...

class DeleteIdentityProviderRequest(_message.Message):
    __slots__ = ("identity_provider_id",)
    IDENTITY_PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    identity_provider_id: str
    def __init__(self, identity_provider_id: _Optional[str] = ...) -> None: ...

class DeleteIdentityProviderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BeginOidcLoginRequest(_message.Message):
    __slots__ = ("tenant", "provider", "redirect_uri")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    provider: str
    redirect_uri: str
    def __init__(self, tenant: _Optional[str] = ..., provider: _Optional[str] = ..., redirect_uri: _Optional[str] = ...) -> None: ...

class BeginOidcLoginResponse(_message.Message):
    __slots__ = ("authorization_url", "state", "expires_at", "login_token")
    AUTHORIZATION_URL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    LOGIN_TOKEN_FIELD_NUMBER: _ClassVar[int]
    authorization_url: str
    state: str
    expires_at: _timestamp_pb2.Timestamp
    login_token: str
    def __init__(self, authorization_url: _Optional[str] = ..., state: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., login_token: _Optional[str] = ...) -> None: ...

class CompleteOidcLoginRequest(_message.Message):
    __slots__ = ("state", "code", "device_fingerprint", "login_token", "issuer")
    STATE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    LOGIN_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    state: str
    code: str
    device_fingerprint: str
    login_token: str
    issuer: str
    def __init__(self, state: _Optional[str] = ..., code: _Optional[str] = ..., device_fingerprint: _Optional[str] = ..., login_token: _Optional[str] = ..., issuer: _Optional[str] = ...) -> None: ...

class BeginDeviceLoginRequest(_message.Message):
    __slots__ = ("tenant", "provider")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    provider: str
    def __init__(self, tenant: _Optional[str] = ..., provider: _Optional[str] = ...) -> None: ...

class BeginDeviceLoginResponse(_message.Message):
    __slots__ = ("device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_at", "interval")
    DEVICE_CODE_FIELD_NUMBER: _ClassVar[int]
    USER_CODE_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_URI_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_URI_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_at: _timestamp_pb2.Timestamp
    interval: _duration_pb2.Duration
    def __init__(self, device_code: _Optional[str] = ..., user_code: _Optional[str] = ..., verification_uri: _Optional[str] = ..., verification_uri_complete: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PollDeviceLoginRequest(_message.Message):
    __slots__ = ("device_code", "device_fingerprint")
    DEVICE_CODE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    device_code: str
    device_fingerprint: str
    def __init__(self, device_code: _Optional[str] = ..., device_fingerprint: _Optional[str] = ...) -> None: ...

class PollDeviceLoginResponse(_message.Message):
    __slots__ = ("login", "interval")
    LOGIN_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    login: _auth_pb2.LoginResponse
    interval: _duration_pb2.Duration
    def __init__(self, login: _Optional[_Union[_auth_pb2.LoginResponse, _Mapping]] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class LinkExternalIdentityRequest(_message.Message):
    __slots__ = ("state", "code", "login_token", "issuer", "password")
    STATE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    LOGIN_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    state: str
    code: str
    login_token: str
    issuer: str
    password: str
    def __init__(self, state: _Optional[str] = ..., code: _Optional[str] = ..., login_token: _Optional[str] = ..., issuer: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class LinkExternalIdentityResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListExternalIdentitiesRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class ListExternalIdentitiesResponse(_message.Message):
    __slots__ = ("external_identities",)
    EXTERNAL_IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    external_identities: _containers.RepeatedCompositeFieldContainer[ExternalIdentity]
    def __init__(self, external_identities: _Optional[_Iterable[_Union[ExternalIdentity, _Mapping]]] = ...) -> None: ...

class ExternalIdentity(_message.Message):
    __slots__ = ("identity_provider_id", "provider", "subject", "created_at")
    IDENTITY_PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    identity_provider_id: str
    provider: str
    subject: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, identity_provider_id: _Optional[str] = ..., provider: _Optional[str] = ..., subject: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UnlinkExternalIdentityRequest(_message.Message):
    __slots__ = ("identity_provider_id", "user_id")
    IDENTITY_PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    identity_provider_id: str
    user_id: str
    def __init__(self, identity_provider_id: _Optional[str] = ..., user_id: _Optional[str] = ...) -> None: ...

class UnlinkExternalIdentityResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BeginSamlLoginRequest(_message.Message):
    __slots__ = ("tenant", "provider", "assertion_consumer_url")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    ASSERTION_CONSUMER_URL_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    provider: str
    assertion_consumer_url: str
    def __init__(self, tenant: _Optional[str] = ..., provider: _Optional[str] = ..., assertion_consumer_url: _Optional[str] = ...) -> None: ...

class BeginSamlLoginResponse(_message.Message):
    __slots__ = ("redirect_url", "relay_state", "expires_at", "login_token")
    REDIRECT_URL_FIELD_NUMBER: _ClassVar[int]
    RELAY_STATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    LOGIN_TOKEN_FIELD_NUMBER: _ClassVar[int]
    redirect_url: str
    relay_state: str
    expires_at: _timestamp_pb2.Timestamp
    login_token: str
    def __init__(self, redirect_url: _Optional[str] = ..., relay_state: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., login_token: _Optional[str] = ...) -> None: ...

class CompleteSamlLoginRequest(_message.Message):
    __slots__ = ("relay_state", "saml_response", "device_fingerprint", "login_token")
    RELAY_STATE_FIELD_NUMBER: _ClassVar[int]
    SAML_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    LOGIN_TOKEN_FIELD_NUMBER: _ClassVar[int]
    relay_state: str
    saml_response: str
    device_fingerprint: str
    login_token: str
    def __init__(self, relay_state: _Optional[str] = ..., saml_response: _Optional[str] = ..., device_fingerprint: _Optional[str] = ..., login_token: _Optional[str] = ...) -> None: ...

class LinkSamlIdentityRequest(_message.Message):
    __slots__ = ("relay_state", "saml_response", "login_token", "password")
    RELAY_STATE_FIELD_NUMBER: _ClassVar[int]
    SAML_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    LOGIN_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    relay_state: str
    saml_response: str
    login_token: str
    password: str
    def __init__(self, relay_state: _Optional[str] = ..., saml_response: _Optional[str] = ..., login_token: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...
