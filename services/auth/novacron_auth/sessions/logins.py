"""Logging in with a name and a password.

A login tells nothing but whether it matched: unknown tenant, unknown user, wrong password, locked and disabled get one answer,
after one hash and the same statements. The audit log knows which it was.
"""

from __future__ import annotations

from datetime import timedelta

from novacron import logs
from novacron.db import Connection, Database
from novacron.errors import NovacronError, Unauthenticated
from novacron.ids import new_id

from ..audit.entry import Event
from ..audit.log import AuditLog
from ..users.account import DEFAULT_TENANT, NO_TENANT, Attempt, Credentials, Lockout
from ..users.passwords import Passwords
from ..users.store import UserStore
from .session import Session
from .store import SessionStore

log = logs.logger(__name__)
NO_MATCH = "name and password do not match: check both, and wait a while after several failures"


class Logins:
    """Turns a name and a password into a session."""

    def __init__(
        self,
        database: Database,
        users: UserStore,
        store: SessionStore,
        passwords: Passwords,
        audit: AuditLog,
        *,
        lockout: Lockout,
        lifetime: timedelta,
    ) -> None:
        self._database = database
        self._users = users
        self._store = store
        self._passwords = passwords
        self._audit = audit
        self._lockout = lockout
        self._lifetime = lifetime

    async def login(self, attempt: Attempt) -> Session:
        """Begin a session. Counter, session and audit entry are one transaction, in success and in failure.

        :raises Unauthenticated: it did not match, whatever the cause.
        :raises Overloaded: too many logins at once; nothing was tried or counted.
        """
        credentials = await self._users.credentials(attempt.tenant or DEFAULT_TENANT, attempt.username)
        matched = await self._passwords.verify(credentials.password_hash, attempt.password)
        # Raising inside the transaction would roll back the very count and entry that a failure has to leave.
        async with self._database.transaction() as connection:
            session = await self._admit(connection, credentials, attempt) if matched else None
            if session is None:
                await self._refuse(connection, credentials, attempt, matched=matched)
        if session is None:
            raise Unauthenticated(NO_MATCH)
        await self._renew_hash(credentials, attempt.password)
        return session

    async def _admit(self, connection: Connection, credentials: Credentials, attempt: Attempt) -> Session | None:
        account = await self._users.admit(connection, credentials)
        if account is None:
            return None
        session = await self._store.add_session(connection, new_id(), account, attempt.origin, self._lifetime)
        event = Event(
            account.tenant_id,
            "login",
            success=True,
            user_id=account.user_id,
            origin=attempt.origin,
            metadata={"session_id": str(session.session_id)},
        )
        await self._audit.append(connection, event)
        return session

    async def _refuse(
        self, connection: Connection, credentials: Credentials, attempt: Attempt, *, matched: bool
    ) -> None:
        # A right password on a locked account is not a guess: it was looked at by _admit and counts as nothing.
        metadata = {}
        if not matched:
            failures = await self._users.count_failure(connection, credentials.user_id, self._lockout)
            metadata = {"failed_login_attempts": str(failures.count), "locked": str(failures.locked).lower()}
        event = Event(
            credentials.tenant_id or NO_TENANT,
            "login",
            success=False,
            user_id=credentials.user_id,
            error_message=credentials.refusal(matched=matched).value,
            origin=attempt.origin,
            # A name that nobody has is not kept: now and then it is a password typed into the wrong field.
            metadata=metadata,
        )
        await self._audit.append(connection, event)

    async def _renew_hash(self, credentials: Credentials, password: str) -> None:
        """The one moment when the password is known is the one to store it under today's parameters."""
        if not (credentials.user_id and credentials.password_hash):
            return
        if not self._passwords.outdated(credentials.password_hash):
            return
        try:
            renewed = await self._passwords.hash(password)
            await self._users.rehash(credentials.user_id, credentials.password_hash, renewed)
        except NovacronError as error:
            # The session has begun; the next login tries again.
            log.warning("a password hash was not renewed", user_id=str(credentials.user_id), reason=error.reason)
