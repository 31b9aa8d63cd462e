"""The end of tasks."""

import asyncio

from novacron import ending


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


async def test_nothing_to_end_is_no_wait():
    await ending.end([])
