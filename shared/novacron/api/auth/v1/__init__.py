# Written by protos/generate.py from protos/novacron/api/auth/v1: edit that instead.
# ruff: noqa
from .auth_pb2 import CheckPermissionRequest, CheckPermissionResponse, GetJwksRequest, GetJwksResponse, GetUserPermissionsRequest, GetUserPermissionsResponse, Jwk, LoginRequest, LoginResponse, USER_ROLE_ADMIN, USER_ROLE_OPERATOR, USER_ROLE_UNSPECIFIED, USER_ROLE_USER, USER_ROLE_VIEWER, User, UserRole, ValidateTokenRequest, ValidateTokenResponse
from .auth_pb2_grpc import add_AuthServiceServicer_to_server, AuthServiceServicer, AuthServiceStub

__all__ = ['AuthServiceServicer', 'AuthServiceStub', 'CheckPermissionRequest', 'CheckPermissionResponse', 'GetJwksRequest', 'GetJwksResponse', 'GetUserPermissionsRequest', 'GetUserPermissionsResponse', 'Jwk', 'LoginRequest', 'LoginResponse', 'USER_ROLE_ADMIN', 'USER_ROLE_OPERATOR', 'USER_ROLE_UNSPECIFIED', 'USER_ROLE_USER', 'USER_ROLE_VIEWER', 'User', 'UserRole', 'ValidateTokenRequest', 'ValidateTokenResponse', 'add_AuthServiceServicer_to_server']
