"""Setting passwords: at a user's making, by the user, or by an administrator, under the policy that holds at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from novacron.cache import InvalidationBus
from novacron.db import Database
from novacron.errors import Conflict, InvalidArgument, NotFound

from ..audit.entry import Event
from ..audit.log import AuditLog
from ..caller import Caller
from ..configuration.configurations import Configurations
from ..roles.reach import Reach
from ..sessions.event_store import EventStore
from ..sessions.place import own_password
from ..sessions.risk import EventType, Finding
from ..sessions.store import SessionStore
from ..sessions.throttle_store import FAMILIAR, ThrottleStore
from .account import Lockout
from .password_policy import require
from .password_store import HeldPassword, PasswordStore
from .passwords import Passwords

NO_MATCH = "does not match: check it, and wait a while after several failures"


class UserPasswords:
    """What may be done with passwords."""

    def __init__(
        self,
        database: Database,
        hasher: Passwords,
        reach: Reach,
        audit: AuditLog,
        bus: InvalidationBus,
        configurations: Configurations,
    ) -> None:
        self._database = database
        self._hasher = hasher
        self._reach = reach
        self._audit = audit
        self._bus = bus
        self._configurations = configurations
        self._store = PasswordStore(database)
        self._sessions = SessionStore(database)
        self._events = EventStore(database)
        self._throttles = ThrottleStore(database)

    async def hashed(self, password: str, *names: str) -> str | None:
        """The hash of a first password for the user of these names; None for none.

        :raises InvalidArgument: at ``password``, saying what the policy has against it.
        """
        if not password:
            return None
        require("password", password, (await self._configurations.current()).password_policy, *names)
        return await self._hasher.hash(password)

    async def is_of(self, user_id: UUID, password: str) -> bool:
        """Whether this is the user's password; without one, whether the user has none."""
        held = await self._held(user_id, None, 0)
        if not password or held.password_hash is None:
            return not password and held.password_hash is None
        return await self._hasher.verify(held.password_hash, password)

    async def change(self, caller: Caller, current: str, new: str) -> int:
        """Set the caller's own password and end the caller's other sessions; how many there were.

        Sent again after a lost answer it finds the new password set, and that is its success.

        :raises InvalidArgument: at ``current_password``, it does not match, which counts as a guess; or at ``new_password``.
        """
        if current == new:
            raise InvalidArgument.at("new_password", "is the current one: choose another")
        held = await self._held(caller.user_id, None, await self._history())
        await self._require_one_of(caller, held, (current, new), "current_password", "user.change_password")
        return await self._set(caller, caller.user_id, held, new, EventType.PASSWORD_CHANGED, but=caller.session_id)

    async def require_own(self, caller: Caller, password: str, action: str) -> None:
        """:raises InvalidArgument: at ``password``: it is not the caller's, which counts as a guess; or there is none."""
        held = await self._held(caller.user_id, None, 0)
        if held.password_hash is None:
            raise InvalidArgument.at(
                "password", "there is none: an identity provider signs you in, with its own factors"
            )
        await self._require_one_of(caller, held, (password,), "password", action)

    async def reset(self, caller: Caller, user_id: UUID, new: str) -> int:
        """Set a user's password, unlock the user and end all its sessions; how many there were.

        :raises NotFound: no user that the caller sees.
        :raises PermissionDenied: the user may do what the caller may not.
        :raises InvalidArgument: at ``new_password``.
        """
        held = await self._held(user_id, caller.sees, await self._history())
        async with self._database.connection() as connection:
            await self._reach.require_user(connection, caller, user_id)
        return await self._set(caller, user_id, held, new, EventType.PASSWORD_RESET, but=None)

    async def _set(
        self, caller: Caller, user_id: UUID, held: HeldPassword, new: str, event_type: EventType, *, but: UUID | None
    ) -> int:
        policy = (await self._configurations.current()).password_policy
        require("new_password", new, policy, held.username, held.email)
        already = held.password_hash is not None and await self._hasher.verify(held.password_hash, new)
        if not already:
            for older in held.older:
                if await self._hasher.verify(older, new):
                    raise InvalidArgument.at("new_password", "was this user's password before: choose another")
        password_hash = "" if already else await self._hasher.hash(new)
        async with self._database.transaction() as connection:
            if event_type is EventType.PASSWORD_RESET:
                await self._reach.require_user(connection, caller, user_id)
            if not already and not await self._store.replace(connection, user_id, held, password_hash, policy.history):
                raise Conflict("the password was changed by somebody else meanwhile: look again")
            ended = await self._sessions.revoke_all(connection, user_id, event_type.value.replace("_", " "), but=but)
            finding = Finding(event_type, 0.0, "by its user" if event_type is EventType.PASSWORD_CHANGED else "")
            await self._events.add(connection, held.tenant_id, user_id, [finding], origin=caller.origin)
            told = {"target_user_id": str(user_id), "revoked_sessions": str(ended)}
            action = "user.change_password" if but else "user.reset_password"
            await self._audit.append(connection, caller.event(action, held.tenant_id, told))
        await self._bus.publish(f"user:{user_id}")
        return ended

    async def _require_one_of(
        self, caller: Caller, held: HeldPassword, shown: Sequence[str], field: str, action: str
    ) -> None:
        """A stolen session shall not be able to guess on: failures are counted, and refused after a few, as at login."""
        place = own_password(caller.user_id)
        locked = await self._throttles.locked_until(FAMILIAR, place.key)
        matched = await self._hasher.verify(held.password_hash, shown[0])
        for another in shown[1:] if held.password_hash is not None else ():
            matched = matched or await self._hasher.verify(held.password_hash, another)
        if matched and locked is None:
            async with self._database.connection() as connection:
                await self._throttles.forget(connection, FAMILIAR, place.key)
            return
        policy = (await self._configurations.current()).account_lockout_policy
        lockout = Lockout(policy.max_failed_attempts, policy.lockout_duration)
        async with self._database.transaction() as connection:
            if not matched:
                await self._throttles.count(connection, FAMILIAR, place.key, lockout, policy.lockout_duration)
            event = Event(
                held.tenant_id,
                action,
                success=False,
                user_id=caller.user_id,
                error_message="locked" if matched else "wrong password",
                origin=caller.origin,
            )
            await self._audit.append(connection, event)
        raise InvalidArgument.at(field, NO_MATCH)

    async def _held(self, user_id: UUID, sees: UUID | None, history: int) -> HeldPassword:
        held = await self._store.held(user_id, sees, history)
        if held is None:
            raise NotFound.named("user", user_id)
        return held

    async def _history(self) -> int:
        return (await self._configurations.current()).password_policy.history
