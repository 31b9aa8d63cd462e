"""An auth service on a database of its own, with users to log in as."""

import os
from datetime import timedelta
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher

import novacron_auth
from novacron.api.auth.v1 import AuthServiceStub, LoginRequest, add_AuthServiceServicer_to_server
from novacron.cache import InvalidationBus
from novacron.db import service_migrations
from novacron.ids import new_id
from novacron.sealing import KeyRing, Sealer
from novacron_auth.account import Account, Lockout, Role
from novacron_auth.audit_log import AuditLog
from novacron_auth.authenticator import TableAuthenticator
from novacron_auth.keyring import Keyring
from novacron_auth.logins import Logins
from novacron_auth.passwords import Passwords
from novacron_auth.permissions import Permissions
from novacron_auth.servicer import AuthServicer
from novacron_auth.sessions import Sessions
from novacron_auth.store import Store
from novacron_auth.tokens import Tokens

MIGRATIONS = service_migrations("auth", novacron_auth.__file__)
PASSWORD = "correct horse battery staple"
LOCKOUT = Lockout(attempts=5, pause=timedelta(minutes=15))


class Auth:
    """Everything that the service's wiring makes, and shortcuts for tests."""

    def __init__(self, database, redis=None):
        self.database = database
        self.key = os.urandom(32)
        self.sealer = Sealer(KeyRing((self.key,)))
        self.store, self.audit = Store(database), AuditLog(database)
        # The cheapest parameters there are: what they cost is not what most tests are about.
        self.passwords = Passwords(PasswordHasher(1, 8, 1), threads=2, queue=500)
        self.bus = InvalidationBus(redis, ())
        self.keyring = Keyring(self.store, self.sealer)
        self.tokens = Tokens(self.keyring, timedelta(minutes=5))
        self.permissions = Permissions(self.store)
        self.sessions = Sessions(database, self.store, self.audit, self.bus)
        self.logins = Logins(
            database, self.store, self.passwords, self.audit, lockout=LOCKOUT, lifetime=timedelta(hours=1)
        )
        self.authenticator = TableAuthenticator(self.tokens, self.permissions)
        self.servicer = AuthServicer(self.logins, self.sessions, self.permissions, self.tokens, self.keyring)
        self.servers = self.server = None

    async def serve(self, servers):
        await self.keyring.ensure_primary()
        registrations = [(add_AuthServiceServicer_to_server, self.servicer)]
        self.servers = servers
        self.server = await servers.start("auth", registrations, authenticator=self.authenticator)

    async def tenant(self, name="default"):
        async with self.database.transaction() as connection:
            return await self.store.hold_tenant(connection, new_id(), name)

    async def user(self, username="alice", role=Role.USER, *, tenant="default", password=PASSWORD):
        account = Account(new_id(), await self.tenant(tenant), username, f"{username}@example.org", role, None)
        hashed = await self.passwords.hash(password)
        async with self.database.transaction() as connection:
            await self.store.add_user(connection, account, hashed)
        return account

    async def execute(self, statement, *parameters):
        async with self.database.connection() as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall() if cursor.description else None

    def as_user(self, token=None):
        """The stub on the users' port, with this token on every call."""
        user = SimpleNamespace(metadata=(("authorization", f"Bearer {token}"),)) if token else None
        return AuthServiceStub(self.servers.as_user(self.server, user))

    def as_service(self, name="vm"):
        """The stub on the mesh port."""
        return AuthServiceStub(self.servers.as_service(self.server, name))

    async def login(self, username="alice", password=PASSWORD, tenant=""):
        return await self.as_user().Login(LoginRequest(username=username, password=password, tenant=tenant))


@pytest.fixture
def password():
    return PASSWORD


@pytest.fixture
def lockout():
    return LOCKOUT


@pytest.fixture
def migrations():
    return MIGRATIONS


@pytest.fixture
async def make_auth(new_database, servers):
    """Makes auth services; ``redis`` carries their invalidations."""
    made = []

    async def make(redis=None):
        auth = Auth(await new_database(MIGRATIONS), redis)
        made.append(auth)
        await auth.serve(servers)
        return auth

    yield make
    for auth in made:
        auth.passwords.close()


@pytest.fixture
async def auth(make_auth):
    return await make_auth()
