"""A database with a saga log, a world for sagas, workers that are stopped at the end, and a scheduler to ask for nodes."""

import pytest

from novacron.api.scheduler.v1 import add_NodeServiceServicer_to_server
from novacron.saga import MIGRATIONS, Coordinator, PostgresLog

from .node_service import Nodes
from .saga_world import World


@pytest.fixture
def world():
    return World()


@pytest.fixture
async def database(new_database):
    return await new_database(MIGRATIONS)


@pytest.fixture
async def workers(database):
    made = []

    def make(*sagas, lease=2.0, **named):
        coordinator = Coordinator(
            PostgresLog(database, lease_seconds=lease), sagas, lease_seconds=lease, sweep_seconds=0.05, seed=1, **named
        )
        made.append(coordinator)
        return coordinator

    yield make
    for coordinator in made:
        await coordinator.stop()


@pytest.fixture
async def nodes(servers):
    made = Nodes()
    made.server = await servers.start("scheduler", [(add_NodeServiceServicer_to_server, made)])
    return made
