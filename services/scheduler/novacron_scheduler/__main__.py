"""The wiring of the scheduler, read top to bottom."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from novacron.api.scheduler.v1 import (
    add_BatchServiceServicer_to_server,
    add_LeakServiceServicer_to_server,
    add_NodeEventServiceServicer_to_server,
    add_NodeServiceServicer_to_server,
    add_PlacementServiceServicer_to_server,
    add_PolicyServiceServicer_to_server,
    add_QuotaServiceServicer_to_server,
    add_RebalanceServiceServicer_to_server,
    add_ReservationServiceServicer_to_server,
    add_ResizeServiceServicer_to_server,
    add_ScalingServiceServicer_to_server,
)
from novacron.clock import SystemClock
from novacron.db import service_migrations
from novacron.foundation import Foundation
from novacron.paging import PageTokens
from novacron.process import run
from novacron.saga import barrier
from novacron.sealing import KeyRing

from .batch_servicer import BatchServicer
from .batches import Batches
from .clients import MonitoringClient
from .footprints import Footprints
from .inventory.live import Inventory
from .inventory.news import News
from .leak_servicer import LeakServicer
from .leaks import Leaks
from .losses import Losses
from .node_event_servicer import NodeEventServicer
from .nodes import Nodes
from .overcommit import Overcommit
from .placement_servicer import PlacementServicer
from .placements import Placements
from .policies import Policies
from .policy_servicer import PolicyServicer
from .quota_servicer import QuotaServicer
from .quotas import Quotas
from .rebalance_servicer import RebalanceServicer
from .rebalances import Rebalances
from .reservations import Reservations
from .resize_servicer import ResizeServicer
from .resizes import Resizes
from .resources import Ratios
from .retention import Ages, Retention
from .scaling_recommendations import ScalingRecommendations
from .scaling_servicer import ScalingServicer
from .servicer import NodeServicer, ReservationServicer
from .settings import SchedulerSettings
from .store import DecisionStore, NodeStore, PolicyStore, QuotaStore, ReservationStore
from .store.history import HistoryStore
from .store.scaling import ScalingStore

MIGRATIONS = (barrier.MIGRATIONS, service_migrations("scheduler", __file__))


async def serve(settings: SchedulerSettings, stopping: asyncio.Event) -> None:
    """Serve until ``stopping`` is set."""
    tokens = PageTokens(KeyRing.read(settings.key_file).primary)
    overcommit = _overcommit(settings)
    async with Foundation("scheduler", settings, *MIGRATIONS) as base:
        await base.bus()
        inventory = Inventory(base.database)
        news = News(base.redis, inventory, base.instance)
        nodes = Nodes(base.database, NodeStore(), tokens, overcommit.allocation, settings.node_lease_seconds, inventory)
        reservations = Reservations(base.database, ReservationStore(), DecisionStore(), tokens, inventory)
        losses = Losses(base.database, SystemClock(), settings.node_lease_seconds, settings.node_loss_grace_seconds)
        server = base.server()
        server.add(add_NodeServiceServicer_to_server, NodeServicer(nodes))
        server.add(add_NodeEventServiceServicer_to_server, NodeEventServicer(losses))
        server.add(add_ReservationServiceServicer_to_server, ReservationServicer(reservations, overcommit))
        batches = Batches(base.database, DecisionStore(), inventory)
        server.add(add_BatchServiceServicer_to_server, BatchServicer(batches, overcommit))
        placements = Placements(base.database, ReservationStore(), QuotaStore())
        server.add(add_PlacementServiceServicer_to_server, PlacementServicer(placements, overcommit))
        resizes = Resizes(base.database, DecisionStore(), placements, overcommit, inventory)
        server.add(add_ResizeServiceServicer_to_server, ResizeServicer(resizes))
        policies = Policies(base.database, PolicyStore(), tokens)
        server.add(add_PolicyServiceServicer_to_server, PolicyServicer(policies))
        server.add(add_QuotaServiceServicer_to_server, QuotaServicer(Quotas(base.database, QuotaStore(), tokens)))
        monitoring = MonitoringClient(base.mesh.channel("monitoring"))
        scaling = ScalingRecommendations(base.database, ScalingStore(), tokens, reservations, monitoring, SystemClock())
        server.add(add_ScalingServiceServicer_to_server, ScalingServicer(scaling))
        rebalances = Rebalances(base.database, monitoring, SystemClock(), overcommit)
        server.add(add_RebalanceServiceServicer_to_server, RebalanceServicer(rebalances))
        server.add(
            add_LeakServiceServicer_to_server,
            LeakServicer(Leaks(base.database, settings.reservation_expiry_seconds, inventory)),
        )
        footprints = Footprints(base.database, overcommit, inventory)
        retention = Retention(HistoryStore(base.database), _ages(settings))
        async with base.serving(server, background=[news, losses, footprints, retention]):
            await stopping.wait()


def _overcommit(settings: SchedulerSettings) -> Overcommit:
    return Overcommit(
        Ratios(settings.cpu_allocation_ratio, settings.memory_allocation_ratio, settings.storage_allocation_ratio),
        Ratios(settings.best_effort_cpu_ratio, settings.best_effort_memory_ratio, settings.best_effort_storage_ratio),
    )


def _ages(settings: SchedulerSettings) -> Ages:
    return Ages(
        decisions=timedelta(days=settings.decision_retention_days),
        recommendations=timedelta(days=settings.recommendation_retention_days),
        node_events=timedelta(days=settings.node_event_retention_days),
    )


if __name__ == "__main__":
    run("scheduler", SchedulerSettings, serve)
