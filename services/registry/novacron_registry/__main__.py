"""The wiring of the registry."""

from __future__ import annotations

import asyncio

from novacron.api.registry.v1 import add_CircuitBreakerServiceServicer_to_server, add_RegistryServiceServicer_to_server
from novacron.db import service_migrations
from novacron.foundation import Foundation
from novacron.paging import PageTokens
from novacron.process import run
from novacron.sealing import KeyRing

from .breaker_servicer import CircuitBreakerServicer
from .breaker_store import BreakerStore
from .breakers import Breakers, BreakerWatch
from .clients import HealthProbe
from .health import HealthChecker
from .servicer import RegistryServicer
from .services import Services
from .settings import RegistrySettings
from .store import Store
from .watch import Watch


async def serve(settings: RegistrySettings, stopping: asyncio.Event) -> None:
    """Serve until told to stop. The registry registers with itself, like everyone."""
    keys = KeyRing.read(settings.key_file)
    async with Foundation("registry", settings, service_migrations("registry", __file__)) as base:
        await base.bus()
        store = Store(base.database, settings.environment)
        services = Services(store, settings.lease_seconds, settings.forget_after_seconds)
        probe = HealthProbe(base.identification.client(), settings.health_check_timeout_seconds)
        checker = HealthChecker(store, services, probe, settings.health_check_interval_seconds)
        watch = Watch(store, settings.watch_interval_seconds)
        breaker_store = BreakerStore(base.database, settings.environment)
        breaker_watch = BreakerWatch(breaker_store, settings.watch_interval_seconds)
        tokens = PageTokens(keys.primary)
        server = base.server()
        server.add(add_RegistryServiceServicer_to_server, RegistryServicer(services, store, watch, tokens))
        server.add(
            add_CircuitBreakerServiceServicer_to_server,
            CircuitBreakerServicer(Breakers(breaker_store), breaker_store, breaker_watch, tokens),
        )
        async with base.serving(server, [checker, watch, breaker_watch]):
            await stopping.wait()


if __name__ == "__main__":
    run("registry", RegistrySettings, serve)
