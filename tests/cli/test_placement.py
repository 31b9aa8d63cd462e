"""``novacron placement`` against the scheduler's own servicer."""

import pytest

from novacron.api.scheduler.v1 import add_PlacementServiceServicer_to_server
from novacron_scheduler.__main__ import MIGRATIONS
from novacron_scheduler.node import Description, Heartbeat, NodeType
from novacron_scheduler.overcommit import Overcommit
from novacron_scheduler.placement_servicer import PlacementServicer
from novacron_scheduler.placements import Placements
from novacron_scheduler.resources import Ratios, Resources
from novacron_scheduler.store import NodeStore, QuotaStore, ReservationStore


@pytest.fixture
async def explain(novacron, logged_in, servers, new_database):
    """``await explain("--cpu", "4")``, with one node of 8 cores that 16 vCPUs share, of which 2 are taken."""
    database = await new_database(*MIGRATIONS)
    said = Description("h", "192.0.2.1", "192.0.2.1:1", NodeType.COMPUTE, "", "", ("kvm",), {}, (), "", "")
    capacity, shared = Resources(8, 16384, 500), Ratios(cpu_cores=2)
    async with database.connection() as connection:
        beat = Heartbeat("n1", "default", 1, said, capacity)
        await NodeStore().heartbeat(connection, beat, shared.allocatable(capacity, Resources()), 3600)
        await connection.execute("UPDATE nodes SET allocated_cpu_cores = 2")
    servicer = PlacementServicer(Placements(database, ReservationStore(), QuotaStore()), Overcommit(shared))
    server = await servers.start("scheduler", [(add_PlacementServiceServicer_to_server, servicer)])

    async def run(*arguments):
        return await novacron("--endpoint", f"scheduler=127.0.0.1:{server.port}", "placement", "explain", *arguments)

    return run


async def test_the_node_is_named_with_its_score(explain):
    result = await explain("--cpu", "4", "--memory", "8G", "--disk", "20G")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0].startswith("n1: score ")
    assert lines[2].split()[0] == "n1"
    assert "headroom" in lines[2]


async def test_a_refusal_says_what_would_fit(explain):
    result = await explain("--cpu", "10", "--hypervisor", "kvm", "--tolerate", "dedicated=db")
    assert "it would fit with 2 vCPU less (n1)" in result.out
    assert (await explain("--cpu", "10", "-o", "json")).json["remedies"][0]["less"]["cpu_cores"] == 2
    assert (await explain("--hypervisor", "bochs")).code == 2


async def test_what_a_vm_would_have_to_itself_is_asked_for_as_that(explain):
    assert "it would fit with" not in (await explain("--cpu", "8")).out
    assert "it would fit with 1 vCPU less (n1)" in (await explain("--cpu", "8", "--allocation", "guaranteed")).out
