"""Refreshing: a session goes on, and its refresh token is exchanged for the next.

A token that was exchanged is shown again for one of two reasons. The answer was lost, and its client asks again within
seconds: it gets the same answer. Or somebody copied it: then two hold one token, nobody can tell which is the thief,
and the session ends for both.
"""

from __future__ import annotations

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import Unauthenticated

from ..audit.entry import Event
from ..audit.log import AuditLog
from ..configuration.configurations import Configurations
from .event_store import EventStore
from .origin import Origin
from .refresh_store import Family, RefreshStore
from .refresh_token import RefreshTokens, token_hash
from .risk import EventType, Finding
from .session import Session
from .store import SessionStore

ENDED = "the session has ended: log in again"


class Refreshes:
    """Exchanges refresh tokens."""

    def __init__(
        self,
        database: Database,
        tokens: RefreshTokens,
        configurations: Configurations,
        audit: AuditLog,
        bus: InvalidationBus,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._configurations = configurations
        self._audit = audit
        self._bus = bus
        self._store = RefreshStore()
        self._sessions = SessionStore(database)
        self._events = EventStore(database)

    async def refresh(self, shown: str, origin: Origin) -> tuple[Session, str]:
        """The session, and the token to show next.

        :raises Unauthenticated: no token of ours, or its session has ended, or ends now: one answer for all.
        """
        policy = (await self._configurations.current()).session_management
        successor, reused = self._tokens.successor(shown), None
        async with self._database.transaction() as connection:
            family = await self._store.family(connection, token_hash(shown), policy.idle_timeout, policy.refresh_grace)
            granted = family is not None and family.live
            if family is not None and family.spent_at is not None:
                # Within the grace only while the successor has not been used itself: its holder got the answer.
                repeated = family.in_grace and family.current == token_hash(successor)
                granted = granted and repeated
                if not repeated and await self._end(connection, family, origin):
                    reused = family.session.account.user_id
            elif family is not None and granted:
                await self._store.exchange(
                    connection, family.session.session_id, token_hash(shown), token_hash(successor)
                )
        if reused is not None:
            await self._bus.publish(f"user:{reused}")
        if family is None or not granted:
            raise Unauthenticated(ENDED)
        return family.session, successor

    async def _end(self, connection: Connection, family: Family, origin: Origin) -> bool:
        """Revoke the family of a token that was shown again; False: it had ended already."""
        session, account = family.session, family.session.account
        if not await self._sessions.revoke(connection, session.session_id, account.user_id, "refresh token used twice"):
            return False
        finding = Finding(EventType.REFRESH_TOKEN_REUSE, 1.0, "a refresh token was used twice: its session was ended")
        await self._events.add(
            connection, account.tenant_id, account.user_id, [finding], origin=origin, session_id=session.session_id
        )
        event = Event(
            account.tenant_id,
            "session.refresh",
            success=False,
            user_id=account.user_id,
            error_message=finding.description,
            origin=origin,
            metadata={"session_id": str(session.session_id)},
        )
        await self._audit.append(connection, event)
        return True
