"""A database with a saga log, a world for sagas, and workers that are stopped at the end."""

import pytest

from novacron.saga import MIGRATIONS, Coordinator, PostgresLog

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
