"""The configuration as this replica last read it, and how it is changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

from novacron.cache import EVERYTHING, InvalidationBus, TieredCache
from novacron.db import Database
from novacron.errors import Conflict, NovacronError

from ..audit.log import AuditLog
from ..caller import Caller
from ..settings import AuthSettings
from .configuration import (
    AccountLockoutPolicy,
    AuthenticationConfiguration,
    JwtConfiguration,
    Plain,
    SessionManagementConfig,
    with_settings,
)
from .store import ConfigurationStore

# Another replica's change is known here within this, whoever tells of it.
_FRESH_SECONDS = 2.0
_TAG = "authentication-configuration"


def defaults(settings: AuthSettings) -> AuthenticationConfiguration:
    """What holds until an administrator sets something: the environment's values where it has any."""
    lifetime = timedelta(seconds=settings.session_seconds)
    sessions = SessionManagementConfig()
    return AuthenticationConfiguration(
        jwt_config=JwtConfiguration(access_token_ttl=timedelta(seconds=settings.access_token_seconds)),
        account_lockout_policy=AccountLockoutPolicy(
            settings.lockout_attempts, timedelta(seconds=settings.lockout_seconds)
        ),
        session_management=replace(sessions, session_ttl=lifetime, idle_timeout=min(lifetime, sessions.idle_timeout)),
        environment=settings.environment,
    )


class Configurations:
    """One configuration for all replicas."""

    def __init__(
        self, database: Database, audit: AuditLog, default: AuthenticationConfiguration, bus: InvalidationBus
    ) -> None:
        self._database = database
        self._store = ConfigurationStore(database, default.environment)
        self._audit = audit
        self._default = default
        self._bus = bus
        self._cache = TieredCache("authentication-configuration", ttl_seconds=_FRESH_SECONDS, size=1)
        bus.empties(self._cache)

    async def current(self) -> AuthenticationConfiguration:
        """What holds now; a change elsewhere is known as soon as the bus tells of it, and within two seconds anyway."""
        held: AuthenticationConfiguration | None = self._cache.held(_TAG)
        if held is None:
            held = await self._cache.get(_TAG, self._read, tags=(_TAG,), shared=False)
        assert held is not None
        return held

    async def update(
        self, caller: Caller, settings: Mapping[str, Plain], reset: Collection[str], etag: str
    ) -> AuthenticationConfiguration:
        """Set these, and give those in ``reset`` their defaults again; ``etag`` is of the version that was read, or empty.

        :raises InvalidArgument: naming every setting that makes no sense.
        :raises Conflict: somebody else changed it meanwhile.
        """
        async with self._database.transaction() as connection:
            held = await self._store.hold(connection)
            if etag and etag != str(held.version):
                raise Conflict("the configuration has changed: read it again and repeat")
            kept = {path: value for path, value in held.settings.items() if path not in reset}
            made = {**kept, **settings}
            with_settings(self._default, made)
            if made != held.settings:
                await self._store.write(connection, made)
                changed = {path: str(made.get(path, "default")) for path in sorted({*settings, *reset})}
                await self._audit.append(connection, caller.event("configuration.update", caller.tenant_id, changed))
        # The other replicas first: a service that asks one of them anew shall not be told what held before.
        await self._bus.publish(_TAG)
        if _roles(made) != _roles(held.settings):
            await self._bus.publish(EVERYTHING)
        return await self.current()

    async def _read(self) -> AuthenticationConfiguration:
        stored = await self._store.read()
        try:
            made = with_settings(self._default, stored.settings)
        except NovacronError:
            # Written by a newer release, or by hand: what this release does not take is left out, one by one.
            made = self._default
            for path, value in stored.settings.items():
                try:
                    made = with_settings(made, {path: value})
                except NovacronError:
                    continue
        return replace(
            made,
            auth_config_id=stored.auth_config_id,
            created_at=stored.created_at,
            updated_at=stored.updated_at,
            version=stored.version,
        )


def _roles(settings: Mapping[str, Plain]) -> object:
    """What decides over permissions: sessions without a second factor have none by these roles."""
    return settings.get("mfa_required_roles")
