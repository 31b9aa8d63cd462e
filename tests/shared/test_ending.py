"""The end of tasks."""

import asyncio

import pytest

from novacron import ending
from novacron.testing.patience import eventually


async def test_a_task_that_lost_its_cancellation_is_told_again(monkeypatch):
    monkeypatch.setattr(ending, "_AGAIN_SECONDS", 0.01)
    lost = 0

    async def deaf():
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if lost == 2:
                    raise
                lost += 1

    async def failing():
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("at its end")

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(failing())]
    await asyncio.sleep(0)
    await asyncio.wait_for(ending.end(tasks), 10)
    assert (lost, tasks[0].cancelled()) == (2, True)
    assert isinstance(tasks[1].exception(), ValueError)


async def test_who_is_cancelled_while_it_ends_others_tells_them_again_and_sees_them_end():
    told, may_end = 0, asyncio.Event()

    async def slow_to_end():
        nonlocal told
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                told += 1

    task = asyncio.create_task(slow_to_end())
    await asyncio.sleep(0)
    ender = asyncio.create_task(ending.end([task]))

    async def told_of_the_first():
        return told == 1

    async def told_again():
        return told == 2

    await eventually(told_of_the_first)
    ender.cancel()
    await eventually(told_again)
    assert not ender.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await ender
    assert task.done()


async def test_nothing_to_end_is_no_wait():
    await ending.end([])
