"""Keeping second factors: each command is one transaction with its audit entry, for success and for failure."""

from __future__ import annotations

from uuid import UUID

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import FailedPrecondition, NotFound
from novacron.ids import new_id

from ..caller import Caller
from ..configuration.configurations import Configurations
from ..roles.reach import Reach
from ..roles.store import RoleStore
from ..sessions.risk import EventType
from ..sessions.second_factor import Factor
from ..sessions.store import SessionStore
from ..users.account import Shown
from ..users.store import UserStore
from ..users.user import User
from ..users.user_passwords import UserPasswords
from . import totp
from .codes import Codes
from .credential import App, Enrolment, Factors, MfaCredential
from .guard import Guard
from .proofs import Proofs
from .store import MfaStore

RESET = "mfa:reset"
_NONE = "there is no second factor: `novacron mfa enroll` sets an app up"


class SecondFactors:
    """What may be done with second factors: one's own with password and proof, another's with ``mfa:reset``."""

    def __init__(
        self,
        database: Database,
        guard: Guard,
        codes: Codes,
        proofs: Proofs,
        *,
        passwords: UserPasswords,
        configurations: Configurations,
        reach: Reach,
        bus: InvalidationBus,
    ) -> None:
        self._database = database
        self._guard = guard
        self._codes = codes
        self._proofs = proofs
        self._passwords = passwords
        self._configurations = configurations
        self._reach = reach
        self._bus = bus
        self._store = MfaStore()
        self._users = UserStore(database)
        self._roles = RoleStore(database)
        self._sessions = SessionStore(database)

    async def enroll(self, caller: Caller, name: str, password: str) -> Enrolment:
        """Begin with an app: it has no effect until :meth:`confirm` has seen a code of it.

        :raises InvalidArgument: at ``password``, which counts as a guess.
        :raises FailedPrecondition: an app is in effect, or another factor that this session has not shown.
        """
        await self._passwords.require_own(caller, password, "mfa.enroll")
        issuer = (await self._configurations.current()).mfa_config.issuer
        credential_id, secret = new_id(), totp.new_secret()
        async with self._database.transaction() as connection:
            user = await self._guard.hold(connection, caller.user_id, None)
            await self._guard.require_shown(connection, caller, user)
            sealed = self._codes.seal(credential_id, secret)
            owner = (user.tenant_id, user.user_id)
            if not await self._store.begin_app(connection, credential_id, owner, name, sealed):
                raise FailedPrecondition("there is an app already: `novacron mfa disable` removes it")
            await self._guard.write(connection, caller, "mfa.enroll", user, {"mfa_credential_id": str(credential_id)})
        return Enrolment(credential_id, totp.spelled(secret), totp.uri(secret, issuer, user.username))

    async def confirm(self, caller: Caller, credential_id: UUID, code: str) -> tuple[MfaCredential, list[str]]:
        """Turn the app on, and with the first factor give recovery codes; where it is on, only raise the session that asks.

        :raises NotFound: the caller has begun nothing with this id.
        :raises FailedPrecondition: another factor is in effect that this session has not shown.
        :raises InvalidArgument: at ``one_time_code``, which counts as a guess.
        """
        window = (await self._configurations.current()).mfa_config.totp_window

        async def find(connection: Connection, user: User) -> App:
            app = await self._store.app(connection, user.user_id)
            if app is None or app.mfa_credential_id != credential_id:
                raise NotFound.named("second factor", credential_id)
            if not app.confirmed:
                await self._guard.require_shown(connection, caller, user)
            return app

        async def prove(connection: Connection, app: App) -> Factor:
            return Factor.PASSED if await self._codes.spend(connection, app, code, window) else Factor.REFUSED

        async def effect(connection: Connection, user: User, app: App) -> list[str]:
            made: list[str] = []
            if not app.confirmed:
                await self._store.confirm(connection, user.user_id, credential_id)
                made = await self.turned_on(connection, caller, user, "an app")
            await self._store.show_at_session(connection, caller.session_id)
            action = "mfa.verify" if app.confirmed else "mfa.enable"
            await self._guard.write(connection, caller, action, user, {"mfa_credential_id": str(credential_id)})
            return made

        made = await self._guard.by_proof(caller, "mfa.enable", "one_time_code", find=find, prove=prove, effect=effect)
        await self._bus.publish(f"user:{caller.user_id}")
        async with self._database.connection() as connection:
            return await self._store.credential(connection, credential_id), made

    async def turned_on(self, connection: Connection, caller: Caller, user: User, what: str) -> list[str]:
        """What follows from one factor more: recovery codes with the first one, none with another.

        With the first one the user's other sessions end: they may be of whoever it is to keep out.
        """
        await self._guard.notice(connection, caller, user, EventType.MFA_ENABLED, f"{what}, by its user")
        if user.mfa_enabled:
            return []
        await self._store.turn_on(connection, user.user_id)
        await self._sessions.revoke_all(connection, user.user_id, "second factor turned on", but=caller.session_id)
        number = (await self._configurations.current()).mfa_config.recovery_codes
        return await self._codes.new_recovery_codes(connection, user.user_id, number)

    async def new_recovery_codes(self, caller: Caller, shown: Shown) -> list[str]:
        """Recovery codes in place of the old ones.

        :raises FailedPrecondition: no second factor is in effect.
        :raises InvalidArgument: at what was shown, which counts as a guess.
        """
        held = (await self._configurations.current()).mfa_config

        async def find(_: Connection, user: User) -> User:
            if not user.mfa_enabled:
                raise FailedPrecondition(_NONE)
            return user

        async def prove(connection: Connection, user: User) -> Factor:
            return await self._proofs.of_user(connection, user.user_id, shown, held.totp_window)

        async def effect(connection: Connection, user: User, _: User) -> list[str]:
            made = await self._codes.new_recovery_codes(connection, user.user_id, held.recovery_codes)
            await self._guard.write(
                connection, caller, "mfa.recovery_codes", user, {"number": str(held.recovery_codes)}
            )
            return made

        return await self._guard.by_proof(
            caller, "mfa.recovery_codes", field_of(shown), find=find, prove=prove, effect=effect
        )

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

    async def remove(self, caller: Caller, credential_id: UUID, password: str, shown: Shown) -> None:
        """Remove one of the caller's, with the last one the recovery codes; by password alone where it was never confirmed.

        :raises NotFound: the caller has none with this id.
        :raises FailedPrecondition: it is the last, and a role of the caller requires one.
        :raises InvalidArgument: at ``password`` or at what was shown, which count as guesses.
        """
        await self._passwords.require_own(caller, password, "mfa.disable")
        held = await self._configurations.current()

        async def find(connection: Connection, user: User) -> tuple[MfaCredential, bool]:
            every = await self._store.credentials(connection, user.user_id)
            one = next((one for one in every if one.mfa_credential_id == credential_id), None)
            if one is None:
                raise NotFound.named("second factor", credential_id)
            last = one.confirmed_at is not None and not any(other.confirmed_at for other in every if other is not one)
            if last and await self._roles.requires_second_factor(connection, user.user_id, held.mfa_required_roles):
                raise FailedPrecondition("a role of yours requires a second factor: it stays")
            return one, last

        async def prove(connection: Connection, found: tuple[MfaCredential, bool]) -> Factor:
            if found[0].confirmed_at is None:
                return Factor.NOT_NEEDED
            window = held.mfa_config.totp_window
            return await self._proofs.of_user(connection, caller.user_id, shown, window, or_recovery_code=True)

        async def effect(connection: Connection, user: User, found: tuple[MfaCredential, bool]) -> None:
            one, last = found
            if last:
                await self._store.remove_all(connection, user.user_id)
            else:
                await self._store.remove(connection, credential_id)
            if one.confirmed_at is not None:
                await self._guard.notice(connection, caller, user, EventType.MFA_DISABLED, "by its user")
            told = {"mfa_credential_id": str(credential_id), "type": one.type.value}
            await self._guard.write(connection, caller, "mfa.disable", user, told)

        await self._guard.by_proof(caller, "mfa.disable", field_of(shown), find=find, prove=prove, effect=effect)
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
            user = await self._guard.hold(connection, user_id, caller.sees)
            await self._reach.require_user(connection, caller, user_id)
            removed = await self._store.remove_all(connection, user_id)
            ended = await self._sessions.revoke_all(connection, user_id, "second factors reset")
            await self._guard.notice(connection, caller, user, EventType.MFA_DISABLED, "by an administrator")
            told = {"removed_credentials": str(removed), "revoked_sessions": str(ended)}
            await self._guard.write(connection, caller, "mfa.reset", user, told)
        await self._bus.publish(f"user:{user_id}")
        return removed


def field_of(shown: Shown) -> str:
    """The field that a refusal is told at."""
    return "webauthn_assertion" if shown.assertion else "one_time_code"
