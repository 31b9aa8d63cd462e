"""Work beside the calls: it goes on whatever a turn meets with, says so once, and ends when told."""

import asyncio

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from novacron.background import Background
from novacron.errors import Unavailable
from novacron.testing.patience import eventually


class Turns:
    """Ends each turn as it is told to, and then waits for more."""

    def __init__(self, *ends):
        self.ends = list(ends)
        self.taken = 0

    async def __call__(self):
        if self.taken == len(self.ends):
            await asyncio.Event().wait()
        end = self.ends[self.taken]
        self.taken += 1
        if isinstance(end, Exception):
            raise end
        return end


@pytest.fixture
def told():
    with capture_logs() as lines:
        yield lines


def at(level, lines):
    return [line for line in lines if line["log_level"] == level]


@pytest.fixture
async def running():
    started = []

    async def start(turns, **named):
        background = Background("test-work", turns, retry_seconds=0.0, **named)
        started.append(background)
        await background.start()
        return background

    yield start
    for background in started:
        await background.stop()


async def all_taken(turns):
    async def done():
        return turns.taken == len(turns.ends)

    await eventually(done)


async def test_a_turn_that_fails_is_taken_again_and_only_the_first_failure_and_the_recovery_are_told(running, told):
    turns = Turns(0.0, Unavailable("the registry is away"), Unavailable("still"), Unavailable("still"), 0.0, 0.0)
    await running(turns)
    await all_taken(turns)
    (warning,) = at("warning", told)
    assert "the registry is away" in warning["error"]
    assert [line["event"] for line in at("info", told)] == ["test-work: works again"]


async def test_a_fault_of_our_own_is_told_with_its_traceback_each_time_and_does_not_end_the_work(running, told):
    turns = Turns(KeyError("never expected"), KeyError("nor this"), 0.0)
    await running(turns)
    await all_taken(turns)
    assert [line.get("exc_info") for line in at("error", told)] == [True, True]


async def test_what_is_expected_is_the_components_own_matter(running, told):
    turns = Turns(OSError("connection refused"), 0.0)
    await running(turns, expected=(OSError,))
    await all_taken(turns)
    assert at("error", told) == []
    assert at("warning", told)[0]["reason"] == "OSError"


async def test_the_next_turn_comes_when_the_last_one_said(running):
    turns = Turns(3600.0, 0.0)
    await running(turns)

    async def one():
        return turns.taken == 1

    await eventually(one)
    await asyncio.sleep(0)
    assert turns.taken == 1


async def test_stop_ends_the_turn_under_way_and_may_be_said_twice_or_before_the_start(running):
    ended = asyncio.Event()

    async def for_ever():
        try:
            return await asyncio.Event().wait()
        finally:
            ended.set()

    background = await running(for_ever)
    await asyncio.sleep(0)
    await background.stop()
    assert ended.is_set()
    await background.stop()
    await Background("never-started", for_ever, retry_seconds=1.0).stop()


async def test_turns_are_counted_by_how_they_ended(running):
    def count(outcome):
        labels = {"novacron_background_task": "test-work", "novacron_background_outcome": outcome}
        return REGISTRY.get_sample_value("novacron_background_turns_total", labels) or 0.0

    before = count("ok"), count("failed")
    turns = Turns(0.0, Unavailable("away"), 0.0)
    await running(turns)
    await all_taken(turns)
    assert (count("ok") - before[0], count("failed") - before[1]) == (2, 1)
