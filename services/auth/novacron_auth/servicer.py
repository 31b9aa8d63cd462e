"""The gRPC edge of the auth service: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.auth.v1 import (
    AuthServiceServicer,
    CheckPermissionRequest,
    CheckPermissionResponse,
    GetJwksRequest,
    GetJwksResponse,
    GetUserPermissionsRequest,
    GetUserPermissionsResponse,
    LoginRequest,
    LoginResponse,
    ValidateTokenRequest,
    ValidateTokenResponse,
)
from novacron.rpc import current

from . import messages
from .keys.keyring import Keyring
from .roles.permissions import Permissions
from .sessions.logins import Logins
from .sessions.sessions import Sessions
from .sessions.validations import Validations


class AuthServicer(AuthServiceServicer):
    """Answers for ``novacron.api.auth.v1.AuthService``."""

    def __init__(
        self,
        logins: Logins,
        sessions: Sessions,
        permissions: Permissions,
        validations: Validations[ValidateTokenResponse],
        keyring: Keyring,
    ) -> None:
        self._logins = logins
        self._sessions = sessions
        self._permissions = permissions
        self._validations = validations
        self._keyring = keyring

    async def Login(self, request: LoginRequest, context: Any) -> LoginResponse:
        session, refresh_token = await self._logins.login(messages.attempt(request, context))
        return messages.login_response(session, await self._sessions.access_token(session), refresh_token)

    async def ValidateToken(self, request: ValidateTokenRequest, context: Any) -> ValidateTokenResponse:
        return await self._validations.of(request.access_token)

    async def GetUserPermissions(self, request: GetUserPermissionsRequest, context: Any) -> GetUserPermissionsResponse:
        grants = await self._permissions.of_user(
            UUID(request.user_id),
            tenant_id=current().tenant_filter,
            session_id=UUID(request.session_id) if request.session_id else None,
        )
        return messages.permissions_response(grants)

    async def CheckPermission(self, request: CheckPermissionRequest, context: Any) -> CheckPermissionResponse:
        grants = await self._permissions.of_user(UUID(request.user_id), tenant_id=current().tenant_filter)
        return CheckPermissionResponse(allowed=grants.allow(request.resource, request.action))

    async def GetJwks(self, request: GetJwksRequest, context: Any) -> GetJwksResponse:
        return messages.jwks_response(await self._keyring.published())
