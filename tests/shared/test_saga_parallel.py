"""Steps side by side."""

import asyncio

import pytest

from novacron.errors import InvalidArgument
from novacron.saga import Kind, Parallel, SagaState, Step
from novacron.saga.record import AttemptOutcome
from novacron.testing.patience import eventually

from .saga_world import QUICK, begin, define, holds


@pytest.fixture
def side_by_side(world):
    """left and right at the same time, then after."""

    def pair(name):
        return Step(name, Kind.COMPENSATABLE, world.step(name), world.step(f"undo-{name}"), retry=QUICK)

    return define(world, steps=(Parallel(pair("left"), pair("right")), pair("after")))


async def test_parallel_steps_run_side_by_side_and_are_undone_one_by_one(database, world, workers, side_by_side):
    coordinator = workers(side_by_side)
    world.hold["left"] = asyncio.Event()
    world.answers["after"] = [InvalidArgument("no")]
    saga_id = await begin(database, coordinator, side_by_side)
    await eventually(lambda: holds({"left", "right"} <= set(world.names)))
    world.hold["left"].set()
    assert (await coordinator.wait(saga_id, 5)).state is SagaState.COMPENSATED
    assert world.names[2:] == ["after", "undo-left", "undo-right"]


async def test_when_one_is_refused_the_other_is_waited_for_and_undone(database, world, workers, side_by_side):
    coordinator = workers(side_by_side)
    world.hold["left"] = asyncio.Event()
    world.answers["right"] = [InvalidArgument("no")]
    saga_id = await begin(database, coordinator, side_by_side)

    async def refused():
        stored = await coordinator._log.read(saga_id)
        return any(one.outcome is AttemptOutcome.REFUSED for one in stored.attempts)

    await eventually(refused)
    assert sorted(world.names) == ["left", "right"], "nothing is undone while the other may still take effect"
    world.hold["left"].set()
    record = await coordinator.wait(saga_id, 5)
    assert (record.state, record.error.step) == (SagaState.COMPENSATED, "right")
    assert world.names[2:] == ["undo-left"]


async def test_whoever_takes_over_repeats_only_what_had_no_outcome(database, world, workers, side_by_side):
    first, second = workers(side_by_side, lease=60), workers(side_by_side, lease=60)
    world.hold["left"] = asyncio.Event()
    saga_id = await begin(database, first, side_by_side)

    async def right_is_done():
        stored = await first._log.read(saga_id)
        return [one.step for one in stored.attempts if one.outcome is AttemptOutcome.OK] == ["right"]

    await eventually(right_is_done)
    await first.stop()
    world.hold.clear()
    await second.start()
    assert (await second.wait(saga_id, 5)).state is SagaState.SUCCEEDED
    assert (world.names.count("left"), world.names.count("right")) == (2, 1)
