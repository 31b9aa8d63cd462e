"""A rolling restart of every process under load fails no call that may be repeated, and loses no VM."""

from __future__ import annotations

from uuid import UUID

import pytest

from ..e2e.stack import Stack
from .rolling import PROCESSES, roll, users
from .whole import becomes_whole

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    "processes",
    [pytest.param(("vm", "auth"), id="two"), pytest.param(PROCESSES, id="all", marks=pytest.mark.faults_all)],
)
async def test_a_rolling_restart_under_load_fails_no_idempotent_call(
    two_hosts: Stack, processes: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    await two_hosts.done("login")
    before = (await becomes_whole(two_hosts)).live.keys()
    async with users(two_hosts) as load:
        tally = load.tally
        try:
            async with load.going_on(creators=2, commands=True, pause=0.05):
                await roll(two_hosts, tally, processes)
        finally:
            with capsys.disabled():
                print(f"\nrolling restart: {tally}")
        assert tally.failed == []
        whole = await becomes_whole(two_hosts)
        made, deleted = set(map(UUID, tally.created)), set(map(UUID, tally.deleted))
        assert whole.live.keys() - before == made - deleted
        await load.go()
