"""The monitoring service, wired."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from novacron.api.monitoring.v1 import add_MetricsServiceServicer_to_server
from novacron.clock import SystemClock
from novacron.db import service_migrations
from novacron.foundation import Foundation
from novacron.paging import PageTokens
from novacron.process import run
from novacron.saga import barrier
from novacron.sealing import KeyRing

from .keeper import PartitionKeeper
from .partitions import Partitions
from .samples import Samples
from .servicer import MetricsServicer
from .settings import MonitoringSettings
from .store import Store
from .targets import Targets


async def serve(settings: MonitoringSettings, stopping: asyncio.Event) -> None:
    tokens = PageTokens(KeyRing.read(settings.key_file).primary)
    migrations = (barrier.MIGRATIONS, service_migrations("monitoring", __file__))
    async with Foundation("monitoring", settings, *migrations) as base:
        await base.bus()
        retention = timedelta(days=settings.vm_metrics_retention_days)
        store, partitions = Store(base.database), Partitions()
        targets = Targets(base.database, store, tokens)
        samples = Samples(base.database, store, partitions, retention)
        keeper = PartitionKeeper(
            base.database,
            partitions,
            retention=retention,
            days_ahead=settings.vm_metrics_days_ahead,
            every_seconds=settings.partition_check_seconds,
        )
        server = base.server()
        server.add(add_MetricsServiceServicer_to_server, MetricsServicer(targets, samples, store, SystemClock()))
        async with base.serving(server, [keeper]):
            await stopping.wait()


if __name__ == "__main__":
    run("monitoring", MonitoringSettings, serve)
