"""What lets a session change second factors: a proof, and a count of those that were wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from novacron.db import Connection, Database
from novacron.errors import FailedPrecondition, InvalidArgument, NotFound

from ..audit.entry import Event
from ..audit.log import AuditLog
from ..caller import Caller
from ..configuration.configurations import Configurations
from ..sessions.event_store import EventStore
from ..sessions.place import own_code
from ..sessions.risk import COPIED_KEY, EventType, Finding
from ..sessions.second_factor import Factor
from ..sessions.throttle_store import FAMILIAR, ThrottleStore
from ..users.account import Lockout
from ..users.store import UserStore
from ..users.user import User
from .store import MfaStore

H = TypeVar("H")
T = TypeVar("T")
NO_MATCH = {
    "one_time_code": "is not the app's code now, or was used before: wait for the next one, and a while after several failures",
    "webauthn_assertion": "is no answer of a security key of yours, or was used before: begin again, and wait a while after"
    " several failures",
}


class Guard:
    """Runs effects in the transaction that uses their proof up. Failures are counted there, one after the other."""

    def __init__(self, database: Database, store: MfaStore, audit: AuditLog, configurations: Configurations) -> None:
        self._database = database
        self._store = store
        self._audit = audit
        self._configurations = configurations
        self._users = UserStore(database)
        self._events = EventStore(database)
        self._throttles = ThrottleStore(database)

    async def by_proof(
        self,
        caller: Caller,
        action: str,
        field: str,
        *,
        find: Callable[[Connection, User], Awaitable[H]],
        prove: Callable[[Connection, H], Awaitable[Factor]],
        effect: Callable[[Connection, User, H], Awaitable[T]],
    ) -> T:
        """``effect`` on what was found, once ``prove`` lets it. What ``find`` raises is no guess.

        :raises InvalidArgument: at ``field``: refused, or too many guesses came before.
        """
        policy = (await self._configurations.current()).account_lockout_policy
        lockout, key = Lockout(policy.max_failed_attempts, policy.lockout_duration), own_code(caller.user_id).key
        # Raising inside the transaction would roll back the very count and entry that a failure has to leave.
        async with self._database.transaction() as connection:
            user = await self.hold(connection, caller.user_id, None)
            held = await find(connection, user)
            locked = await self._store.guessing_is_locked(connection, key)
            proof = Factor.REFUSED if locked else await prove(connection, held)
            if not proof.refused:
                await self._throttles.forget(connection, FAMILIAR, key)
                return await effect(connection, user, held)
            if proof is Factor.COPIED:
                await self._events.add(connection, user.tenant_id, user.user_id, [COPIED_KEY], origin=caller.origin)
            if not locked:
                await self._throttles.count(connection, FAMILIAR, key, lockout, policy.lockout_duration)
            error = "locked" if locked else "wrong code" if field == "one_time_code" else "wrong assertion"
            failed = Event(user.tenant_id, action, False, caller.user_id, error, caller.origin)
            await self._audit.append(connection, failed)
        raise InvalidArgument.at(field, NO_MATCH[field])

    async def require_shown(self, connection: Connection, caller: Caller, user: User) -> None:
        """Who has a second factor adds another only in a session that has shown one: else a password would get round it.

        :raises FailedPrecondition: this session has not.
        """
        if user.mfa_enabled and not await self._store.shown_at_session(connection, caller.session_id):
            raise FailedPrecondition(
                "show the second factor that there is first: `novacron mfa verify`, or log in with it"
            )

    async def hold(self, connection: Connection, user_id: UUID, sees: UUID | None) -> User:
        """The user, whose row nobody else changes until the transaction ends. :raises NotFound: none that the caller sees."""
        user = await self._users.hold(connection, user_id, sees)
        if user is None:
            raise NotFound.named("user", user_id)
        return user

    async def notice(self, connection: Connection, caller: Caller, user: User, event: EventType, said: str) -> None:
        """What the user ought to see among the security events."""
        findings = [Finding(event, 0.0, said)]
        await self._events.add(connection, user.tenant_id, user.user_id, findings, origin=caller.origin)

    async def write(
        self, connection: Connection, caller: Caller, action: str, user: User, more: dict[str, str]
    ) -> None:
        """The entry in the audit log: the last statement of a transaction, for it holds the chain's head."""
        told = {"target_user_id": str(user.user_id), **more}
        await self._audit.append(connection, caller.event(action, user.tenant_id, told))
