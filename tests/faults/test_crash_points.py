"""Crash points are recorded, not listed: a process is killed, frozen and cut off at every failpoint that a clean run passes."""

import asyncio
import os
import random
from uuid import uuid4

import pytest

from novacron.saga import MIGRATIONS, Coordinator, PostgresLog, barrier

from .crash_audit import audit
from .crash_runs import AT_A_POINT, IN_A_COMMIT, Fleet, Run, disturbances, table
from .crash_world import OWNER_SCHEMA, PARTICIPANTS_SCHEMA, SAGA, Participants

SAMPLE = 8


@pytest.fixture
async def world(new_database):
    owner, participants = await new_database(MIGRATIONS), await new_database(barrier.MIGRATIONS)
    for database, schema in ((owner, OWNER_SCHEMA), (participants, PARTICIPANTS_SCHEMA)):
        async with database.connection() as connection:
            await connection.execute(schema)
    return owner, participants


@pytest.fixture
async def fleet(world, tmp_path):
    """Processes to disturb, and a worker in this process that takes over what they leave."""
    owner, participants = world
    rescuer = Coordinator(
        PostgresLog(owner, lease_seconds=4),
        [SAGA],
        services=Participants(participants),
        lease_seconds=4,
        sweep_seconds=0.1,
    )
    await rescuer.start()
    async with Fleet(owner, participants, tmp_path).running() as running:
        yield running
    await rescuer.stop()


async def every_run(fleet) -> list[Run]:
    runs = []
    for path in ("success", "failure"):
        runs += disturbances(path, await fleet.record(path))
    return runs


async def outcomes(fleet, runs) -> dict[Run, list[str]]:
    async def one(run):
        try:
            return await fleet.disturb(run)
        except AssertionError as error:
            return [str(error)]

    return dict(zip(runs, await asyncio.gather(*map(one, runs)), strict=True))


def failures(results) -> str:
    return "\n".join(f"{run}: {one}" for run, found in results.items() for one in found)


@pytest.mark.faults
async def test_a_clean_run_passes_points_of_every_sort(fleet):
    recorded = await fleet.record("failure")
    assert {one.split()[0] for one in recorded} == {
        "begin.before",
        "begin.inside",
        "begin.after",
        "commit.before",
        "commit.after",
        "send",
        "reply",
        "effect",
        "local",
    }
    assert any("compensating" in one for one in recorded)


@pytest.mark.faults
async def test_a_sample_of_crash_points_breaks_nothing(fleet):
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    chosen = random.Random(seed)
    runs = await every_run(fleet)
    picked = {chosen.choice([run for run in runs if run.how == how]) for how in AT_A_POINT + IN_A_COMMIT}
    picked |= set(chosen.sample(sorted(set(runs) - picked), SAMPLE - len(picked)))
    results = await outcomes(fleet, sorted(picked))
    assert not failures(results), f"SEED={seed} makes the same choice again\n{failures(results)}"


@pytest.mark.faults_all
async def test_no_crash_point_breaks_anything(fleet, capsys):
    results = await outcomes(fleet, await every_run(fleet))
    with capsys.disabled():
        print(f"\n{table(results)}")
    assert not failures(results), failures(results)


@pytest.mark.parametrize(
    ("database", "fault", "told"),
    [
        (1, "INSERT INTO effect (saga_id, step, operation) VALUES (%s, 'reserve', 'action')", "7: reserve/action took"),
        (1, "INSERT INTO effect (saga_id, step, operation) VALUES (%s, 'reserve', 'compensation')", "was undone"),
        (1, "DELETE FROM held WHERE saga_id = %s AND step = 'monitor'", "2, 3: it is succeeded, and holds"),
        (1, "DELETE FROM effect WHERE saga_id = %s AND step = 'monitor'", "never took effect"),
        (0, "UPDATE vm SET changes = changes + 1 WHERE vm_id = %s", "its VM is ('running', 2)"),
        (0, "UPDATE saga_step SET outcome = 'started' WHERE saga_id = %s AND step = 'reserve'", "has no outcome"),
        (
            0,
            "UPDATE saga_step SET attempt = 3 WHERE saga_id = %s AND step = 'reserve'",
            "attempts of reserve/action are",
        ),
        (0, "DELETE FROM saga WHERE saga_id = %s", "it is None, and holds"),
        (0, "UPDATE history SET writer = 'worker', epoch = 2 WHERE saga_id = %s", "wrote saga in epoch 2"),
        (0, "UPDATE history SET epoch = 100 - sequence WHERE saga_id = %s", "9: epochs went"),
    ],
)
async def test_the_auditor_sees_each_fault_that_is_planted(world, database, fault, told):
    owner, participants = world
    coordinator = Coordinator(PostgresLog(owner), [SAGA], services=Participants(participants))
    saga_id = uuid4()
    async with owner.transaction() as connection:
        await connection.execute("INSERT INTO vm (vm_id) VALUES (%s)", (saga_id,))
        begun = await coordinator.begin(connection, SAGA, saga_id, SAGA.params())
    coordinator.launch(begun)
    await coordinator.wait(saga_id, 20)
    await coordinator.stop()
    assert await audit(owner, participants, saga_id) == []
    async with world[database].connection() as connection:
        await connection.execute(fault, (saga_id,))
    assert told in "\n".join(await audit(owner, participants, saga_id))
