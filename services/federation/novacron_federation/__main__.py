"""The wiring of federation."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from novacron.api.federation.v1 import add_ProviderServiceServicer_to_server
from novacron.db import service_migrations
from novacron.foundation import Foundation
from novacron.paging import PageTokens
from novacron.process import run
from novacron.sealing import KeyRing, Sealer

from .drivers import OnPremise, ProviderDriver
from .health import HealthChecker
from .provider import ProviderType
from .providers import Providers
from .servicer import ProviderServicer
from .settings import FederationSettings
from .store import Store


async def serve(settings: FederationSettings, stopping: asyncio.Event) -> None:
    """Serve until told to stop."""
    keys = KeyRing.read(settings.key_file)
    async with Foundation("federation", settings, service_migrations("federation", __file__)) as base:
        await base.bus()
        store = Store(base.database)
        drivers: dict[ProviderType, ProviderDriver] = {
            ProviderType.ON_PREMISE: OnPremise(
                timeout_seconds=settings.provider_check_timeout_seconds, slow_seconds=settings.provider_slow_seconds
            ),
        }
        every = timedelta(seconds=settings.provider_check_interval_seconds)
        providers = Providers(store, Sealer(keys), drivers, every)
        server = base.server()
        server.add(add_ProviderServiceServicer_to_server, ProviderServicer(providers, store, PageTokens(keys.primary)))
        async with base.serving(server, [HealthChecker(store, providers)]):
            await stopping.wait()


if __name__ == "__main__":
    run("federation", FederationSettings, serve)
