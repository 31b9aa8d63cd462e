"""`kill -9` in the middle: whatever dies, each VM then runs exactly once or is gone everywhere, and nobody had to help."""

from __future__ import annotations

import pytest

from ..e2e.stack import Stack
from .kills import rounds_of

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    ("victim", "rounds"),
    [
        *((victim, 1) for victim in ("vm", "agent", "postgres")),
        *(
            pytest.param(victim, 3, marks=pytest.mark.faults_all)
            for victim in ("vm", "scheduler", "agent", "postgres", "monitoring")
        ),
    ],
)
async def test_a_kill_amid_creates_and_deletes_leaves_each_vm_running_once_or_gone(
    two_hosts: Stack, victim: str, rounds: int
):
    await rounds_of(two_hosts, victim, rounds=rounds, vms=6, latest=0.9)
