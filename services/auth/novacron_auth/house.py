"""The house: every part of the service, each made of those above it, and the servicers that stand at its doors.

``__main__`` builds it on the foundation; tests build it on a database of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc

from novacron.api.auth.v1 import add_AuthServiceServicer_to_server
from novacron.cache import InvalidationBus
from novacron.db import Database
from novacron.paging import PageTokens
from novacron.sealing import KeyRing, Sealer

from .audit.log import AuditLog
from .authenticator import TableAuthenticator
from .bootstrap import Bootstrap
from .keys.keyring import Keyring
from .keys.store import KeyStore
from .keys.tokens import Tokens
from .roles.permissions import Permissions
from .roles.store import RoleStore
from .servicer import AuthServicer
from .sessions.logins import Logins
from .sessions.sessions import Sessions
from .sessions.store import SessionStore
from .settings import AuthSettings
from .tenants.store import TenantStore
from .users.account import Lockout
from .users.passwords import Passwords
from .users.store import UserStore

# A generated ``add_*_to_server``, and what it adds.
Door = tuple[Callable[[Any, grpc.aio.Server], None], Any]


class House:
    """The rooms of auth. Nothing here does anything before it is asked."""

    def __init__(
        self, settings: AuthSettings, database: Database, ring: KeyRing, passwords: Passwords, bus: InvalidationBus
    ) -> None:
        self.passwords = passwords
        self.sealer = Sealer(ring)
        self.page_tokens = PageTokens(ring.primary)
        self.audit = AuditLog(database)

        # users and tenants
        self.users_store, self.tenants_store = UserStore(database), TenantStore(database)
        self.bootstrap = Bootstrap(database, self.users_store, self.tenants_store, passwords, self.audit)

        # keys
        self.keyring = Keyring(KeyStore(database), self.sealer)
        self.tokens = Tokens(self.keyring, timedelta(seconds=settings.access_token_seconds))

        # roles
        self.permissions = Permissions(RoleStore(database))
        self.authenticator = TableAuthenticator(self.tokens, self.permissions)

        # sessions
        self.sessions_store = SessionStore(database)
        self.sessions = Sessions(database, self.sessions_store, self.audit, bus)
        self.logins = Logins(
            database,
            self.users_store,
            self.sessions_store,
            passwords,
            self.audit,
            lockout=Lockout(settings.lockout_attempts, timedelta(seconds=settings.lockout_seconds)),
            lifetime=timedelta(seconds=settings.session_seconds),
        )

    def doors(self) -> list[Door]:
        """What the server serves."""
        auth = AuthServicer(self.logins, self.sessions, self.permissions, self.tokens, self.keyring)
        return [(add_AuthServiceServicer_to_server, auth)]

    def background(self) -> list[Any]:
        """Components with ``start`` and ``stop`` that work while the server serves."""
        return []
