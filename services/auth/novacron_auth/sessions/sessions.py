"""Ending sessions before their time, and looking at the one behind a token."""

from __future__ import annotations

from uuid import UUID

from novacron.cache import InvalidationBus
from novacron.db import Database
from novacron.errors import NotFound, Unauthenticated
from novacron.rpc.authentication import Verified

from ..audit.entry import Event
from ..audit.log import AuditLog
from ..keys.tokens import NOT_VALID
from ..users.account import Account
from .origin import Origin
from .store import SessionStore


class Sessions:
    """Sessions after their login."""

    def __init__(self, database: Database, store: SessionStore, audit: AuditLog, bus: InvalidationBus) -> None:
        self._database = database
        self._store = store
        self._audit = audit
        self._bus = bus

    async def account(self, verified: Verified) -> Account:
        """The user behind a token, as stored now. :raises Unauthenticated: user or session is gone."""
        account = await self._store.session_account(verified.subject.user_id, verified.subject.session_id)
        if account is None:
            raise Unauthenticated(NOT_VALID)
        return account

    async def revoke(self, user_id: UUID, session_id: UUID, *, reason: str, origin: Origin | None = None) -> None:
        """End a session now: auth refuses it with the commit, other services as soon as the bus has told them.

        :raises NotFound: the user has no such session, or it had ended.
        """
        async with self._database.transaction() as connection:
            tenant_id = await self._store.revoke_session(connection, user_id, session_id)
            if tenant_id is None:
                raise NotFound.named("session", session_id)
            metadata = {"session_id": str(session_id), "reason": reason}
            event = Event(
                tenant_id, "session.revoke", True, user_id=user_id, origin=origin or Origin(), metadata=metadata
            )
            await self._audit.append(connection, event)
        # After the commit: whoever asks anew before it would cache the old answer again.
        await self._bus.publish(f"user:{user_id}")
