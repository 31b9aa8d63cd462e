"""Administering users: each command is one transaction with its audit entry, and tells the other services afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from psycopg import errors as pg

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import AlreadyExists, Conflict, FieldViolation, NotFound
from novacron.paging import Filter, PageTokens, page_size, parse_filter

from ..audit.log import AuditLog
from ..caller import Caller
from ..roles.reach import Reach
from .account import Role, folded
from .store import FILTERED, UserStore
from .user import NewUser, User, UserChanges, require_names
from .user_passwords import UserPasswords


class Users:
    """What may be done with users. Who may call at all was decided before; here it is decided whom they reach."""

    def __init__(
        self,
        database: Database,
        store: UserStore,
        passwords: UserPasswords,
        reach: Reach,
        audit: AuditLog,
        bus: InvalidationBus,
        *,
        page_tokens: PageTokens,
    ) -> None:
        self._database = database
        self._store = store
        self._passwords = passwords
        self._reach = reach
        self._audit = audit
        self._bus = bus
        self._page_tokens = page_tokens

    async def create(self, caller: Caller, new: NewUser, password: str) -> User:
        """Make a user; the same id again with the same contents is the same user.

        :raises AlreadyExists: the id, the name or the address is somebody else's, naming the field.
        :raises PermissionDenied: its role may do what the caller may not.
        :raises InvalidArgument: at ``username``, ``email`` or ``password``.
        :raises NotFound: there is no such tenant.
        """
        require_names(new.username, new.email)
        password_hash = await self._passwords.hashed(password, new.username, new.email)
        try:
            async with self._database.transaction() as connection:
                await self._reach.require_role(connection, caller, new.role.value)
                made = await self._store.add(connection, new, password_hash)
                if made is not None:
                    told = {"target_user_id": str(new.user_id), "username": new.username, "role": new.role.value}
                    await self._audit.append(connection, caller.event("user.create", new.tenant_id, told))
                    return made
        except pg.ForeignKeyViolation:
            raise NotFound.named("tenant", new.tenant_id) from None
        there = await self._store.get(new.user_id, caller.sees)
        if there is not None and new.same_as(there) and await self._passwords.is_of(there.user_id, password):
            return there
        raise await self._taken(new, there)

    async def get(self, caller: Caller, user: str) -> User:
        """By id, or by name in the caller's tenant. :raises NotFound: none that the caller sees."""
        try:
            found = await self._store.get(UUID(user), caller.sees)
        except ValueError:
            found = await self._store.named(caller.tenant_id, user)
        if found is None:
            raise NotFound.named("user", user)
        return found

    async def page(self, caller: Caller, size: int, token: str, text: str) -> tuple[list[User], str]:
        """A page of the users that the caller sees, and the next page's token."""
        kept, number = _folded(parse_filter(text, FILTERED)), page_size(size)
        bound = ("users", caller.sees, text)
        found = await self._store.page(caller.sees, kept, self._page_tokens.open(token, *bound), number + 1)
        if len(found) <= number:
            return found, ""
        last = found[number - 1]
        return found[:number], self._page_tokens.seal((last.created_at.isoformat(), str(last.user_id)), *bound)

    async def update(self, caller: Caller, user_id: UUID, changes: UserChanges, etag: str) -> User:
        """Change name, address or role.

        :raises Conflict: ``etag`` is of an older version.
        :raises PermissionDenied: the user may do, or would be able to do, what the caller may not.
        :raises FailedPrecondition: nobody would be left to administer the platform.
        """
        require_names(changes.username, changes.email)

        async def effect(connection: Connection, user: User) -> User:
            if etag and etag != user.etag:
                raise Conflict(f"user {user_id} has changed: read it again and repeat")
            if changes.role is not None:
                await self._reach.require_role(connection, caller, changes.role.value)
            wanted = replace(
                user,
                username=changes.username if changes.username is not None else user.username,
                email=changes.email if changes.email is not None else user.email,
                role=changes.role or user.role,
            )
            if wanted == user:
                return user
            changed = await self._store.change(connection, wanted)
            if user.role is Role.ADMIN:
                await self._reach.require_an_administrator(connection)
            told = {"username": changed.username, "role": changed.role.value}
            await self._write(connection, caller, "user.update", user, told)
            return changed

        try:
            return await self._changed(caller, user_id, effect)
        except pg.UniqueViolation as error:
            field = "email" if "email" in (error.diag.constraint_name or "") else "username"
            raise _taken_field(field) from None

    async def set_disabled(self, caller: Caller, user_id: UUID, disabled: bool) -> User:
        """Let a user in no more, or again. Its sessions end with it: whoever looks at one looks at its user too."""

        async def effect(connection: Connection, user: User) -> User:
            if (user.disabled_at is not None) == disabled:
                return user
            changed = await self._store.set_disabled(connection, user_id, disabled)
            await self._reach.require_an_administrator(connection)
            await self._write(connection, caller, "user.disable" if disabled else "user.enable", user)
            return changed

        return await self._changed(caller, user_id, effect)

    async def unlock(self, caller: Caller, user_id: UUID) -> User:
        """Forget a user's failed logins."""

        async def effect(connection: Connection, user: User) -> User:
            unlocked = await self._store.unlock(connection, user_id)
            await self._write(connection, caller, "user.unlock", user)
            return unlocked

        return await self._changed(caller, user_id, effect)

    async def delete(self, caller: Caller, user_id: UUID) -> None:
        """Delete a user with sessions, keys and grants."""

        async def effect(connection: Connection, user: User) -> User:
            await self._store.delete(connection, user_id)
            await self._reach.require_an_administrator(connection)
            await self._write(connection, caller, "user.delete", user, {"username": user.username})
            return user

        await self._changed(caller, user_id, effect)

    async def _changed(
        self, caller: Caller, user_id: UUID, effect: Callable[[Connection, User], Awaitable[User]]
    ) -> User:
        """``effect`` on a user that is held, within the caller's reach; then every service hears of it."""
        async with self._database.transaction() as connection:
            await self._reach.hold_administrators(connection)
            user = await self._store.hold(connection, user_id, caller.sees)
            if user is None:
                raise NotFound.named("user", user_id)
            await self._reach.require_user(connection, caller, user_id)
            changed = await effect(connection, user)
        # After the commit: whoever asks anew before it would cache the old answer again.
        await self._bus.publish(f"user:{user_id}")
        return changed

    async def _write(
        self, connection: Connection, caller: Caller, action: str, user: User, more: dict[str, str] | None = None
    ) -> None:
        told = {"target_user_id": str(user.user_id), **(more or {})}
        await self._audit.append(connection, caller.event(action, user.tenant_id, told))

    async def _taken(self, new: NewUser, there: User | None) -> AlreadyExists:
        if there is not None:
            return _taken_field("user_id")
        named = await self._store.named(new.tenant_id, new.username)
        if named is not None:
            return _taken_field("username")
        return _taken_field("email")


def _taken_field(field: str) -> AlreadyExists:
    what = {"user_id": "another user has this id", "username": "the tenant has a user of this name"}
    said = what.get(field, "the tenant has a user of this address")
    return AlreadyExists(f"{field}: {said}", violations=[FieldViolation(field, said)], metadata={"field": field})


def _folded(kept: Filter) -> Filter:
    """Names are compared as they are at login."""
    return Filter(
        tuple(
            replace(one, value=folded(one.value)) if one.field in ("username", "email") else one
            for one in kept.comparisons
        )
    )
