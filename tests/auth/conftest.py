"""An auth service on a database of its own, with users to log in as."""

import os
from datetime import timedelta
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher

import novacron_auth
from novacron.api.auth.v1 import AuthServiceStub, LoginRequest, MfaServiceStub, ValidateTokenRequest
from novacron.cache import InvalidationBus
from novacron.db import service_migrations
from novacron.errors import AlreadyExists
from novacron.ids import new_id
from novacron.rpc import Identity, Subject
from novacron.sealing import KeyRing
from novacron_auth.caller import Caller
from novacron_auth.house import House
from novacron_auth.settings import AuthSettings
from novacron_auth.users.account import Account, Lockout, Role
from novacron_auth.users.passwords import Passwords
from novacron_auth.users.user import NewUser

from .shell import Shell

MIGRATIONS = service_migrations("auth", novacron_auth.__file__)
PASSWORD = "correct horse battery staple"
SETTINGS = AuthSettings(
    environment="testing", database_url="postgresql://nobody@localhost/none", key_file="unread", session_seconds=3600
)


class Auth(House):
    """The service as its wiring makes it, and shortcuts for tests."""

    def __init__(self, database, redis=None, key=None, **settings):
        self.database = database
        self.key = key or os.urandom(32)
        self.bus = InvalidationBus(redis, ())
        # The cheapest parameters there are: what they cost is not what most tests are about.
        passwords = Passwords(PasswordHasher(1, 8, 1), threads=2, queue=500)
        super().__init__(
            SETTINGS.model_copy(update=settings), database, KeyRing((self.key,)), passwords, self.bus, redis
        )
        self.servers = self.server = None

    async def serve(self, servers):
        await self.keyring.ensure_primary()
        self.servers = servers
        self.server = await servers.start("auth", self.doors(), authenticator=self.authenticator)

    async def tenant(self, name="default"):
        async with self.database.transaction() as connection:
            return await self.tenants_store.hold_tenant(connection, new_id(), name)

    async def user(self, username="alice", role=Role.USER, *, tenant="default", password=PASSWORD):
        new = NewUser(new_id(), await self.tenant(tenant), username, f"{username}@example.org", role)
        hashed = await self.passwords.hash(password)
        async with self.database.transaction() as connection:
            if await self.users_store.add(connection, new, hashed) is None:
                raise AlreadyExists(f"{username} is taken")
        return Account(new.user_id, new.tenant_id, username, new.email, role, None)

    async def revoke(self, account, session_id):
        """End a session in its user's name."""
        subject = Subject(account.user_id, account.tenant_id, account.username, session_id)
        return await self.sessions.revoke(Caller(Identity(subject)), session_id, "test")

    async def execute(self, statement, *parameters):
        async with self.database.connection() as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall() if cursor.description else None

    def as_user(self, token=None, stub=AuthServiceStub):
        """A stub on the users' port, with this token on every call."""
        user = SimpleNamespace(metadata=(("authorization", f"Bearer {token}"),)) if token else None
        return stub(self.servers.as_user(self.server, user))

    def as_service(self, name="vm", stub=AuthServiceStub):
        """A stub on the mesh port."""
        return stub(self.servers.as_service(self.server, name))

    async def tokens_of(self, token):
        """Who a token speaks for, by the service's own word. :raises Unauthenticated: for nobody."""
        return await self.as_service().ValidateToken(ValidateTokenRequest(access_token=token))

    async def login(self, username="alice", password=PASSWORD, tenant="", **more):
        return await self.as_user().Login(LoginRequest(username=username, password=password, tenant=tenant, **more))


@pytest.fixture
def password():
    return PASSWORD


@pytest.fixture
def lockout():
    return Lockout(SETTINGS.lockout_attempts, timedelta(seconds=SETTINGS.lockout_seconds))


@pytest.fixture
def migrations():
    return MIGRATIONS


@pytest.fixture
async def make_auth(new_database, servers):
    """Makes auth services; ``redis`` carries their invalidations, and settings may be others than usual."""
    made = []

    async def make(redis=None, **settings):
        auth = Auth(await new_database(MIGRATIONS), redis, **settings)
        made.append(auth)
        await auth.serve(servers)
        return auth

    yield make
    for auth in made:
        auth.passwords.close()


@pytest.fixture
async def auth(make_auth):
    return await make_auth()


@pytest.fixture
async def alice(auth):
    return await auth.user()


@pytest.fixture
async def token(auth, alice):
    """Of Alice, who has logged in."""
    return (await auth.login()).access_token


@pytest.fixture
async def mfa(auth, token):
    """Alice's second factors."""
    return auth.as_user(token, MfaServiceStub)


@pytest.fixture
def shell(auth, ca, tmp_path, novacron_command):
    """``shell("alice")``: a machine of hers, from which she runs commands against the service."""
    return lambda name: Shell(novacron_command, tmp_path, tmp_path / name, auth.server.port, ca.identity("auth").ca)
