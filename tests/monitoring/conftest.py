"""A monitoring service on a real database, with both ports, and what tests say to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

import novacron_monitoring
from novacron.api.monitoring.v1 import (
    CreateVmMonitoringRequest,
    IngestVmMetricsRequest,
    IngestVmMetricsResponse,
    MetricsServiceStub,
    VmMonitoring,
    VmSample,
    add_MetricsServiceServicer_to_server,
)
from novacron.clock import SystemClock
from novacron.db import Database, MigrationSource, service_migrations
from novacron.ids import derived_id
from novacron.paging import PageTokens
from novacron.rpc import Server
from novacron.saga import barrier
from novacron.testing.servers import Servers, TestUser
from novacron_monitoring.partitions import Partitions
from novacron_monitoring.samples import Samples
from novacron_monitoring.servicer import MetricsServicer
from novacron_monitoring.store import Store
from novacron_monitoring.targets import Targets

RETENTION = timedelta(days=90)
NODE = "node-1"


@dataclass
class Monitoring:
    """One running service and its callers."""

    database: Database
    servers: Servers
    server: Server
    stubs: dict[str, MetricsServiceStub] = field(default_factory=dict)

    def vm(self) -> MetricsServiceStub:
        """The vm service, over the mesh."""
        return self.service("vm")

    def agent(self, node: str = NODE) -> MetricsServiceStub:
        return self.service(f"agent/{node}" if node else "agent")

    def service(self, name: str) -> MetricsServiceStub:
        if name not in self.stubs:
            self.stubs[name] = MetricsServiceStub(self.servers.as_service(self.server, name))
        return self.stubs[name]

    def user(self, user: TestUser) -> MetricsServiceStub:
        if user.token not in self.stubs:
            self.stubs[user.token] = MetricsServiceStub(self.servers.as_user(self.server, user))
        return self.stubs[user.token]

    def reader(self, tenant_id: UUID | None = None) -> TestUser:
        """A user who may read metrics."""
        return self.servers.users.add("metrics:read", tenant_id=tenant_id)

    async def monitored(
        self, *, tenant_id: UUID | None = None, node: str = NODE, vm_id: UUID | None = None
    ) -> VmMonitoring:
        """A VM whose samples are kept from now on."""
        request = CreateVmMonitoringRequest(
            vm_id=str(vm_id or uuid4()), tenant_id=str(tenant_id or uuid4()), node_id=str(derived_id("node", node))
        )
        return await self.vm().CreateVmMonitoring(request)

    async def ingest(self, *batches: IngestVmMetricsRequest, node: str = NODE) -> list[IngestVmMetricsResponse]:
        """Every acknowledgement of one stream with these batches, each sent when the one before it was acknowledged.

        A client that writes at the moment at which the server ends the stream may see its own write fail, and not why.
        """
        batch_is_due = asyncio.Semaphore(1)

        async def requests() -> AsyncIterator[IngestVmMetricsRequest]:
            for one in batches:
                await batch_is_due.acquire()
                yield one
            await batch_is_due.acquire()

        responses = []
        async for response in self.agent(node).IngestVmMetrics(requests()):
            responses.append(response)
            batch_is_due.release()
        return responses

    async def rows(self, query: str, *values: object) -> list[tuple]:
        async with self.database.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()

    @staticmethod
    def batch(*samples: VmSample, sequence: int = 1, node: str = NODE) -> IngestVmMetricsRequest:
        return IngestVmMetricsRequest(sequence=sequence, node_id=str(derived_id("node", node)), samples=samples)

    @staticmethod
    def sample(vm_id: str, time: datetime, **measured: float) -> VmSample:
        message = VmSample(vm_id=str(vm_id), **measured)
        message.time.FromDatetime(time)
        return message

    @staticmethod
    def moment(**ago: float) -> datetime:
        """So long ago, on a whole second."""
        return datetime.now(UTC).replace(microsecond=0) - timedelta(**ago)


@pytest.fixture
def migrations() -> tuple[MigrationSource, ...]:
    """The same as in ``__main__``."""
    return barrier.MIGRATIONS, service_migrations("monitoring", novacron_monitoring.__file__)


@pytest.fixture
async def monitoring(new_database: Callable, servers: Servers, migrations: tuple[MigrationSource, ...]) -> Monitoring:
    database = await new_database(*migrations)
    store = Store(database)
    servicer = MetricsServicer(
        Targets(database, store, PageTokens(b"k" * 32)),
        Samples(database, store, Partitions(), RETENTION),
        store,
        SystemClock(),
    )
    server = await servers.start("monitoring", [(add_MetricsServiceServicer_to_server, servicer)])
    return Monitoring(database, servers, server)
