"""Sessions after their login: looking at them, and ending them before their time."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import NotFound
from novacron.paging import PageTokens, page_size, parse_filter

from ..audit.log import AuditLog
from ..caller import Caller
from ..configuration.configurations import Configurations
from ..keys.tokens import Tokens
from ..roles.grants import Grants
from ..roles.permissions import Permissions
from ..roles.reach import Reach
from ..users.store import UserStore
from .event_store import EventStore
from .session import AccessToken, SecurityEvent, Session, UserSession
from .store import SessionStore

_FILTERED = ("status", "ip_address", "authentication_method")


class Sessions:
    """What may be done with sessions: a user's own need no permission, another's ``session:read`` or ``session:revoke``."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        bus: InvalidationBus,
        configurations: Configurations,
        reach: Reach,
        page_tokens: PageTokens,
        *,
        tokens: Tokens,
        permissions: Permissions,
    ) -> None:
        self._database = database
        self._audit = audit
        self._bus = bus
        self._configurations = configurations
        self._reach = reach
        self._page_tokens = page_tokens
        self._tokens = tokens
        self._permissions = permissions
        self._store = SessionStore(database)
        self._events = EventStore(database)
        self._users = UserStore(database)

    async def access_token(self, session: Session) -> AccessToken:
        """An access token for a session, of the length that the configuration says."""
        return await self._tokens.issue(session, (await self._configurations.current()).jwt_config.access_token_ttl)

    async def get(self, caller: Caller, session_id: UUID) -> tuple[UserSession, list[SecurityEvent], Grants | None]:
        """A session, what was noticed about it, and what its user may do; None: the user is disabled.

        :raises NotFound: none that the caller sees.
        """
        session = await self._seen(caller, session_id, "session:read")
        try:
            grants = await self._permissions.of_user(session.user_id, tenant_id=caller.sees)
        except NotFound:
            grants = None
        return session, await self._events.of_session(session_id), grants

    async def page(
        self, caller: Caller, user_id: UUID | None, size: int, token: str, text: str
    ) -> tuple[list[UserSession], str]:
        """A page of a user's sessions, newest first, and the next page's token."""
        whose, number = caller.whose(user_id, "session:read"), page_size(size)
        kept, bound = parse_filter(text, _FILTERED), ("sessions", whose, caller.sees, text)
        after = self._page_tokens.open(token, *bound)
        found = await self._store.page(whose, caller.sees, await self._idle(), kept, after, number + 1)
        await self._require_somebody(caller, whose, found)
        if len(found) <= number:
            return found, ""
        last = found[number - 1]
        return found[:number], self._page_tokens.seal((last.created_at.isoformat(), str(last.session_id)), *bound)

    async def events(
        self, caller: Caller, user_id: UUID | None, size: int, token: str
    ) -> tuple[list[SecurityEvent], str]:
        """A page of what was noticed about a user's logins, newest first, and the next page's token."""
        whose, number = caller.whose(user_id, "session:read"), page_size(size)
        bound = ("security-events", whose, caller.sees)
        found = await self._events.page(whose, caller.sees, self._page_tokens.open(token, *bound), number + 1)
        await self._require_somebody(caller, whose, found)
        if len(found) <= number:
            return found, ""
        last = found[number - 1]
        return found[:number], self._page_tokens.seal(
            (last.created_at.isoformat(), str(last.security_event_id)), *bound
        )

    async def logout(self, caller: Caller) -> None:
        """End the session that asks."""
        async with self._database.transaction() as connection:
            if await self._store.revoke(connection, caller.session_id, caller.user_id, "logged out"):
                await self._write(connection, caller, "logout", caller.user_id, caller.tenant_id, caller.session_id)
        await self._tell(caller.user_id)

    async def revoke(self, caller: Caller, session_id: UUID, reason: str) -> UserSession:
        """End a session now: auth refuses it with the commit, other services as soon as the bus has told them.

        :raises NotFound: none that the caller sees.
        :raises PermissionDenied: its user may do what the caller may not.
        """
        session = await self._seen(caller, session_id, "session:revoke")
        async with self._database.transaction() as connection:
            await self._reach.require_user(connection, caller, session.user_id)
            if await self._store.revoke(connection, session_id, session.user_id, reason or "revoked"):
                await self._write(
                    connection, caller, "session.revoke", session.user_id, session.tenant_id, session_id, reason
                )
        # After the commit: whoever asks anew before it would cache the old answer again.
        await self._tell(session.user_id)
        return await self._store.get(session_id, caller.sees, await self._idle()) or session

    async def revoke_all(self, caller: Caller, user_id: UUID | None, reason: str, *, keep_current: bool) -> int:
        """End all sessions of a user, or all but the one that asks; how many there were.

        :raises NotFound: no user that the caller sees.
        :raises PermissionDenied: the user may do what the caller may not.
        """
        whose = caller.whose(user_id, "session:revoke")
        async with self._database.transaction() as connection:
            # The user's row is held, so that no login slips in between.
            user = await self._users.hold(connection, whose, caller.sees)
            if user is None:
                raise NotFound.named("user", whose)
            await self._reach.require_user(connection, caller, whose)
            but = caller.session_id if keep_current else None
            ended = await self._store.revoke_all(connection, whose, reason or "logged out everywhere", but=but)
            told = {"target_user_id": str(whose), "reason": reason, "revoked_sessions": str(ended)}
            await self._audit.append(connection, caller.event("session.revoke_all", user.tenant_id, told))
        await self._tell(whose)
        return ended

    async def _seen(self, caller: Caller, session_id: UUID, permission: str) -> UserSession:
        """:raises NotFound: not there, of another tenant, or another user's without the permission: told alike."""
        session = await self._store.get(session_id, caller.sees, await self._idle())
        if session is None or (session.user_id != caller.user_id and not caller.identity.may(permission)):
            raise NotFound.named("session", session_id)
        return session

    async def _require_somebody(self, caller: Caller, whose: UUID, found: object) -> None:
        """An empty list is somebody's; of nobody there is none. :raises NotFound: no user that the caller sees."""
        if not found and whose != caller.user_id and await self._users.get(whose, caller.sees) is None:
            raise NotFound.named("user", whose)

    async def _write(
        self,
        connection: Connection,
        caller: Caller,
        action: str,
        user_id: UUID,
        tenant_id: UUID,
        session_id: UUID,
        reason: str = "",
    ) -> None:
        told = {"target_user_id": str(user_id), "session_id": str(session_id), "reason": reason}
        await self._audit.append(
            connection, caller.event(action, tenant_id, {name: text for name, text in told.items() if text})
        )

    async def _tell(self, user_id: UUID) -> None:
        await self._bus.publish(f"user:{user_id}")

    async def _idle(self) -> timedelta:
        return (await self._configurations.current()).session_management.idle_timeout
