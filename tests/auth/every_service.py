"""Every service in one process: real servicers behind real chains, which ask a real auth service who callers are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import redis.asyncio as redis_client

import novacron_federation
import novacron_registry
from novacron.api.admin.v1 import add_AdminServiceServicer_to_server
from novacron.api.federation.v1 import add_ProviderServiceServicer_to_server
from novacron.api.registry.v1 import add_CircuitBreakerServiceServicer_to_server, add_RegistryServiceServicer_to_server
from novacron.cache import InvalidationBus, TieredCache
from novacron.db import service_migrations
from novacron.paging import PageTokens
from novacron.rpc.admin_servicer import AdminServicer
from novacron.rpc.api_keys import KeyDoor
from novacron.rpc.authentication import AuthClient
from novacron.rpc.server import Server
from novacron.saga import barrier
from novacron.sealing import KeyRing, Sealer
from novacron.testing.servers import Registration, Servers
from novacron_federation.drivers import OnPremise
from novacron_federation.provider import ProviderType
from novacron_federation.providers import Providers
from novacron_federation.servicer import ProviderServicer
from novacron_federation.store import Store as FederationStore
from novacron_registry.breaker_servicer import CircuitBreakerServicer
from novacron_registry.breaker_store import BreakerStore
from novacron_registry.breakers import Breakers, BreakerWatch
from novacron_registry.servicer import RegistryServicer
from novacron_registry.services import Services
from novacron_registry.store import Store as RegistryStore
from novacron_registry.watch import Watch

from ..vm.house import build

KEY = b"m" * 32


class AskingServers(Servers):
    """Starts servers as a service's foundation does: they know no user, and ask auth."""

    def __init__(self, servers: Servers, auth: Server, redis: redis_client.Redis | None = None) -> None:
        super().__init__(servers.identification)
        self._auth = auth
        self._redis = redis
        self.caches: list[TieredCache] = []
        self.buses: list[InvalidationBus] = []
        self.started: dict[str, Server] = {}

    async def start(self, service: str, registrations: Iterable[Registration], **settings: Any) -> Server:
        cache = TieredCache("permissions", ttl_seconds=30, redis=self._redis)
        bus = InvalidationBus(self._redis, (cache,))
        await bus.start()
        self._stack.push_async_callback(bus.stop)
        self.caches.append(cache)
        self.buses.append(bus)
        channel = self.as_service(self._auth, service, attempts=1)
        admin = AdminServicer(service, "here", list, None)  # type: ignore[arg-type]  # no call of it gets that far
        authenticator = AuthClient(channel, cache, KeyDoor(service, self._redis))
        self.started[service] = await super().start(
            service,
            [*registrations, (add_AdminServiceServicer_to_server, admin)],
            authenticator=authenticator,
            **settings,
        )
        return self.started[service]


async def serve_all(asking: AskingServers, new_database: Any, directory: Path) -> Any:
    """Everything but auth, by the services' names in ``asking.started``; what is given back has to be closed."""
    house = await build(asking, new_database, directory)
    await house.add_host()
    asking.started["agent"] = asking.started.pop("agent/n1")

    database = await new_database(barrier.MIGRATIONS, service_migrations("federation", novacron_federation.__file__))
    store, ring = FederationStore(database), KeyRing((KEY,))
    drivers = {ProviderType.ON_PREMISE: OnPremise(timeout_seconds=1, slow_seconds=1)}
    providers = ProviderServicer(Providers(store, Sealer(ring), drivers, timedelta(minutes=5)), store, PageTokens(KEY))
    await asking.start("federation", [(add_ProviderServiceServicer_to_server, providers)])

    database = await new_database(service_migrations("registry", novacron_registry.__file__))
    registry, breakers = RegistryStore(database, "testing"), BreakerStore(database, "testing")
    services = RegistryServicer(Services(registry, 15, 3600), registry, Watch(registry, 0.1), PageTokens(KEY))
    configurations = CircuitBreakerServicer(Breakers(breakers), breakers, BreakerWatch(breakers, 0.1), PageTokens(KEY))
    await asking.start(
        "registry",
        [
            (add_RegistryServiceServicer_to_server, services),
            (add_CircuitBreakerServiceServicer_to_server, configurations),
        ],
    )
    return house


async def serve_unbuilt(asking: AskingServers, auth: Any, full_names: Iterable[str]) -> Server | None:
    """Services that stand in the protos and that nobody serves here: their doors are judged before there is a room behind.

    None: all are served.
    """
    registrations: list[Registration] = []
    for full_name in full_names:
        package, _, name = full_name.rpartition(".")
        api = import_module(package)
        registrations.append((getattr(api, f"add_{name}Servicer_to_server"), getattr(api, f"{name}Servicer")()))
    if not registrations:
        return None
    return await Servers.start(asking, "auth", registrations, authenticator=auth.authenticator)
