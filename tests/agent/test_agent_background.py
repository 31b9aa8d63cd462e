"""What an agent does by itself, against the real scheduler and the real monitoring: it beats, and it sends samples."""

from uuid import uuid4

import pytest

from novacron.api.monitoring.v1 import CreateVmMonitoringRequest, MetricsServiceStub
from novacron.db import Database
from novacron.ids import derived_id
from novacron.rpc.breaker import BreakerConfiguration
from novacron.testing.patience import eventually
from novacron_agent import samples as samples_module
from novacron_agent.drivers.driver import HostCapacity
from novacron_agent.drivers.simulated import SimulatedDriver, SimulatedSettings
from novacron_agent.heartbeat import Heartbeat
from novacron_agent.lease import Lease
from novacron_agent.samples import SampleStream
from novacron_agent.settings import AgentSettings

from ..vm.house import MONITORING, SCHEDULER, rows, serve_monitoring, serve_scheduler

NODE = """
SELECT name, agent_address, capacity_cpu_cores, capacity_memory_mb, capacity_storage_gb, labels, lease_until > now()
FROM nodes
"""


@pytest.fixture
async def driver(tmp_path):
    driver = SimulatedDriver(SimulatedSettings(capacity=HostCapacity(4, 4096, 100)), tmp_path / "state")
    await driver.open()
    yield driver
    await driver.close()


@pytest.fixture
def settings(tmp_path):
    return AgentSettings(
        environment="testing",
        node_name="n1",
        agent_advertise="192.0.2.1:7470",
        node_labels={"rack": "a"},
        state_directory=tmp_path,
        image_directory=tmp_path,
    )


async def test_a_node_is_registered_and_its_lease_renewed(servers, new_database, driver, settings):
    database: Database = await new_database(*SCHEDULER)
    scheduler = await serve_scheduler(servers, database, lease_seconds=0.6)
    beat = Heartbeat(servers.as_service(scheduler, "agent/n1"), driver, settings, Lease())
    await beat.start()
    try:
        first = await eventually(lambda: rows(database, NODE))
        assert first[0][:7] == ("n1", "192.0.2.1:7470", 4, 4096, 100, {"rack": "a"}, True)
        (lease,) = await rows(database, "SELECT lease_until FROM nodes")

        async def renewed():
            return (await rows(database, "SELECT lease_until FROM nodes"))[0] > lease

        await eventually(renewed, within=5)
    finally:
        await beat.stop()

    async def lapsed():
        return not (await rows(database, NODE))[0][6]

    await eventually(lapsed, within=5, message="an agent that ended is not missed")


async def test_a_heartbeat_goes_on_when_the_scheduler_is_back(servers, new_database, driver, settings):
    database = await new_database(*SCHEDULER)
    scheduler = await serve_scheduler(servers, database)
    port = scheduler.mesh_port
    await scheduler.stop()
    beat = Heartbeat(servers.as_service(scheduler, "agent/n1", attempts=1), driver, settings, Lease())
    await beat.start()
    try:
        await serve_scheduler(servers, database, port=port)
        assert await eventually(lambda: rows(database, NODE))
    finally:
        await beat.stop()


async def test_samples_taken_while_monitoring_was_away_are_delivered_once_it_is_back(
    servers, new_database, driver, spec_of, monkeypatch
):
    monkeypatch.setattr(samples_module, "_AWAY_SECONDS", 0.05)
    database = await new_database(*MONITORING)
    monitoring = await serve_monitoring(servers, database)
    port, spec = monitoring.mesh_port, spec_of()
    await driver.create(spec)
    as_vm = MetricsServiceStub(servers.as_service(monitoring, "vm"))
    node_id = str(derived_id("node", "n1"))
    await as_vm.CreateVmMonitoring(
        CreateVmMonitoringRequest(vm_id=str(spec.vm_id), tenant_id=str(uuid4()), node_id=node_id)
    )

    async def kept():
        return len(await rows(database, "SELECT 1 FROM vm_metrics"))

    impatient = BreakerConfiguration(timeout_duration_seconds=0.1, longest_open_seconds=0.1)
    stream = SampleStream(servers.as_service(monitoring, "agent/n1", breaker=impatient), driver, "n1", 0.05)
    await stream.start()
    try:
        await eventually(kept)
        await monitoring.stop()
        taken = stream.waiting
        await eventually(lambda: _true(stream.waiting >= taken + 5), message="samples are kept while nobody takes them")
        before, owed = await kept(), stream.waiting
        await serve_monitoring(servers, database, port=port)

        async def caught_up():
            return await kept() >= before + owed

        await eventually(caught_up)
        await eventually(lambda: _true(stream.waiting <= 2), message="what is durable there is forgotten here")
    finally:
        await stream.stop()
    assert await rows(database, "SELECT DISTINCT vm_id, node_id FROM vm_metrics") == [
        (spec.vm_id, derived_id("node", "n1"))
    ]


async def _true(value):
    return value
