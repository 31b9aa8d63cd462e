"""A rolling restart of every process under load fails no call that may be repeated, and loses no VM."""

from __future__ import annotations

from uuid import UUID

import pytest

from ..e2e.stack import running_stack
from .rolling import PROCESSES, roll, users
from .whole import becomes_whole

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    "processes",
    [pytest.param(("vm", "auth"), id="two"), pytest.param(PROCESSES, id="all", marks=pytest.mark.faults_all)],
)
async def test_a_rolling_restart_under_load_fails_no_idempotent_call(
    processes: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    with running_stack(SAGA_LEASE_SECONDS="2", SIMULATED_VCPUS="512", SIMULATED_MEMORY_MIB="262144") as stack:
        await stack.done("login")
        async with users(stack) as load:
            tally = load.tally
            try:
                async with load.going_on(creators=2, commands=True):
                    await roll(stack, tally, processes)
            finally:
                with capsys.disabled():
                    print(f"\nrolling restart: {tally}")
        assert tally.failed == []
        whole = await becomes_whole(stack)
        made, deleted = set(map(UUID, tally.created)), set(map(UUID, tally.deleted))
        assert whole.live.keys() == made - deleted
