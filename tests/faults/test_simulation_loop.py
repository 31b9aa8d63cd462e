"""The simulation's own ground: a clock that jumps, and processes that die and freeze."""

import asyncio
import time

import pytest

from novacron.testing.simulation.loop import Endless, Process, VirtualLoop


@pytest.fixture
def loop():
    made = VirtualLoop.new()
    yield made
    made.close()


def test_an_hour_passes_at_once(loop):
    async def sleep():
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert loop.run(sleep()) == 3600
    assert time.monotonic() - began < 5


def test_timers_fire_in_their_order_and_those_of_one_instant_in_the_order_in_which_they_were_set(loop):
    seen = []

    async def main():
        for name, delay in (("c", 2), ("a", 1), ("b", 1)):
            loop.call_later(delay, seen.append, name)
        loop.call_later(1, seen.append, "never").cancel()
        await asyncio.sleep(3)

    loop.run(main())
    assert seen == ["a", "b", "c"]


def test_timeouts_and_waits_go_by_the_virtual_clock(loop):
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await loop.create_future()
        done, pending = await asyncio.wait([asyncio.ensure_future(asyncio.sleep(60))], timeout=1)
        return len(done), len(pending), loop.time()

    assert loop.run(main()) == (0, 1, 6)


def test_nothing_of_a_dead_process_runs_not_even_its_finally(loop):
    seen = []

    async def work():
        try:
            while True:
                await asyncio.sleep(1)
                seen.append(loop.time())
        finally:
            seen.append("finally")

    async def main():
        process = Process("dead")
        loop.spawn(process, work())
        await asyncio.sleep(2.5)
        loop.kill(process)
        await asyncio.sleep(10)

    loop.run(main())
    assert seen == [1, 2]


def test_a_frozen_process_finds_when_it_wakes_that_its_timers_are_long_over(loop):
    seen = []

    async def work():
        for _ in range(3):
            await asyncio.sleep(1)
            seen.append(loop.time())

    async def main():
        process = Process("frozen")
        loop.spawn(process, work())
        await asyncio.sleep(1.5)
        loop.freeze(process)
        await asyncio.sleep(8.5)
        loop.thaw(process)
        await asyncio.sleep(5)

    loop.run(main())
    assert seen == [1, 10, 11]


def test_what_can_never_go_on_is_told_and_not_waited_for(loop):
    async def main():
        await loop.create_future()

    with pytest.raises(Endless, match="nothing is left"):
        loop.run(main())


def test_what_never_ends_is_told(loop):
    async def main():
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Endless, match="no end"):
        loop.run(main())
