"""Orders to one VM take turns."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from novacron.errors import Unavailable
from novacron_agent.drivers.turns import Turns


async def test_orders_to_one_vm_never_overlap_and_orders_to_two_do() -> None:
    turns, one, two = Turns(), uuid4(), uuid4()
    at_work: list[object] = []
    overlaps: list[tuple[object, ...]] = []

    async def work(vm_id: object) -> None:
        at_work.append(vm_id)
        await asyncio.sleep(0.01)
        overlaps.append(tuple(at_work))
        at_work.remove(vm_id)

    await asyncio.gather(*(turns.take(vm_id, lambda vm_id=vm_id: work(vm_id)) for vm_id in [one, two] * 5))

    assert all(len(seen) == len(set(seen)) for seen in overlaps)
    assert any(len(seen) == 2 for seen in overlaps)


async def test_an_order_whose_caller_goes_away_is_carried_out_and_settle_waits_for_it() -> None:
    turns, done = Turns(), []

    async def slow() -> None:
        await asyncio.sleep(0.05)
        done.append("slow")
        raise Unavailable("nobody hears this")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(turns.take(uuid4(), slow), 0.01)
    assert done == []

    await turns.settle()

    assert done == ["slow"]
    assert turns._locks == {}
