"""The gRPC edge of users: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.auth.v1 import (
    ChangePasswordRequest,
    ChangePasswordResponse,
    CreateUserRequest,
    DeleteUserRequest,
    DeleteUserResponse,
    DisableUserRequest,
    EnableUserRequest,
    GetUserRequest,
    ListUsersRequest,
    ListUsersResponse,
    ResetPasswordRequest,
    ResetPasswordResponse,
    UnlockUserRequest,
    UpdateUserRequest,
    User,
    UserServiceServicer,
)

from ..caller import Caller
from . import messages
from .user_passwords import UserPasswords
from .users import Users


class UserServicer(UserServiceServicer):
    """Answers for ``novacron.api.auth.v1.UserService``."""

    def __init__(self, users: Users, passwords: UserPasswords) -> None:
        self._users = users
        self._passwords = passwords

    async def CreateUser(self, request: CreateUserRequest, context: Any) -> User:
        caller = Caller.of(context)
        new = messages.new_user(request, caller.tenant(messages.optional_id(request.tenant_id)))
        return messages.user(await self._users.create(caller, new, request.password))

    async def GetUser(self, request: GetUserRequest, context: Any) -> User:
        return messages.user(await self._users.get(Caller.of(context), request.user))

    async def ListUsers(self, request: ListUsersRequest, context: Any) -> ListUsersResponse:
        found, token = await self._users.page(Caller.of(context), request.page_size, request.page_token, request.filter)
        return ListUsersResponse(users=[messages.user(one) for one in found], next_page_token=token)

    async def UpdateUser(self, request: UpdateUserRequest, context: Any) -> User:
        changed = messages.changes(request)
        return messages.user(await self._users.update(Caller.of(context), UUID(request.user_id), changed, request.etag))

    async def DisableUser(self, request: DisableUserRequest, context: Any) -> User:
        return messages.user(await self._users.set_disabled(Caller.of(context), UUID(request.user_id), True))

    async def EnableUser(self, request: EnableUserRequest, context: Any) -> User:
        return messages.user(await self._users.set_disabled(Caller.of(context), UUID(request.user_id), False))

    async def UnlockUser(self, request: UnlockUserRequest, context: Any) -> User:
        return messages.user(await self._users.unlock(Caller.of(context), UUID(request.user_id)))

    async def DeleteUser(self, request: DeleteUserRequest, context: Any) -> DeleteUserResponse:
        await self._users.delete(Caller.of(context), UUID(request.user_id))
        return DeleteUserResponse()

    async def ChangePassword(self, request: ChangePasswordRequest, context: Any) -> ChangePasswordResponse:
        ended = await self._passwords.change(Caller.of(context), request.current_password, request.new_password)
        return ChangePasswordResponse(revoked_sessions=ended)

    async def ResetPassword(self, request: ResetPasswordRequest, context: Any) -> ResetPasswordResponse:
        ended = await self._passwords.reset(Caller.of(context), UUID(request.user_id), request.new_password)
        return ResetPasswordResponse(revoked_sessions=ended)
