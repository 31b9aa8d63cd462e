"""The gRPC edge of sessions: convert, call, convert back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from novacron.api.auth.v1 import (
    GetSessionRequest,
    ListSecurityEventsRequest,
    ListSecurityEventsResponse,
    ListSessionsRequest,
    ListSessionsResponse,
    LogoutRequest,
    LogoutResponse,
    RefreshSessionRequest,
    RefreshSessionResponse,
    RevokeAllSessionsRequest,
    RevokeAllSessionsResponse,
    RevokeSessionRequest,
    SessionServiceServicer,
    UserSession,
)

from ..caller import Caller
from ..users.messages import optional_id
from . import messages
from .origin import Origin
from .refreshes import Refreshes
from .sessions import Sessions


class SessionServicer(SessionServiceServicer):
    """Answers for ``novacron.api.auth.v1.SessionService``."""

    def __init__(self, sessions: Sessions, refreshes: Refreshes) -> None:
        self._sessions = sessions
        self._refreshes = refreshes

    async def RefreshSession(self, request: RefreshSessionRequest, context: Any) -> RefreshSessionResponse:
        session, refresh_token = await self._refreshes.refresh(request.refresh_token, Origin.of_context(context))
        return messages.refreshed(session, await self._sessions.access_token(session), refresh_token)

    async def Logout(self, request: LogoutRequest, context: Any) -> LogoutResponse:
        await self._sessions.logout(Caller.of(context))
        return LogoutResponse()

    async def GetSession(self, request: GetSessionRequest, context: Any) -> UserSession:
        caller = Caller.of(context)
        session, events, grants = await self._sessions.get(caller, UUID(request.session_id))
        return messages.session(session, current=caller.session_id, events=events, grants=grants)

    async def ListSessions(self, request: ListSessionsRequest, context: Any) -> ListSessionsResponse:
        caller = Caller.of(context)
        found, token = await self._sessions.page(
            caller, optional_id(request.user_id), request.page_size, request.page_token, request.filter
        )
        listed = [messages.session(one, current=caller.session_id) for one in found]
        return ListSessionsResponse(sessions=listed, next_page_token=token)

    async def RevokeSession(self, request: RevokeSessionRequest, context: Any) -> UserSession:
        caller = Caller.of(context)
        revoked = await self._sessions.revoke(caller, UUID(request.session_id), request.reason)
        return messages.session(revoked, current=caller.session_id)

    async def RevokeAllSessions(self, request: RevokeAllSessionsRequest, context: Any) -> RevokeAllSessionsResponse:
        ended = await self._sessions.revoke_all(
            Caller.of(context), optional_id(request.user_id), request.reason, keep_current=request.keep_current
        )
        return RevokeAllSessionsResponse(revoked_sessions=ended)

    async def ListSecurityEvents(self, request: ListSecurityEventsRequest, context: Any) -> ListSecurityEventsResponse:
        found, token = await self._sessions.events(
            Caller.of(context), optional_id(request.user_id), request.page_size, request.page_token
        )
        return ListSecurityEventsResponse(security_events=[messages.event(one) for one in found], next_page_token=token)
