"""`kill -9` amid creates and deletes of real guests."""

from __future__ import annotations

import pytest

from ..e2e.stack import Stack
from .kills import rounds_of

pytestmark = [pytest.mark.faults, pytest.mark.guest]


@pytest.mark.parametrize(
    "victim", ["agent", *(pytest.param(one, marks=pytest.mark.faults_all) for one in ("vm", "scheduler", "postgres"))]
)
async def test_a_kill_amid_real_guests_leaves_each_running_once_or_gone(real_hypervisor: Stack, victim: str):
    await rounds_of(real_hypervisor, victim, rounds=1, vms=2, latest=1.5)
