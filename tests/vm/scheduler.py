"""The scheduler of the house: wired as its main does, over a real database."""

from __future__ import annotations

from novacron.api.scheduler.v1 import (
    add_BatchServiceServicer_to_server,
    add_LeakServiceServicer_to_server,
    add_NodeServiceServicer_to_server,
    add_ReservationServiceServicer_to_server,
    add_ResizeServiceServicer_to_server,
    add_ScalingServiceServicer_to_server,
)
from novacron.clock import SystemClock
from novacron.db import Database
from novacron.paging import PageTokens
from novacron.rpc import Server
from novacron.testing.servers import Registration, Servers
from novacron_scheduler.batch_servicer import BatchServicer
from novacron_scheduler.batches import Batches
from novacron_scheduler.clients import MonitoringClient as Needs
from novacron_scheduler.leak_servicer import LeakServicer
from novacron_scheduler.leaks import Leaks
from novacron_scheduler.nodes import Nodes
from novacron_scheduler.overcommit import UNSHARED
from novacron_scheduler.placements import Placements
from novacron_scheduler.reservations import Reservations
from novacron_scheduler.resize_servicer import ResizeServicer
from novacron_scheduler.resizes import Resizes
from novacron_scheduler.resources import Ratios
from novacron_scheduler.scaling_recommendations import ScalingRecommendations
from novacron_scheduler.scaling_servicer import ScalingServicer
from novacron_scheduler.servicer import NodeServicer, ReservationServicer
from novacron_scheduler.store import DecisionStore, NodeStore, QuotaStore, ReservationStore
from novacron_scheduler.store.scaling import ScalingStore

KEY = b"k" * 32


async def serve_scheduler(
    servers: Servers,
    database: Database,
    monitoring: Server | None = None,
    *,
    port: int = 0,
    lease_seconds: float = 60,
) -> Server:
    """With ``monitoring`` it also recommends sizes."""
    nodes = Nodes(database, NodeStore(), PageTokens(KEY), Ratios(), lease_seconds)
    reservations = Reservations(database, ReservationStore(), DecisionStore(), PageTokens(KEY))
    placements = Placements(database, ReservationStore(), QuotaStore())
    resizes = Resizes(database, DecisionStore(), placements, UNSHARED)
    batches = Batches(database, DecisionStore())
    served: list[Registration] = [
        (add_NodeServiceServicer_to_server, NodeServicer(nodes)),
        (add_ReservationServiceServicer_to_server, ReservationServicer(reservations, UNSHARED)),
        (add_LeakServiceServicer_to_server, LeakServicer(Leaks(database, 900))),
        (add_ResizeServiceServicer_to_server, ResizeServicer(resizes)),
        (add_BatchServiceServicer_to_server, BatchServicer(batches, UNSHARED)),
    ]
    if monitoring is not None:
        needs = Needs(servers.as_service(monitoring, "scheduler"))
        scaling = ScalingRecommendations(database, ScalingStore(), PageTokens(KEY), reservations, needs, SystemClock())
        served.append((add_ScalingServiceServicer_to_server, ScalingServicer(scaling)))
    return await servers.start("scheduler", served, mesh_listen=f"127.0.0.1:{port}")
