"""Logging in with a name and a password.

A login tells nothing but whether it matched: unknown tenant, unknown user, wrong password, wrong or missing one-time
code, locked and disabled get one answer, after one hash and the same statements. The audit log knows which it was.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from novacron import logs
from novacron.db import Connection, Database
from novacron.errors import NovacronError, Overloaded, Unauthenticated

from ..audit.entry import Event
from ..audit.log import AuditLog
from ..configuration.configuration import AccountLockoutPolicy, AuthenticationConfiguration
from ..configuration.configurations import Configurations
from ..users.account import DEFAULT_TENANT, NO_TENANT, Account, Attempt, Credentials, Lockout, Refusal
from ..users.passwords import Passwords
from .beginnings import Beginnings
from .event_store import EventStore
from .login_store import LoginStore
from .place import Place, place_of
from .risk import COPIED_KEY, EventType, Finding
from .second_factor import Factor, SecondFactor
from .session import AuthenticationMethod, Session
from .throttle_store import ADDRESS, FAMILIAR, Counter, ThrottleStore

log = logs.logger(__name__)
PASSWORD, MFA = AuthenticationMethod.PASSWORD, AuthenticationMethod.MFA
NO_MATCH = "name and password do not match: check both, and wait a while after several failures"
# A familiar place has its failures counted together for so long.
_FAMILIAR_WINDOW = timedelta(days=1)


class Logins:
    """Turns a name and a password into a session."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        audit: AuditLog,
        configurations: Configurations,
        second_factor: SecondFactor,
        beginnings: Beginnings,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._audit = audit
        self._configurations = configurations
        self._second_factor = second_factor
        self._beginnings = beginnings
        self._store = LoginStore(database)
        self._throttles = ThrottleStore(database)
        self._events = EventStore(database)

    async def login(self, attempt: Attempt) -> tuple[Session, str]:
        """Begin a session; it comes with its refresh token.

        Counters, session and audit entry are one transaction, in success and in failure.

        :raises Unauthenticated: it did not match, whatever the cause.
        :raises Overloaded: too many logins at once, or failures from this address; nothing was tried or counted.
        """
        held = await self._configurations.current()
        credentials = await self._store.credentials(
            attempt.tenant or DEFAULT_TENANT,
            attempt.username,
            attempt.origin,
            attempt.device,
            held.session_management.history_retention,
        )
        place, window = place_of(credentials, attempt.origin, attempt.device), held.mfa_config.totp_window
        _require_address(attempt, credentials)
        matched = await self._passwords.verify(credentials.password_hash, attempt.password)
        begun = None
        # Raising inside the transaction would roll back the very count and entry that a failure has to leave.
        async with self._database.transaction() as connection:
            factor = await self._second_factor.check(
                connection, credentials.user_id, attempt.shown, matched=matched, window=window
            )
            passed = matched and not factor.refused
            account = await self._store.admit(connection, credentials if passed else Credentials(), place)
            if account is None:
                await self._refuse(connection, credentials, attempt, place, held, matched=matched, factor=factor)
            else:
                method = PASSWORD if factor is Factor.NOT_NEEDED else MFA
                begun = await self._beginnings.begin(
                    connection, credentials, attempt, account, held, method=method, factor=factor
                )
                await self._write(connection, attempt, account, begun.session)
        if begun is None:
            raise Unauthenticated(NO_MATCH)
        await self._beginnings.tell(begun)
        await self._renew_hash(credentials, attempt.password)
        return begun.session, begun.refresh_token

    async def _refuse(
        self,
        connection: Connection,
        credentials: Credentials,
        attempt: Attempt,
        place: Place,
        held: AuthenticationConfiguration,
        *,
        matched: bool,
        factor: Factor,
    ) -> None:
        policy = held.account_lockout_policy
        lockout = Lockout(policy.max_failed_attempts, policy.lockout_duration)
        refusal = credentials.refusal(matched=matched)
        if matched and factor.refused:
            refusal = Refusal.COPIED_KEY if factor is Factor.COPIED else Refusal.SECOND_FACTOR
        # All that was right on a locked account is not a guess: it counts as nothing, in the same statements.
        guessed, metadata = not matched or factor.refused, {}
        stranger = credentials.user_id if guessed and not place.familiar else None
        failures = await self._store.count_failure(connection, stranger, lockout)
        counted = await self._throttles.count_all(connection, self._counters(attempt, place, policy) if guessed else [])
        if guessed:
            failures = counted[1] if place.familiar else failures
            metadata = {"failed_login_attempts": str(failures.count), "locked": str(failures.locked).lower()}
            if failures.locked and failures.count == lockout.attempts and credentials.tenant_id and credentials.user_id:
                finding = Finding(EventType.ACCOUNT_LOCKED, 0.3, f"{failures.count} wrong passwords in a row")
                await self._events.add(
                    connection, credentials.tenant_id, credentials.user_id, [finding], origin=attempt.origin
                )
        if factor is Factor.COPIED and credentials.tenant_id and credentials.user_id:
            await self._events.add(
                connection, credentials.tenant_id, credentials.user_id, [COPIED_KEY], origin=attempt.origin
            )
        event = Event(
            credentials.tenant_id or NO_TENANT,
            "login",
            success=False,
            user_id=credentials.user_id,
            error_message=refusal.value,
            origin=attempt.origin,
            # A name that nobody has is not kept: now and then it is a password typed into the wrong field.
            metadata=metadata,
        )
        await self._audit.append(connection, event)

    def _counters(self, attempt: Attempt, place: Place, policy: AccountLockoutPolicy) -> list[Counter]:
        """The address, and the familiar place where it is one: always in this order, so that nobody waits in a circle."""
        pause = policy.lockout_duration
        address = Lockout(policy.max_failed_attempts_per_address, pause)
        counters = [Counter(ADDRESS, str(attempt.origin.ip_address or "-"), address, pause)]
        if place.familiar:
            here = Lockout(policy.max_failed_attempts, pause)
            counters.append(Counter(FAMILIAR, place.key, here, _FAMILIAR_WINDOW))
        return counters

    async def _write(self, connection: Connection, attempt: Attempt, account: Account, session: Session) -> None:
        event = Event(
            account.tenant_id,
            "login",
            success=True,
            user_id=account.user_id,
            origin=attempt.origin,
            metadata={"session_id": str(session.session_id)},
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
            await self._store.rehash(credentials.user_id, credentials.password_hash, renewed)
        except NovacronError as error:
            # The session has begun; the next login tries again.
            log.warning("a password hash was not renewed", user_id=str(credentials.user_id), reason=error.reason)


def _require_address(attempt: Attempt, credentials: Credentials) -> None:
    """Only a familiar device passes a throttled address.

    Who knows a user's device is no stranger; an exception for a familiar network would tell strangers there who exists.
    """
    until = credentials.address_locked_until
    if until is not None and not (credentials.known_device and attempt.device):
        left = max(1.0, (until - datetime.now(UTC)).total_seconds())
        raise Overloaded("too many failed logins from this address: wait a while", retry_after_seconds=round(left))
