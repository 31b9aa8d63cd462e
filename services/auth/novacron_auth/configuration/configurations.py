"""The configuration as this replica last read it, and how it is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

from novacron.clock import Clock, SystemClock
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
from .store import ConfigurationStore, Stored

# Another replica's change is known here within this.
_FRESH_SECONDS = 2.0


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
        self, database: Database, audit: AuditLog, default: AuthenticationConfiguration, clock: Clock | None = None
    ) -> None:
        self._database = database
        self._store = ConfigurationStore(database, default.environment)
        self._audit = audit
        self._default = default
        self._clock = clock or SystemClock()
        self._current: AuthenticationConfiguration | None = None
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def current(self) -> AuthenticationConfiguration:
        """What holds now; a change elsewhere is known within two seconds."""
        if self._current is None or self._clock.monotonic() - self._read_at >= _FRESH_SECONDS:
            async with self._reading:
                if self._current is None or self._clock.monotonic() - self._read_at >= _FRESH_SECONDS:
                    self._remember(await self._store.read())
        assert self._current is not None
        return self._current

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
        self._remember(await self._store.read())
        return await self.current()

    def _remember(self, stored: Stored) -> None:
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
        self._current = replace(
            made,
            auth_config_id=stored.auth_config_id,
            created_at=stored.created_at,
            updated_at=stored.updated_at,
            version=stored.version,
        )
        self._read_at = self._clock.monotonic()
