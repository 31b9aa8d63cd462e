"""Replicas of the registry on one database."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from novacron.api.registry.v1 import (
    GetServiceRequest,
    RegisterInstanceRequest,
    RegistryServiceStub,
    add_CircuitBreakerServiceServicer_to_server,
    add_RegistryServiceServicer_to_server,
)
from novacron.db import MigrationSource
from novacron.paging import PageTokens
from novacron_registry.breaker_servicer import CircuitBreakerServicer
from novacron_registry.breaker_store import BreakerStore
from novacron_registry.breakers import Breakers, BreakerWatch
from novacron_registry.clients import HealthProbe
from novacron_registry.health import HealthChecker
from novacron_registry.servicer import RegistryServicer
from novacron_registry.services import Services
from novacron_registry.store import Store
from novacron_registry.watch import Watch

MIGRATIONS = MigrationSource("registry", Path(__file__).parents[2] / "services" / "registry" / "migrations")


@dataclass
class Replica:
    """One registry: its server and its parts."""

    server: object
    store: Store
    services: Services
    checker: HealthChecker
    watch: Watch


class Counting:
    """Counts what is asked."""

    def __init__(self, probe):
        self._probe, self.asked = probe, []

    async def ask(self, service_name, mesh_endpoint):
        self.asked.append(mesh_endpoint)
        return await self._probe.ask(service_name, mesh_endpoint)

    async def close_idle(self):
        await self._probe.close_idle()

    async def close(self):
        await self._probe.close()


@pytest.fixture
async def database(new_database):
    return await new_database(MIGRATIONS)


@pytest.fixture
async def replica(servers, database):
    """``await replica(lease=15, interval=5, forget=3600, checks=True)``: a registry that runs until the test ends."""
    made = []

    async def start(*, lease=15.0, interval=0.1, forget=3600.0, checks=True):
        store = Store(database, "testing")
        services = Services(store, lease, forget)
        probe = Counting(HealthProbe(servers.identification("registry").client(), 1.0))
        checker = HealthChecker(store, services, probe, interval)
        watch = Watch(store, 0.1)
        servicer = RegistryServicer(services, store, watch, PageTokens(bytes(32)))
        breaker_store = BreakerStore(database, "testing")
        breaker_watch = BreakerWatch(breaker_store, 0.1)
        breakers = CircuitBreakerServicer(Breakers(breaker_store), breaker_store, breaker_watch, PageTokens(bytes(32)))
        server = await servers.start(
            "registry",
            [
                (add_RegistryServiceServicer_to_server, servicer),
                (add_CircuitBreakerServiceServicer_to_server, breakers),
            ],
        )
        one = Replica(server, store, services, checker, watch)
        one.probe = probe
        one.breaker_watch = breaker_watch
        made.append((one, checks))
        await watch.start()
        await breaker_watch.start()
        if checks:
            await checker.start()
        return one

    yield start
    for one, _ in made:
        await one.checker.stop()
        await one.watch.stop()
        await one.breaker_watch.stop()


@pytest.fixture
def reader(servers):
    """A user who may read services, as a stub to a replica."""

    def of(one, *permissions):
        user = servers.users.add(*(permissions or ("service:read",)))
        return RegistryServiceStub(servers.as_user(one.server, user))

    return of


@pytest.fixture
def register(servers):
    """``await register(replica, "vm", "vm-1", mesh=...)`` as the service itself."""

    async def call(one, service, instance, *, certificate="", version="1.2.3", mesh="localhost:9", **fields):
        request = RegisterInstanceRequest(
            service_name=service, service_version=version, instance=instance, mesh_endpoint=mesh, **fields
        )
        return await RegistryServiceStub(servers.as_service(one.server, certificate or service)).RegisterInstance(
            request
        )

    return call


@pytest.fixture
def show():
    """``await show(stub, "vm")``: the service as a user sees it."""

    async def call(stub, service):
        return await stub.GetService(GetServiceRequest(service_name=service))

    return call
