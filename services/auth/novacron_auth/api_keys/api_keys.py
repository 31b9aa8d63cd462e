"""Administering API keys: each command is one transaction with its audit entry; then every service hears of it.

A key is looked after by its user. Somebody else may with the permission for it, sees no secret of a key that could do more
than they may, and so gives none that may whatever its user will.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from novacron.cache import InvalidationBus
from novacron.db import Connection, Database
from novacron.errors import (
    AlreadyExists,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
)
from novacron.paging import PageTokens, page_size, parse_filter

from ..audit.log import AuditLog
from ..caller import Caller
from ..configuration.configuration import AuthenticationRateLimitConfig
from ..roles.grants import covers
from ..roles.role import require_existing
from ..roles.store import RoleStore
from ..users.store import UserStore
from .api_key import ApiKey, Hashing, NewApiKey
from .store import FILTERED, ApiKeyStore

READ, CREATE, REVOKE = "api-key:read", "api-key:create", "api-key:revoke"


class ApiKeys:
    """What may be done with API keys. ``existing`` are the permissions that something asks for."""

    def __init__(
        self,
        database: Database,
        hashing: Hashing,
        audit: AuditLog,
        bus: InvalidationBus,
        *,
        page_tokens: PageTokens,
        existing: Collection[str],
    ) -> None:
        self._database = database
        self._store = ApiKeyStore(database)
        self._users = UserStore(database)
        self._roles = RoleStore(database)
        self._hashing = hashing
        self._audit = audit
        self._bus = bus
        self._page_tokens = page_tokens
        self._existing = existing

    async def create(self, caller: Caller, new: NewApiKey, limits: AuthenticationRateLimitConfig) -> tuple[str, ApiKey]:
        """Make a key and its text. The same id again with the same contents: another text, while the first was never used.

        :raises PermissionDenied: its user, or the caller, may not all that it would.
        :raises QuotaExceeded: the user has as many as a user may.
        :raises AlreadyExists: the id or the name is another key's, naming the field.
        :raises NotFound: no such user that the caller sees.
        """
        require_existing(new.permissions or (), self._existing)
        secret = self._hashing.new()
        async with self._database.transaction() as connection:
            user = await self._users.hold(connection, new.user_id, caller.sees)
            if user is None:
                raise NotFound.named("user", new.user_id)
            there = await self._store.hold(connection, new.api_key_id, caller.sees)
            if there is not None:
                return await self._again(connection, caller, new, there)
            await self._require(connection, caller, new.user_id, new.permissions)
            if await self._store.live_of(connection, new.user_id) >= limits.api_keys_per_user:
                raise QuotaExceeded(f"a user has at most {limits.api_keys_per_user} API keys: revoke one first")
            made = await self._store.add(connection, new, user.tenant_id, secret)
            if made is None:
                raise _taken(
                    "name", "the user has a key of this name, or another's has this id: revoke it, or choose another"
                )
            await self._write(connection, caller, "api-key.create", made)
        return secret.text, made

    async def get(self, caller: Caller, api_key_id: UUID) -> ApiKey:
        """:raises NotFound: none that the caller sees."""
        return self._seen(caller, await self._store.get(api_key_id, caller.sees), api_key_id, READ)

    async def page(
        self, caller: Caller, user_id: UUID | None, size: int, token: str, text: str
    ) -> tuple[list[ApiKey], str]:
        """A page of a user's keys, and the next page's token."""
        whose = caller.whose(user_id, READ)
        kept, number = parse_filter(text, FILTERED), page_size(size)
        bound = ("api keys", caller.sees, whose, text)
        after = self._page_tokens.open(token, *bound)
        found = await self._store.page(whose, caller.sees, kept, after, number + 1)
        if len(found) <= number:
            return found, ""
        last = found[number - 1]
        return found[:number], self._page_tokens.seal((last.created_at.isoformat(), str(last.api_key_id)), *bound)

    async def rotate(self, caller: Caller, api_key_id: UUID, overlap: timedelta) -> tuple[str, ApiKey]:
        """Give a key another text; the one that it had works on for ``overlap``.

        Once more before the new one was used, only that is replaced: a reply that was lost takes nothing away.

        :raises FailedPrecondition: the key has ended.
        """
        async with self._database.transaction() as connection:
            held = await self._store.hold(connection, api_key_id, caller.sees)
            key = self._seen(caller, held, api_key_id, CREATE)
            if key.revoked_at is not None:
                raise FailedPrecondition(f"API key {key.name} is revoked: create another")
            await self._require(connection, caller, key.user_id, key.permissions)
            secret = self._hashing.new(key.prefix)
            if key.rotated and key.secret_used_at is None:
                await self._store.keep_previous(connection, api_key_id, overlap)
                changed = await self._store.replace_secret(connection, api_key_id, secret)
            else:
                changed = await self._store.rotate(connection, api_key_id, secret, overlap)
            told = {"overlap_seconds": f"{overlap.total_seconds():g}"}
            await self._write(connection, caller, "api-key.rotate", changed, told)
        await self._bus.publish(f"api-key:{key.prefix}")
        return secret.text, changed

    async def revoke(self, caller: Caller, api_key_id: UUID, reason: str) -> ApiKey:
        """End a key now; one that was ended before stays as it is."""
        async with self._database.transaction() as connection:
            held = await self._store.hold(connection, api_key_id, caller.sees)
            key = self._seen(caller, held, api_key_id, REVOKE)
            if key.revoked_at is None:
                key = await self._store.revoke(connection, api_key_id)
                await self._write(connection, caller, "api-key.revoke", key, {"reason": reason} if reason else None)
        # Also when it was ended before: the one who ended it may not have come to say so.
        await self._bus.publish(f"api-key:{key.prefix}")
        return key

    async def _again(self, connection: Connection, caller: Caller, new: NewApiKey, there: ApiKey) -> tuple[str, ApiKey]:
        if not new.same_as(there):
            raise _taken("api_key_id", "another key has this id")
        if there.secret_used_at is not None or there.rotated or there.revoked_at is not None:
            raise _taken("api_key_id", "this key was made and used before: its text is not shown again; rotate it")
        await self._require(connection, caller, new.user_id, new.permissions)
        secret = self._hashing.new(there.prefix)
        return secret.text, await self._store.replace_secret(connection, there.api_key_id, secret)

    def _seen(self, caller: Caller, key: ApiKey | None, api_key_id: UUID, permission: str) -> ApiKey:
        if key is None or (key.user_id != caller.user_id and not caller.identity.may(permission)):
            raise NotFound.named("API key", api_key_id)
        return key

    async def _require(
        self, connection: Connection, caller: Caller, user_id: UUID, permissions: frozenset[str] | None
    ) -> None:
        """Whoever is shown this key's text may do all that it may, and so may its user."""
        if user_id != caller.user_id and permissions is None:
            raise InvalidArgument.at(
                "permissions", "has to name what somebody else's key may do: only its user is shown one that may all"
            )
        held = await self._roles.permissions_of(connection, user_id)
        # A session without the second factor that its user needs may nothing: nor may its keys, were it all that the user may.
        wanted = held if permissions is None else permissions
        if not covers(held, wanted):
            raise PermissionDenied("the key would do more than its user may: name less")
        if not covers(caller.identity.permissions, wanted):
            raise PermissionDenied("the key would do more than you may in this session: name less, or log in anew")

    async def _write(
        self, connection: Connection, caller: Caller, action: str, key: ApiKey, more: dict[str, str] | None = None
    ) -> None:
        told = {"api_key_id": str(key.api_key_id), "prefix": key.prefix, "target_user_id": str(key.user_id)}
        await self._audit.append(connection, caller.event(action, key.tenant_id, {**told, **(more or {})}))


def _taken(field: str, said: str) -> AlreadyExists:
    return AlreadyExists(f"{field}: {said}", violations=[FieldViolation(field, said)], metadata={"field": field})
