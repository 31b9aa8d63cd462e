"""The wiring of the vm service, read from top to bottom."""

from __future__ import annotations

import asyncio
import base64

from novacron.api.saga.v1 import add_SagaServiceServicer_to_server
from novacron.api.vm.v1 import (
    add_DrainServiceServicer_to_server,
    add_RepairServiceServicer_to_server,
    add_TemplateServiceServicer_to_server,
    add_VmServiceServicer_to_server,
)
from novacron.db import service_migrations
from novacron.foundation import Foundation
from novacron.paging import PageTokens
from novacron.process import run
from novacron.saga import MIGRATIONS, Coordinator, PostgresLog
from novacron.saga.operator import Operator
from novacron.saga.servicer import SagaServicer
from novacron.saga.watch import Watch

from . import sagas
from .addresses import AddressKeeper
from .agents import Agents
from .clients import MonitoringClient, NodeEventClient, SchedulerClient
from .drain_servicer import DrainServicer
from .drain_store import DrainStore
from .drains import Drains
from .loss_store import LossStore
from .losses import LossFollower
from .orphan_sweep import OrphanSweep
from .repair_clients import LeakClient
from .repair_servicer import RepairServicer
from .repair_store import RepairStore
from .repairs import Repairs
from .servicer import VmServicer
from .settings import VmSettings
from .store import VmStore
from .template_servicer import TemplateServicer
from .template_store import TemplateStore
from .vms import Vms


async def serve(settings: VmSettings, stopping: asyncio.Event) -> None:
    tokens = PageTokens(base64.b64decode(settings.key_file.read_bytes()))
    async with Foundation("vm", settings, MIGRATIONS, service_migrations("vm", __file__)) as base:
        await base.bus()
        store, drains = VmStore(base.database), DrainStore(base.database)
        templates = TemplateStore(base.database)
        scheduler = SchedulerClient(base.mesh.channel("scheduler"))
        monitoring = MonitoringClient(base.mesh.channel("monitoring"))
        agents = Agents(base.mesh)
        participants = sagas.Participants(scheduler, agents, monitoring, store, drains)
        coordinator = Coordinator(
            PostgresLog(base.database, lease_seconds=settings.saga_lease_seconds),
            sagas.ALL,
            services=participants,
            lease_seconds=settings.saga_lease_seconds,
            concurrency=settings.saga_concurrency,
            watch=Watch(base.database),
        )
        vms = Vms(store, coordinator)

        server = base.server()
        server.add(add_VmServiceServicer_to_server, VmServicer(vms, store, templates, scheduler, agents, tokens))
        server.add(add_TemplateServiceServicer_to_server, TemplateServicer(templates, tokens))
        server.add(add_DrainServiceServicer_to_server, DrainServicer(Drains(drains, coordinator, scheduler)))
        leaks = LeakClient(base.mesh.channel("scheduler"), base.mesh.channel("monitoring"))
        repairs = Repairs(RepairStore(store), scheduler, leaks, monitoring, agents, tokens)
        server.add(add_RepairServiceServicer_to_server, RepairServicer(repairs))
        operator = Operator(base.database, sagas.ALL, services=participants)
        server.add(add_SagaServiceServicer_to_server, SagaServicer(base.database, operator, tokens))
        losses = LossFollower(LossStore(base.database), NodeEventClient(base.mesh.channel("scheduler")))
        addresses = AddressKeeper(store, scheduler, agents)
        async with base.serving(server, background=[coordinator, addresses, losses, OrphanSweep(leaks, repairs)]):
            await stopping.wait()


if __name__ == "__main__":
    run("vm", VmSettings, serve)
