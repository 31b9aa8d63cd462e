"""The auth service's wiring, top to bottom."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from novacron.api.auth.v1 import add_AuthServiceServicer_to_server
from novacron.db import service_migrations
from novacron.foundation import Foundation
from novacron.process import run
from novacron.sealing import KeyRing, Sealer

from .account import Lockout
from .audit_log import AuditLog
from .authenticator import TableAuthenticator
from .bootstrap import bootstrap
from .keyring import Keyring
from .logins import Logins
from .passwords import Passwords
from .permissions import Permissions
from .servicer import AuthServicer
from .sessions import Sessions
from .settings import AuthSettings
from .store import Store
from .tokens import Tokens


async def serve(settings: AuthSettings, stopping: asyncio.Event) -> None:
    """Serve until ``stopping`` is set."""
    sealer = Sealer(KeyRing.read(settings.key_file))
    async with Foundation("auth", settings, service_migrations("auth", __file__)) as base:
        bus = await base.bus()
        store, audit = Store(base.database), AuditLog(base.database)
        passwords = Passwords.from_settings(settings)
        await bootstrap(base.database, store, passwords, audit, settings.bootstrap_admin_password_file)

        keyring = Keyring(store, sealer)
        await keyring.ensure_primary()
        tokens = Tokens(keyring, timedelta(seconds=settings.access_token_seconds))
        permissions = Permissions(store)
        logins = Logins(
            base.database,
            store,
            passwords,
            audit,
            lockout=Lockout(settings.lockout_attempts, timedelta(seconds=settings.lockout_seconds)),
            lifetime=timedelta(seconds=settings.session_seconds),
        )
        sessions = Sessions(base.database, store, audit, bus)

        server = base.server(TableAuthenticator(tokens, permissions))
        servicer = AuthServicer(logins, sessions, permissions, tokens, keyring)
        server.add(add_AuthServiceServicer_to_server, servicer)
        async with base.serving(server):
            await stopping.wait()
        passwords.close()


if __name__ == "__main__":
    run("auth", AuthSettings, serve)
