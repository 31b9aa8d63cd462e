"""The barrier on a host: each key once, none after its undoing, and a crash changes neither."""

import asyncio
from uuid import uuid4

import pytest

from novacron.api.agent.v1 import DeleteVmResponse, Domain
from novacron.errors import StepCompensated, Unavailable
from novacron.saga.key import SagaKey, set_current_key
from novacron_agent.barrier import HostBarrier


class Host:
    """A barrier over one file, and what was carried out behind it."""

    def __init__(self, path):
        self.path, self.barrier, self.done = path, HostBarrier(path), []

    async def once(self, key, *, vm_id=None, fails=None):
        async def effect(again):
            self.done.append((str(key), again))
            if fails is not None:
                raise fails
            return Domain(name=f"answer {len(self.done)}")

        set_current_key(key)
        return await self.barrier.once(vm_id or uuid4(), Domain, effect)

    async def crash(self):
        """The next process on the same file; what the last one had only in memory is gone."""
        await self.barrier.close()
        self.barrier = HostBarrier(self.path)
        await self.barrier.open()


@pytest.fixture
async def host(tmp_path):
    host = Host(tmp_path / "barrier")
    await host.barrier.open()
    yield host
    set_current_key(None)
    await host.barrier.close()


def keys():
    saga_id = uuid4()
    return SagaKey(saga_id, "provision", "action"), SagaKey(saga_id, "provision", "compensation")


async def test_the_same_key_again_gives_the_same_answer_and_does_nothing_more(host):
    action, _ = keys()
    first = await host.once(action)
    assert await host.once(action) == first
    await host.crash()
    assert await host.once(action) == first
    assert len(host.done) == 1


async def test_twins_at_the_same_moment_have_one_effect(host):
    action, _ = keys()
    vm_id = uuid4()
    answers = await asyncio.gather(*(host.once(action, vm_id=vm_id) for _ in range(8)))
    assert len(host.done) == 1
    assert all(one == answers[0] for one in answers)


async def test_without_a_key_an_order_is_carried_out_each_time(host):
    await host.once(None)
    await host.once(None)
    assert len(host.done) == 2


@pytest.mark.parametrize("crash", [False, True], ids=["at once", "after a crash"])
async def test_an_action_that_comes_after_its_compensation_is_refused(host, crash):
    action, compensation = keys()
    await host.once(compensation)
    if crash:
        await host.crash()
    with pytest.raises(StepCompensated) as refused:
        await host.once(action)
    assert refused.value.message == (
        f"step provision of saga {action.saga_id} was undone before this arrived: it stays undone"
    )
    assert [key for key, _ in host.done] == [str(compensation)]


async def test_an_action_that_was_undone_is_refused_though_it_had_answered(host):
    action, compensation = keys()
    await host.once(action)
    await host.once(compensation)
    with pytest.raises(StepCompensated):
        await host.once(action)


async def test_another_saga_and_another_step_are_other_keys(host):
    action, compensation = keys()
    await host.once(compensation)
    await host.once(SagaKey(action.saga_id, "start", "action"))
    await host.once(keys()[0])
    assert len(host.done) == 3


async def test_what_was_begun_and_never_noted_is_carried_out_again_and_told_so(host):
    action, _ = keys()
    with pytest.raises(Unavailable):
        await host.once(action, fails=Unavailable("the host fell"))
    await host.crash()
    await host.once(action)
    assert [again for _, again in host.done] == [False, True]


async def test_an_order_goes_on_though_its_caller_went_away(host):
    action, _ = keys()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def effect(again):
        begun.set()
        await go_on.wait()
        return DeleteVmResponse(deleted=True)

    set_current_key(action)
    vm_id = uuid4()
    call = asyncio.create_task(host.barrier.once(vm_id, DeleteVmResponse, effect))
    await begun.wait()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    go_on.set()
    assert (await host.barrier.once(vm_id, DeleteVmResponse, effect)).deleted
    await host.crash()
    assert (await host.barrier.once(vm_id, DeleteVmResponse, effect)).deleted
