"""History goes when it has had its time, but for what VMs that live still need."""

from datetime import timedelta
from uuid import uuid4

import pytest

from novacron.errors import NoCapacity
from novacron_scheduler.retention import Ages, Retention
from novacron_scheduler.store.history import HistoryStore

AGES = Ages(decisions=timedelta(days=90), recommendations=timedelta(days=365), node_events=timedelta(days=30))


@pytest.fixture
async def retention(scheduler):
    await scheduler.beat("n1")
    # Batches so small that every sweep here is of several.
    return Retention(HistoryStore(scheduler.database, batch=2), AGES)


async def age(scheduler, table, column, days, where="true", *values):
    query = f"UPDATE {table} SET {column} = {column} - make_interval(days => %s) WHERE {where} RETURNING 1"
    await scheduler.rows(query, days, *values)


async def decisions(scheduler, vm_id):
    query = "SELECT selected_node_id IS NOT NULL FROM scheduling_decisions WHERE vm_id = %s ORDER BY decision_time, id"
    return [row[0] for row in await scheduler.rows(query, vm_id)]


async def refuse(scheduler, resources, vm_id):
    """A decision that found no node."""
    with pytest.raises(NoCapacity):
        await scheduler.reserve(vm_id, resources=resources(1000))


async def test_of_a_vm_that_lives_the_newest_decision_and_the_one_behind_its_place_stay(
    scheduler, retention, resources
):
    living, gone = uuid4(), uuid4()
    for vm_id in (living, gone):
        await refuse(scheduler, resources, vm_id)
        await scheduler.reserve(vm_id)
    await scheduler.release(gone)
    for _ in range(2):  # a move that found no place
        with pytest.raises(NoCapacity):
            await scheduler.reserve(living, move_id=str(uuid4()))
    assert await decisions(scheduler, living) == [False, True, False, False]
    await age(scheduler, "scheduling_decisions", "decision_time", 91)
    assert (await retention.sweep())["decisions"] == 4
    assert await decisions(scheduler, living) == [True, False], "why it is there, and why it did not move last"
    assert await decisions(scheduler, gone) == []
    assert (await retention.sweep())["decisions"] == 0


async def test_what_is_younger_stays(scheduler, retention):
    vm_id = uuid4()
    await scheduler.reserve(vm_id)
    await scheduler.release(vm_id)
    await age(scheduler, "scheduling_decisions", "decision_time", 89)
    assert await retention.sweep() == {"decisions": 0, "recommendations": 0, "node_events": 0}
    assert await decisions(scheduler, vm_id) == [True]


async def test_old_recommendations_go(scheduler, retention):
    made = """
    INSERT INTO scaling_recommendations (id, vm_id, tenant_id, current_resources, recommended_resources,
        prediction_confidence, prediction_horizon, cost_impact, performance_impact, recommendation_reason,
        ml_model_version, created_at)
    SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '{}', '{}', 1, '1 day', 0, '{}', '', '',
        now() - make_interval(days => days)
    FROM unnest(%s::integer[]) days RETURNING 1
    """
    await scheduler.rows(made, [1, 364, 366, 400, 500, 600, 700])
    assert (await retention.sweep())["recommendations"] == 5
    assert await scheduler.rows("SELECT count(*) FROM scaling_recommendations") == [(2,)]


async def test_of_each_node_the_newest_event_stays(scheduler, retention):
    await scheduler.beat("n2")
    told = """INSERT INTO node_events (node_id, kind, epoch) SELECT id, kind, 2 FROM nodes, unnest(%s::text[]) kind
              WHERE name = %s RETURNING 1"""
    await scheduler.rows(told, ["lost", "returned", "lost", "returned"], "n1")
    await scheduler.rows(told, ["lost"], "n2")
    await age(scheduler, "node_events", "created_at", 31)
    assert (await retention.sweep())["node_events"] == 3
    left = "SELECT name, kind FROM node_events JOIN nodes ON nodes.id = node_id ORDER BY name"
    assert await scheduler.rows(left) == [("n1", "returned"), ("n2", "lost")]


async def test_one_scheduler_at_a_time_removes_history(scheduler, retention):
    store = HistoryStore(scheduler.database)
    async with store.alone() as connection:
        assert connection is not None
        assert await retention.sweep() is None
    assert await retention.sweep() is not None
