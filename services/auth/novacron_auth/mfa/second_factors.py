"""Keeping second factors: each command is one transaction with its audit entry, for success and for failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import FailedPrecondition, InvalidArgument, NotFound
from novacron.ids import new_id

from ..audit.entry import Event
from ..audit.log import AuditLog
from ..caller import Caller
from ..configuration.configurations import Configurations
from ..roles.reach import Reach
from ..roles.store import RoleStore
from ..sessions.event_store import EventStore
from ..sessions.place import own_code
from ..sessions.risk import EventType, Finding
from ..sessions.store import SessionStore
from ..sessions.throttle_store import FAMILIAR, ThrottleStore
from ..users.account import Lockout
from ..users.store import UserStore
from ..users.user import User
from ..users.user_passwords import UserPasswords
from . import totp
from .codes import Codes
from .credential import App, Enrolment, Factors, MfaCredential
from .store import MfaStore

T = TypeVar("T")
RESET = "mfa:reset"
NO_MATCH = "is not the app's code now, or was used before: wait for the next one, and a while after several failures"
_NO_APP = "there is no authenticator app: `novacron mfa enroll` sets one up"


class SecondFactors:
    """What may be done with second factors: one's own with password and code, another's with ``mfa:reset``."""

    def __init__(
        self,
        database: Database,
        codes: Codes,
        passwords: UserPasswords,
        configurations: Configurations,
        reach: Reach,
        audit: AuditLog,
        *,
        bus: InvalidationBus,
    ) -> None:
        self._database = database
        self._codes = codes
        self._passwords = passwords
        self._configurations = configurations
        self._reach = reach
        self._audit = audit
        self._bus = bus
        self._store = MfaStore()
        self._users = UserStore(database)
        self._roles = RoleStore(database)
        self._sessions = SessionStore(database)
        self._events = EventStore(database)
        self._throttles = ThrottleStore(database)

    async def enroll(self, caller: Caller, name: str, password: str) -> Enrolment:
        """Begin with an app: it has no effect until :meth:`confirm` has seen a code of it.

        :raises InvalidArgument: at ``password``, which counts as a guess.
        :raises FailedPrecondition: an app is in effect.
        """
        await self._passwords.require_own(caller, password, "mfa.enroll")
        issuer = (await self._configurations.current()).mfa_config.issuer
        credential_id, secret = new_id(), totp.new_secret()
        async with self._database.transaction() as connection:
            user = await self._hold(connection, caller.user_id, None)
            sealed = self._codes.seal(credential_id, secret)
            owner = (user.tenant_id, user.user_id)
            if not await self._store.begin_app(connection, credential_id, owner, name, sealed):
                raise FailedPrecondition("there is an app already: `novacron mfa disable` removes it")
            await self._write(connection, caller, "mfa.enroll", user, {"mfa_credential_id": str(credential_id)})
        return Enrolment(credential_id, totp.spelled(secret), totp.uri(secret, issuer, user.username))

    async def confirm(self, caller: Caller, credential_id: UUID, code: str) -> tuple[MfaCredential, list[str]]:
        """Turn the app on, and give the first recovery codes; where it is on, only raise the session that asks.

        The user's other sessions end: they may be of whoever the second factor is to keep out.

        :raises NotFound: the caller has begun nothing with this id.
        :raises InvalidArgument: at ``one_time_code``, which counts as a guess.
        """
        number = (await self._configurations.current()).mfa_config.recovery_codes

        async def effect(connection: Connection, user: User, app: App) -> list[str]:
            made: list[str] = []
            if not app.confirmed:
                await self._store.confirm(connection, user.user_id, credential_id)
                made = await self._codes.new_recovery_codes(connection, user.user_id, number)
                await self._sessions.revoke_all(
                    connection, user.user_id, "second factor turned on", but=caller.session_id
                )
                await self._notice(connection, caller, user, EventType.MFA_ENABLED, "by its user")
            await self._store.show_at_session(connection, caller.session_id)
            action = "mfa.verify" if app.confirmed else "mfa.enable"
            await self._write(connection, caller, action, user, {"mfa_credential_id": str(credential_id)})
            return made

        made = await self._by_code(caller, code, "mfa.enable", effect, credential_id)
        await self._bus.publish(f"user:{caller.user_id}")
        async with self._database.connection() as connection:
            return await self._store.credential(connection, credential_id), made

    async def new_recovery_codes(self, caller: Caller, code: str) -> list[str]:
        """Recovery codes in place of the old ones.

        :raises FailedPrecondition: no app is in effect.
        :raises InvalidArgument: at ``one_time_code``, which counts as a guess.
        """
        number = (await self._configurations.current()).mfa_config.recovery_codes

        async def effect(connection: Connection, user: User, app: App) -> list[str]:
            if not app.confirmed:
                raise FailedPrecondition(_NO_APP)
            made = await self._codes.new_recovery_codes(connection, user.user_id, number)
            await self._write(connection, caller, "mfa.recovery_codes", user, {"number": str(number)})
            return made

        return await self._by_code(caller, code, "mfa.recovery_codes", effect)

    async def factors(self, caller: Caller, user_id: UUID | None) -> Factors:
        """A user's second factors. :raises NotFound: no user that the caller sees."""
        whose = caller.whose(user_id, RESET)
        by_configuration = (await self._configurations.current()).mfa_required_roles
        if await self._users.get(whose, caller.sees) is None:
            raise NotFound.named("user", whose)
        async with self._database.connection() as connection:
            return Factors(
                await self._store.credentials(connection, whose),
                await self._store.recovery_codes_left(connection, whose),
                await self._roles.requires_second_factor(connection, whose, by_configuration),
            )

    async def remove(self, caller: Caller, credential_id: UUID, password: str, code: str) -> None:
        """Remove the caller's app with its recovery codes; by password alone where it was never confirmed.

        :raises NotFound: the caller has none with this id.
        :raises FailedPrecondition: a role of the caller requires it.
        :raises InvalidArgument: at ``password`` or ``one_time_code``, which count as guesses.
        """
        await self._passwords.require_own(caller, password, "mfa.disable")
        by_configuration = (await self._configurations.current()).mfa_required_roles

        async def required(connection: Connection, user: User, app: App) -> None:
            if app.confirmed and await self._roles.requires_second_factor(connection, user.user_id, by_configuration):
                raise FailedPrecondition("a role of yours requires a second factor: it stays")

        async def effect(connection: Connection, user: User, app: App) -> None:
            await self._store.remove(connection, user.user_id)
            if app.confirmed:
                await self._notice(connection, caller, user, EventType.MFA_DISABLED, "by its user")
            await self._write(connection, caller, "mfa.disable", user, {"mfa_credential_id": str(credential_id)})

        await self._by_code(caller, code, "mfa.disable", effect, credential_id, removing=required)
        await self._bus.publish(f"user:{caller.user_id}")

    async def reset(self, caller: Caller, user_id: UUID) -> int:
        """Remove what a user has lost, and end the user's sessions; how many second factors there were.

        :raises NotFound: no user that the caller sees.
        :raises PermissionDenied: the user may do what the caller may not.
        :raises FailedPrecondition: the caller: a stolen session must not take the second factor away.
        """
        if user_id == caller.user_id:
            raise FailedPrecondition("your own is removed by a code of it: `novacron mfa disable`")
        async with self._database.transaction() as connection:
            user = await self._hold(connection, user_id, caller.sees)
            await self._reach.require_user(connection, caller, user_id)
            removed = await self._store.remove(connection, user_id)
            ended = await self._sessions.revoke_all(connection, user_id, "second factors reset")
            await self._notice(connection, caller, user, EventType.MFA_DISABLED, "by an administrator")
            told = {"removed_credentials": str(removed), "revoked_sessions": str(ended)}
            await self._write(connection, caller, "mfa.reset", user, told)
        await self._bus.publish(f"user:{user_id}")
        return removed

    async def _by_code(
        self,
        caller: Caller,
        code: str,
        action: str,
        effect: Callable[[Connection, User, App], Awaitable[T]],
        credential_id: UUID | None = None,
        *,
        removing: Callable[[Connection, User, App], Awaitable[None]] | None = None,
    ) -> T:
        """``effect`` in the transaction that uses the code up. Failures are counted there, one after the other."""
        held = await self._configurations.current()
        policy = held.account_lockout_policy
        lockout, key = Lockout(policy.max_failed_attempts, policy.lockout_duration), own_code(caller.user_id).key
        # Raising inside the transaction would roll back the very count and entry that a failure has to leave.
        async with self._database.transaction() as connection:
            user = await self._hold(connection, caller.user_id, None)
            app = await self._store.app(connection, caller.user_id)
            if credential_id is not None and (app is None or app.mfa_credential_id != credential_id):
                raise NotFound.named("second factor", credential_id)
            if app is None:
                raise FailedPrecondition(_NO_APP)
            if removing is not None:
                await removing(connection, user, app)
            locked = await self._store.guessing_is_locked(connection, key)
            right = removing is not None and not app.confirmed
            if not right and not locked:
                right = await self._codes.spend(connection, app, code, held.mfa_config.totp_window)
                if not right and removing is not None:
                    right = await self._codes.spend_recovery_code(connection, caller.user_id, code)
            if right:
                await self._throttles.forget(connection, FAMILIAR, key)
                return await effect(connection, user, app)
            if not locked:
                await self._throttles.count(connection, FAMILIAR, key, lockout, policy.lockout_duration)
            error = "locked" if locked else "wrong code"
            failed = Event(user.tenant_id, action, False, caller.user_id, error, caller.origin)
            await self._audit.append(connection, failed)
        raise InvalidArgument.at("one_time_code", NO_MATCH)

    async def _hold(self, connection: Connection, user_id: UUID, sees: UUID | None) -> User:
        user = await self._users.hold(connection, user_id, sees)
        if user is None:
            raise NotFound.named("user", user_id)
        return user

    async def _notice(self, connection: Connection, caller: Caller, user: User, event: EventType, said: str) -> None:
        findings = [Finding(event, 0.0, said)]
        await self._events.add(connection, user.tenant_id, user.user_id, findings, origin=caller.origin)

    async def _write(
        self, connection: Connection, caller: Caller, action: str, user: User, more: dict[str, str]
    ) -> None:
        told = {"target_user_id": str(user.user_id), **more}
        await self._audit.append(connection, caller.event(action, user.tenant_id, told))
