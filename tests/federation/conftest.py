"""Federation on a database, and another NovaCron in the world outside."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from novacron.api.auth.v1 import AuthServiceServicer, LoginResponse, add_AuthServiceServicer_to_server
from novacron.api.federation.v1 import (
    PROVIDER_TYPE_ON_PREMISE,
    CreateCloudProviderRequest,
    OnPremiseCredentials,
    ProviderServiceStub,
    add_ProviderServiceServicer_to_server,
)
from novacron.api.vm.v1 import ListVmsResponse, VmServiceServicer, add_VmServiceServicer_to_server
from novacron.db import MigrationSource
from novacron.errors import Unauthenticated
from novacron.paging import PageTokens
from novacron.sealing import KeyRing, Sealer
from novacron_federation.drivers import OnPremise
from novacron_federation.health import HealthChecker
from novacron_federation.provider import ProviderType
from novacron_federation.providers import Providers
from novacron_federation.servicer import ProviderServicer
from novacron_federation.store import Store

MIGRATIONS = MigrationSource("federation", Path(__file__).parents[2] / "services" / "federation" / "migrations")
USERNAME, PASSWORD, TENANT = "canary-user-7f3a", "canary-password-9b1c", "canary-tenant-55d0"
KEY = bytes(range(32))


class OtherAuth(AuthServiceServicer):
    """Signs one user in, and repeats what it was sent when it refuses, as careless software does."""

    def __init__(self, token):
        self.token = token
        self.before = None
        self.logins = 0

    async def Login(self, request, context):
        self.logins += 1
        if self.before is not None:
            await self.before()
        if (request.username, request.password, request.tenant) != (USERNAME, PASSWORD, TENANT):
            raise Unauthenticated(f"no user {request.username} with password {request.password}")
        return LoginResponse(access_token=self.token)


class OtherVms(VmServiceServicer):
    """Lists no VMs."""

    def __init__(self):
        self.page_sizes = []
        self.before = None

    async def ListVms(self, request, context):
        self.page_sizes.append(request.page_size)
        if self.before is not None:
            await self.before()
        return ListVmsResponse()


@dataclass
class Other:
    """Another NovaCron: its servicers, and where they are."""

    auth: OtherAuth
    vms: OtherVms
    auth_endpoint: str
    endpoint: str
    ca_pem: str
    servers: list = field(default_factory=list)


@pytest.fixture
async def other(servers):
    """Another NovaCron, whose user may list VMs."""
    auth, vms = OtherAuth(servers.users.add("vm:read").token), OtherVms()
    auth_server = await servers.start("auth", [(add_AuthServiceServicer_to_server, auth)])
    vm_server = await servers.start("vm", [(add_VmServiceServicer_to_server, vms)])
    return Other(
        auth,
        vms,
        f"127.0.0.1:{auth_server.port}",
        f"127.0.0.1:{vm_server.port}",
        servers.identification("operator").ca.decode(),
        [auth_server, vm_server],
    )


@dataclass
class Federation:
    """One replica of federation: its server and its parts."""

    server: object
    store: Store
    providers: Providers
    checker: HealthChecker


@pytest.fixture
async def database(new_database):
    return await new_database(MIGRATIONS)


@pytest.fixture
async def replica(servers, database):
    """``await replica(timeout=5, slow=2, every=300, keys=(KEY,))``: federation on the test's database."""

    async def start(*, timeout=5.0, slow=2.0, every=300.0, keys=(KEY,)):
        ring = KeyRing(keys)
        store = Store(database)
        drivers = {ProviderType.ON_PREMISE: OnPremise(timeout_seconds=timeout, slow_seconds=slow)}
        providers = Providers(store, Sealer(ring), drivers, timedelta(seconds=every))
        servicer = ProviderServicer(providers, store, PageTokens(ring.primary))
        server = await servers.start("federation", [(add_ProviderServiceServicer_to_server, servicer)])
        return Federation(server, store, providers, HealthChecker(store, providers, pause_seconds=0.05))

    return start


@pytest.fixture
async def federation(replica):
    return await replica()


@pytest.fixture
def as_user(servers):
    """A stub to a replica, as a user with these permissions (all of ``provider:*`` unless given)."""

    def of(one, *permissions):
        return ProviderServiceStub(servers.as_user(one.server, servers.users.add(*(permissions or ("provider:*",)))))

    return of


@pytest.fixture
def wanted(other):
    """``wanted(name="east", ...)``: a request that registers the other NovaCron."""

    def of(*, secrets=None, **fields):
        given = {
            "username": USERNAME,
            "password": PASSWORD,
            "tenant": TENANT,
            "auth_endpoint": other.auth_endpoint,
            "ca_pem": other.ca_pem,
        }
        return CreateCloudProviderRequest(
            **{
                "provider_id": str(uuid4()),
                "name": "east",
                "provider_type": PROVIDER_TYPE_ON_PREMISE,
                "regions": ["eu-1", "eu-2"],
                "endpoint": other.endpoint,
                "priority": 5,
                "on_premise": OnPremiseCredentials(**{**given, **(secrets or {})}),
                **fields,
            }
        )

    return of
