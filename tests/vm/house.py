"""A whole house in one process: vm, scheduler, monitoring and agents, wired as their mains do, over real databases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import novacron_monitoring
import novacron_vm
from novacron.api.agent.v1 import add_AgentServiceServicer_to_server
from novacron.api.monitoring.v1 import add_MetricsServiceServicer_to_server
from novacron.api.saga.v1 import add_SagaServiceServicer_to_server
from novacron.api.vm.v1 import (
    CreateVmRequest,
    DeleteVmRequest,
    DrainServiceStub,
    GetVmRequest,
    TemplateServiceStub,
    Vm,
    VmServiceStub,
    VmSpec,
    add_DrainServiceServicer_to_server,
    add_RepairServiceServicer_to_server,
    add_TemplateServiceServicer_to_server,
    add_VmServiceServicer_to_server,
)
from novacron.clock import SystemClock
from novacron.db import Database, service_migrations
from novacron.foundation import Mesh
from novacron.ids import derived_id
from novacron.paging import PageTokens
from novacron.rpc import Server
from novacron.saga import MIGRATIONS as SAGA
from novacron.saga import Coordinator, PostgresLog, Record, barrier
from novacron.saga.operator import Operator
from novacron.saga.servicer import SagaServicer
from novacron.settings import ProcessSettings
from novacron.testing.patience import eventually
from novacron.testing.sagas import Disturbed
from novacron.testing.servers import Servers, TestUser
from novacron_agent.barrier import HostBarrier
from novacron_agent.clients import Peers
from novacron_agent.drivers.driver import HostCapacity
from novacron_agent.drivers.simulated import SimulatedDriver, SimulatedSettings
from novacron_agent.exports import Exports
from novacron_agent.heartbeat import Heartbeat
from novacron_agent.lease import Lease
from novacron_agent.servicer import AgentServicer
from novacron_agent.settings import AgentSettings
from novacron_monitoring.partitions import Partitions
from novacron_monitoring.samples import Samples
from novacron_monitoring.servicer import MetricsServicer
from novacron_monitoring.store import Store as MetricsStore
from novacron_monitoring.targets import Targets
from novacron_scheduler.__main__ import MIGRATIONS as SCHEDULER
from novacron_scheduler.policy import Policy, PolicyType
from novacron_scheduler.store import PolicyStore
from novacron_vm import sagas
from novacron_vm.agents import Agents
from novacron_vm.clients import MonitoringClient, SchedulerClient
from novacron_vm.drain_servicer import DrainServicer
from novacron_vm.drain_store import DrainStore
from novacron_vm.drains import Drains
from novacron_vm.repair_clients import LeakClient
from novacron_vm.repair_servicer import RepairServicer
from novacron_vm.repair_store import RepairStore
from novacron_vm.repairs import Repairs
from novacron_vm.servicer import VmServicer
from novacron_vm.store import VmStore
from novacron_vm.template_servicer import TemplateServicer
from novacron_vm.template_store import TemplateStore
from novacron_vm.vms import Vms

from .scheduler import KEY, serve_scheduler

MONITORING = (barrier.MIGRATIONS, service_migrations("monitoring", novacron_monitoring.__file__))
VM = (SAGA, service_migrations("vm", novacron_vm.__file__))
CAPACITY = HostCapacity(vcpus=64, memory_mib=64 * 1024, disk_gib=1024)


@dataclass
class Host:
    """One hypervisor host with its agent."""

    house: House
    name: str
    driver: SimulatedDriver
    barrier: HostBarrier
    exports: Exports
    mesh: Mesh
    server: Server
    heartbeat: Heartbeat
    lease: Lease
    port: int

    @property
    def node_id(self) -> UUID:
        return derived_id("node", self.name)

    async def goes_down(self) -> None:
        """Its agent answers no more; its domains stay, and the scheduler has not noticed."""
        await self.server.stop()

    async def comes_back(self) -> None:
        """On the address that it had, and the vm service has found it again."""
        servicer = AgentServicer(self.driver, self.barrier, self.exports, Peers(self.mesh), self.lease)
        self.server = await serve_agent(self.house.servers, self.name, servicer, port=self.port)
        address = f"localhost:{self.port}"
        await self.house.mesh.to(f"agent {address}", address)._wire.channel_ready()

    async def close(self) -> None:
        await self.heartbeat.stop()
        await self.server.stop()
        await self.mesh.close()
        await self.driver.close()
        await self.barrier.close()
        await self.exports.close()


async def serve_agent(servers: Servers, name: str, servicer: AgentServicer, *, port: int = 0) -> Server:
    registration = (add_AgentServiceServicer_to_server, servicer)
    return await servers.start(f"agent/{name}", [registration], mesh_listen=f"127.0.0.1:{port}", listen="")


@dataclass
class House:
    """What a test may touch of it. ``disturbed`` is what its sagas suffer."""

    servers: Servers
    directory: Path
    scheduler_database: Database
    monitoring_database: Database
    vm_database: Database
    scheduler: Server
    monitoring: Server
    server: Server
    coordinator: Coordinator
    disturbed: Disturbed
    mesh: Mesh
    user: TestUser
    hosts: dict[str, Host] = field(default_factory=dict)
    made: int = 0

    @property
    def host(self) -> Host:
        return next(iter(self.hosts.values()))

    def someone(self, *permissions: str, tenant_id: UUID | None = None) -> TestUser:
        return self.servers.users.add(*(permissions or ("vm:*", "template:*", "saga:read")), tenant_id=tenant_id)

    def vms(self, user: TestUser | None = None) -> VmServiceStub:
        return VmServiceStub(self.servers.as_user(self.server, user or self.user, attempts=1))

    def templates(self, user: TestUser | None = None) -> TemplateServiceStub:
        return TemplateServiceStub(self.servers.as_user(self.server, user or self.user))

    def drains(self, user: TestUser | None = None) -> DrainServiceStub:
        """As an operator, unless another user is given."""
        return DrainServiceStub(self.servers.as_user(self.server, user or self.someone("node:*"), attempts=1))

    def request(self, **changes: Any) -> CreateVmRequest:
        """A small VM with a name of its own."""
        self.made += 1
        spec = VmSpec(cpu_cores=1, memory_mib=128, storage_gib=1, base_image="novacron-guest")
        return CreateVmRequest(**{"vm_id": str(uuid4()), "name": f"vm-{self.made}", "spec": spec, **changes})

    async def create(self, **changes: Any) -> Vm:
        return await self.vms().CreateVm(self.request(**changes))

    async def get(self, vm_id: str) -> Vm:
        return await self.vms().GetVm(GetVmRequest(vm_id=vm_id))

    async def delete(self, vm_id: str) -> Vm:
        return await self.vms().DeleteVm(DeleteVmRequest(vm_id=vm_id))

    async def reaches(self, vm_id: str, state: Any) -> Vm:
        """The VM once it is in this state and nothing works on it."""

        async def there() -> Vm | None:
            vm = await self.get(vm_id)
            return vm if vm.state == state and not vm.saga_id else None

        found = await eventually(there, message=f"VM {vm_id} in state {state}")
        assert found is not None
        return found

    async def ended(self, saga_id: object) -> Record:
        """A saga's record, at its end."""
        record = await self.coordinator.wait(UUID(str(saga_id)), 20)
        assert not record.state.unfinished, record
        return record

    async def add_host(self, name: str = "n1", capacity: HostCapacity = CAPACITY, **simulated: Any) -> Host:
        """A host whose agent serves and has told the scheduler of itself."""
        place = self.directory / name
        driver = SimulatedDriver(SimulatedSettings(capacity=capacity, **simulated), place / "simulated.state")
        host_barrier = HostBarrier(place / "barrier")
        await driver.open()
        await host_barrier.open()
        exports = Exports(place / "exports")
        await exports.open()
        mesh = Mesh(ProcessSettings(environment="testing"), self.servers.identification(f"agent/{name}"))
        lease = Lease()
        servicer = AgentServicer(driver, host_barrier, exports, Peers(mesh), lease)
        server = await serve_agent(self.servers, name, servicer)
        settings = AgentSettings(
            environment="testing",
            node_name=name,
            agent_advertise=f"localhost:{server.mesh_port}",
            state_directory=place,
            image_directory=place,
        )
        heartbeat = Heartbeat(self.servers.as_service(self.scheduler, f"agent/{name}"), driver, settings, lease)
        await heartbeat.start()
        host = self.hosts[name] = Host(
            self, name, driver, host_barrier, exports, mesh, server, heartbeat, lease, server.mesh_port
        )

        async def registered() -> bool:
            known = await rows(self.scheduler_database, "SELECT 1 FROM nodes WHERE name = %s", name)
            return bool(known and lease.epoch)  # and the agent has been told so: it takes orders

        await eventually(registered)
        return host

    async def reserved(self) -> set[UUID]:
        """VMs that hold something of a node."""
        query = "SELECT vm_id FROM resource_allocations WHERE status <> 'deallocated'"
        return {row[0] for row in await rows(self.scheduler_database, query)}

    async def displaced(self) -> set[UUID]:
        """VMs that gave way to others: they have a domain, and no place."""
        query = "SELECT id FROM vms WHERE displaced_at IS NOT NULL AND deleted_at IS NULL"
        return {row[0] for row in await rows(self.vm_database, query)}

    async def let_lower_give_way(self) -> None:
        """From now on VMs of the user's tenant do, for those of higher priority."""
        made = Policy(
            uuid4(), self.user.tenant_id, "urgent", PolicyType.PLACEMENT, rules={"preempts": "lower_priority"}
        )
        async with self.scheduler_database.connection() as connection:
            await PolicyStore().create(connection, made)

    async def monitored(self) -> set[UUID]:
        return {row[0] for row in await rows(self.monitoring_database, "SELECT vm_id FROM vm_monitoring")}

    async def domains(self) -> dict[UUID, str]:
        """Power states of all domains of all hosts, each of which is on one."""
        found = [(one.vm_id, str(one.power_state)) for host in self.hosts.values() for one in await host.driver.list()]
        assert len(dict(found)) == len(found), f"a domain on two hosts: {found}"
        return dict(found)

    async def places(self) -> dict[UUID, list[UUID]]:
        """Who says that which VM is on which node: rows, domains and reservations."""
        kept = "SELECT vm_id, node_id FROM resource_allocations WHERE status <> 'deallocated'"
        live = "SELECT id, node_id FROM vms WHERE state IN ('running', 'stopped')"
        on_hosts = [(one.vm_id, host.node_id) for host in self.hosts.values() for one in await host.driver.list()]
        told: dict[UUID, list[UUID]] = {}
        for vm_id, node_id in [
            *await rows(self.vm_database, live),
            *await rows(self.scheduler_database, kept),
            *on_hosts,
        ]:
            told.setdefault(vm_id, []).append(node_id)
        return told

    async def sizes(self) -> dict[UUID, list[tuple[int, int]]]:
        """Who says that which VM has how many vCPUs and MiB of memory: rows, domains and reservations."""
        kept = "SELECT vm_id, cpu_cores, memory_mb FROM resource_allocations WHERE status <> 'deallocated'"
        live = """SELECT id, (resource_config ->> 'cpu_cores')::bigint, (resource_config ->> 'memory_mib')::bigint
                  FROM vms WHERE state IN ('running', 'stopped')"""
        on_hosts = [
            (one.vm_id, one.vcpus, one.memory_mib) for host in self.hosts.values() for one in await host.driver.list()
        ]
        told: dict[UUID, list[tuple[int, int]]] = {}
        for vm_id, cpu_cores, memory_mib in [
            *await rows(self.vm_database, live),
            *await rows(self.scheduler_database, kept),
            *on_hosts,
        ]:
            told.setdefault(vm_id, []).append((cpu_cores, memory_mib))
        return told

    async def nothing_is_left_over(self) -> None:
        """Every VM that lives has its reservation, domain and monitoring; nothing else has any."""
        found = await rows(self.vm_database, "SELECT id, state::text FROM vms WHERE state IN ('running', 'stopped')")
        live: dict[UUID, str] = dict(found)  # type: ignore[arg-type]
        displaced = await self.displaced()
        assert all(live.get(vm_id) == "stopped" for vm_id in displaced)
        assert await self.domains() == live
        assert await self.reserved() == set(live) - displaced
        assert await self.monitored() == set(live)
        for vm_id, told in (await self.places()).items():
            assert len(told) == 3 - (vm_id in displaced), f"VM {vm_id} is held more than once: {told}"
            assert len(set(told)) == 1, f"not all say that VM {vm_id} is on the same node: {told}"
        sizes = await self.sizes()
        assert all(len(told) == 3 - (vm_id in displaced) and len(set(told)) == 1 for vm_id, told in sizes.items()), (
            f"not all say one size: {sizes}"
        )
        (taken,) = await rows(self.scheduler_database, "SELECT sum(allocated_cpu_cores) FROM nodes")
        (held,) = await rows(
            self.scheduler_database,
            "SELECT coalesce(sum(cpu_cores), 0) FROM resource_allocations WHERE status <> 'deallocated'",
        )
        assert taken == held

    async def is_gone(self, vm_id: str) -> None:
        """Nobody has anything of this VM but the vm service its row."""
        gone = UUID(vm_id)
        assert gone not in await self.reserved()
        assert gone not in await self.domains()
        assert gone not in await self.monitored()

    async def close(self) -> None:
        await self.coordinator.stop()
        for host in self.hosts.values():
            await host.close()
        await self.mesh.close()


async def rows(database: Database, query: str, *values: Any) -> list[tuple[Any, ...]]:
    async with database.connection() as connection:
        return await (await connection.execute(query, values)).fetchall()


async def serve_monitoring(servers: Servers, database: Database, *, port: int = 0) -> Server:
    store = MetricsStore(database)
    taken = Samples(database, store, Partitions(), timedelta(days=90))
    servicer = MetricsServicer(Targets(database, store, PageTokens(KEY)), taken, store, SystemClock())
    return await servers.start(
        "monitoring", [(add_MetricsServiceServicer_to_server, servicer)], mesh_listen=f"127.0.0.1:{port}"
    )


async def build(servers: Servers, new_database: Any, directory: Path) -> House:
    """A house without a host."""
    scheduler_database = await new_database(*SCHEDULER)
    monitoring_database = await new_database(*MONITORING)
    database = await new_database(*VM)
    monitoring = await serve_monitoring(servers, monitoring_database)
    scheduler = await serve_scheduler(servers, scheduler_database, monitoring)

    settings = ProcessSettings(
        environment="testing",
        scheduler_address=f"localhost:{scheduler.mesh_port}",
        monitoring_address=f"localhost:{monitoring.mesh_port}",
    )
    mesh = Mesh(settings, servers.identification("vm"))
    store, templates, tokens = VmStore(database), TemplateStore(database), PageTokens(KEY)
    scheduler_client, agents = SchedulerClient(mesh.channel("scheduler")), Agents(mesh)
    monitoring_client = MonitoringClient(mesh.channel("monitoring"))
    disturbed, drains = Disturbed(sagas.ALL), DrainStore(database)
    coordinator = Coordinator(
        PostgresLog(database),
        disturbed.sagas,
        services=sagas.Participants(scheduler_client, agents, monitoring_client, store, drains),
        sweep_seconds=0.05,
    )
    vms = Vms(store, coordinator)
    await coordinator.start()
    leaks = LeakClient(mesh.channel("scheduler"), mesh.channel("monitoring"))
    repairs = Repairs(RepairStore(store), scheduler_client, leaks, monitoring_client, agents, tokens)
    server = await servers.start(
        "vm",
        [
            (
                add_VmServiceServicer_to_server,
                VmServicer(vms, store, templates, scheduler_client, agents, tokens),
            ),
            (add_TemplateServiceServicer_to_server, TemplateServicer(templates, tokens)),
            (add_DrainServiceServicer_to_server, DrainServicer(Drains(drains, coordinator, scheduler_client))),
            (add_RepairServiceServicer_to_server, RepairServicer(repairs)),
            (add_SagaServiceServicer_to_server, SagaServicer(database, Operator(database, sagas.ALL), tokens)),
        ],
    )
    user = servers.users.add("vm:*", "template:*", "saga:read")
    return House(
        servers,
        directory,
        scheduler_database,
        monitoring_database,
        database,
        scheduler,
        monitoring,
        server,
        coordinator,
        disturbed,
        mesh,
        user,
    )
