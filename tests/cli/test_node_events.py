"""``novacron node events`` against the scheduler's own servicer."""

import pytest

from novacron.api.scheduler.v1 import add_NodeEventServiceServicer_to_server
from novacron.clock import SystemClock
from novacron_scheduler.__main__ import MIGRATIONS
from novacron_scheduler.losses import Losses
from novacron_scheduler.node import Description, Heartbeat, NodeType
from novacron_scheduler.node_event_servicer import NodeEventServicer
from novacron_scheduler.resources import Resources
from novacron_scheduler.store import NodeEventStore, NodeStore


@pytest.fixture
async def events(novacron, logged_in, servers, new_database):
    """``await events(...)``, of two nodes that were lost, one of which returned."""
    database, size = await new_database(*MIGRATIONS), Resources(8, 8192, 100)
    async with database.connection() as connection:
        for name in ("host-1", "host-2"):
            said = Description(name, "192.0.2.1", "h:1", NodeType.COMPUTE, "", "", ("kvm",), {}, (), "", "")
            await NodeStore().heartbeat(connection, Heartbeat(name, "default", 1, said, size), size, -60)
    async with database.transaction() as connection:
        assert await NodeEventStore().lose(connection, 30) == ["host-1", "host-2"]
        await NodeEventStore().returned(connection, Heartbeat("host-2", "", 1, said, size).node_id)
    servicer = NodeEventServicer(Losses(database, SystemClock(), 15, 30))
    server = await servers.start("scheduler", [(add_NodeEventServiceServicer_to_server, servicer)])

    async def run(*arguments):
        return await novacron("--endpoint", f"scheduler=127.0.0.1:{server.port}", "node", "events", *arguments)

    return run


async def test_what_became_of_nodes_is_listed_in_order_and_read_on_from_the_last_one_known(events):
    shown = await events()
    assert shown.code == 0, shown.err
    heading, *rows = shown.out.splitlines()
    assert heading.split() == ["SEQUENCE", "WHEN", "NODE", "WHAT", "EPOCH"]
    assert [row.split()[3:] for row in rows] == [
        ["host-1", "lost", "2"],
        ["host-2", "lost", "2"],
        ["host-2", "returned", "2"],
    ]
    assert len((await events("--limit", "2", "-o", "json")).json) == 2
    assert [one["node_name"] for one in (await events("--after", "2", "-o", "json")).json] == ["host-2"]
