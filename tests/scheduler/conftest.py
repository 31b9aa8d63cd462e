"""A scheduler on a real database, and the words in which the tests speak with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from novacron.api.scheduler.v1 import (
    ConfirmReservationRequest,
    HeartbeatNodeRequest,
    HeartbeatNodeResponse,
    NodeServiceStub,
    PlacementServiceStub,
    PolicyServiceStub,
    QuotaServiceStub,
    ReleaseReservationRequest,
    ReservationServiceStub,
    ReserveResourcesRequest,
    add_NodeServiceServicer_to_server,
    add_PlacementServiceServicer_to_server,
    add_PolicyServiceServicer_to_server,
    add_QuotaServiceServicer_to_server,
    add_ReservationServiceServicer_to_server,
)
from novacron.api.types.v1 import HYPERVISOR_TYPE_KVM, Resources
from novacron.db import Database, MigrationSource
from novacron.paging import PageTokens
from novacron.rpc import Channel, Server
from novacron.saga.key import set_current_key
from novacron.testing.servers import Servers, TestUser
from novacron_scheduler.__main__ import MIGRATIONS
from novacron_scheduler.inventory.live import Inventory
from novacron_scheduler.nodes import Nodes
from novacron_scheduler.overcommit import UNSHARED, Overcommit
from novacron_scheduler.placement_servicer import PlacementServicer
from novacron_scheduler.placements import Placements
from novacron_scheduler.policies import Policies
from novacron_scheduler.policy_servicer import PolicyServicer
from novacron_scheduler.quota_servicer import QuotaServicer
from novacron_scheduler.quotas import Quotas
from novacron_scheduler.reservations import Reservations
from novacron_scheduler.servicer import NodeServicer, ReservationServicer
from novacron_scheduler.store import DecisionStore, NodeStore, PolicyStore, QuotaStore, ReservationStore

_SUMS = """
SELECT nodes.name,
    ARRAY[allocated_cpu_cores, allocated_memory_mb, allocated_storage_gb,
          allocated_network_bandwidth_mbps, allocated_gpu_count],
    ARRAY[allocatable_cpu_cores, allocatable_memory_mb, allocatable_storage_gb,
          allocatable_network_bandwidth_mbps, allocatable_gpu_count],
    ARRAY[coalesce(sum(footprint[1]), 0), coalesce(sum(footprint[2]), 0), coalesce(sum(footprint[3]), 0),
          coalesce(sum(footprint[4]), 0), coalesce(sum(footprint[5]), 0)]::bigint[]
FROM nodes LEFT JOIN resource_allocations held ON held.node_id = nodes.id AND held.status <> 'deallocated'
GROUP BY nodes.id
"""


@dataclass
class Scheduler:
    """One scheduler process, as far as its callers can tell."""

    servers: Servers
    server: Server
    database: Database
    _agents: dict[str, NodeServiceStub] = field(default_factory=dict)
    _vm: Channel | None = None

    @property
    def reservations(self) -> ReservationServiceStub:
        """As the vm service."""
        if self._vm is None:
            self._vm = self.servers.as_service(self.server, "vm")
        return ReservationServiceStub(self._vm)

    def nodes(self, *permissions: str) -> NodeServiceStub:
        """As a user with these permissions; all of nodes unless given."""
        return NodeServiceStub(self.servers.as_user(self.server, self.user(*(permissions or ("node:*",)))))

    def reservations_as(self, user: TestUser) -> ReservationServiceStub:
        return ReservationServiceStub(self.servers.as_user(self.server, user))

    def quotas(self, *permissions: str, tenant_id: str = "") -> QuotaServiceStub:
        """As a user with these permissions; as an administrator of the platform unless given."""
        user = self.user(*(permissions or ("*:*",)), tenant_id=tenant_id)
        return QuotaServiceStub(self.servers.as_user(self.server, user))

    def placements(self, *permissions: str, tenant_id: str = "") -> PlacementServiceStub:
        """As a user with these permissions; as one who may read reservations unless given."""
        user = self.user(*(permissions or ("reservation:read",)), tenant_id=tenant_id)
        return PlacementServiceStub(self.servers.as_user(self.server, user))

    def policies(self, *permissions: str, tenant_id: str = "") -> PolicyServiceStub:
        """As a user with these permissions; as an operator of the tenant unless given."""
        user = self.user(*(permissions or ("reservation:*",)), tenant_id=tenant_id)
        return PolicyServiceStub(self.servers.as_user(self.server, user))

    def user(self, *permissions: str, tenant_id: str = "") -> TestUser:
        return self.servers.users.add(*permissions, tenant_id=UUID(tenant_id) if tenant_id else None)

    def agent(self, node: str) -> NodeServiceStub:
        """As the agent of a node; of none with an empty name."""
        if node not in self._agents:
            certified = f"agent/{node}" if node else "agent"
            self._agents[node] = NodeServiceStub(self.servers.as_service(self.server, certified))
        return self._agents[node]

    async def beat(self, name: str = "n1", **changes: Any) -> HeartbeatNodeResponse:
        return await self.agent(name).HeartbeatNode(heartbeat(name, **changes))

    async def reserve(self, *args: Any, **changes: Any) -> Any:
        return await self.reservations.ReserveResources(demand(*args, **changes))

    async def release(self, vm_id: object) -> bool:
        request = ReleaseReservationRequest(vm_id=str(vm_id))
        return (await self.reservations.ReleaseReservation(request)).released

    async def arrive(self, vm_id: object, move_id: object) -> Any:
        request = ConfirmReservationRequest(vm_id=str(vm_id), move_id=str(move_id))
        return await self.reservations.ConfirmReservation(request)

    @staticmethod
    def heartbeat(name: str, **changes: Any) -> HeartbeatNodeRequest:
        return heartbeat(name, **changes)

    @staticmethod
    def demand(vm_id: object = None, **changes: Any) -> ReserveResourcesRequest:
        return demand(vm_id, **changes)

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self.database.connection() as connection:
            return await (await connection.execute(query, values or None)).fetchall()

    async def lapse(self, name: str) -> None:
        """As if the node had not been heard for longer than its lease."""
        await self.rows("UPDATE nodes SET lease_until = now() - interval '1 ms' WHERE name = %s RETURNING id", name)

    async def check_sums(self, *, shrunk: bool = False) -> None:
        """What nodes count as taken is what reservations hold, and no more than there is."""
        for name, allocated, allocatable, held in await self.rows(_SUMS):
            assert allocated == held, name
            if not shrunk:
                assert all(taken <= limit for taken, limit in zip(allocated, allocatable, strict=True)), name


def resources_of(cpu: int = 1, memory: int = 1024, storage: int = 10, **more: Any) -> Resources:
    return Resources(cpu_cores=cpu, memory_mib=memory, storage_gib=storage, **more)


def heartbeat(name: str = "n1", **changes: Any) -> HeartbeatNodeRequest:
    said: dict[str, Any] = {
        "hostname": f"{name}.example",
        "ip_address": "192.0.2.7",
        "agent_address": "192.0.2.7:7470",
        "capacity": resources_of(8, 16384, 500),
        "hypervisor_types": [HYPERVISOR_TYPE_KVM],
        "incarnation": 1_700_000_000_000_000,
    }
    return HeartbeatNodeRequest(name=name, **{**said, **changes})


def demand(vm_id: object = None, **changes: Any) -> ReserveResourcesRequest:
    said: dict[str, Any] = {"tenant_id": TENANT, "resources": resources_of()}
    return ReserveResourcesRequest(vm_id=str(vm_id or uuid4()), **{**said, **changes})


TENANT = str(uuid4())


@pytest.fixture(scope="session")
def migrations() -> tuple[MigrationSource, ...]:
    """What the scheduler's database is made of."""
    return MIGRATIONS


@pytest.fixture
def tenant() -> str:
    """The tenant of every VM that does not say otherwise."""
    return TENANT


@pytest.fixture
def resources() -> Any:
    """``resources(cpu, memory, storage, **more)``."""
    return resources_of


@pytest.fixture
async def start_scheduler(servers: Servers, new_database: Any) -> Any:
    """``await start_scheduler(database=None, **settings)``: one more scheduler, on its own database unless given one."""

    async def start(
        database: Database | None = None, *, overcommit: Overcommit = UNSHARED, lease_seconds: float = 60
    ) -> Scheduler:
        database = database or await new_database(*MIGRATIONS)
        tokens = PageTokens(b"k" * 32)
        inventory = Inventory(database)
        nodes = Nodes(database, NodeStore(), tokens, overcommit.allocation, lease_seconds, inventory)
        reservations = Reservations(database, ReservationStore(), DecisionStore(), tokens, inventory)
        placements = Placements(database, ReservationStore(), QuotaStore())
        server = await servers.start(
            "scheduler",
            [
                (add_NodeServiceServicer_to_server, NodeServicer(nodes)),
                (add_ReservationServiceServicer_to_server, ReservationServicer(reservations, overcommit)),
                (
                    add_PolicyServiceServicer_to_server,
                    PolicyServicer(Policies(database, PolicyStore(), tokens)),
                ),
                (add_PlacementServiceServicer_to_server, PlacementServicer(placements, overcommit)),
                (add_QuotaServiceServicer_to_server, QuotaServicer(Quotas(database, QuotaStore(), tokens))),
            ],
        )
        return Scheduler(servers, server, database)

    yield start
    set_current_key(None)


@pytest.fixture
async def scheduler(start_scheduler: Any) -> Scheduler:
    return await start_scheduler()
