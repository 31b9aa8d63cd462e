"""One stack for the session. A test leaves it as it found it: whole, and without its VMs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from novacron.testing.collector import Collector

from .stack import Stack, running_stack


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where every process of the session's stack sends its spans and numbers."""
    with Collector() as made:
        yield made


@pytest.fixture(scope="session")
def shared_stack(collector: Collector) -> Iterator[Stack]:
    with running_stack(in_memory=True, SAGA_LEASE_SECONDS="2", OTLP_ENDPOINT=collector.endpoint) as stack:
        yield stack


@pytest.fixture
async def stack(shared_stack: Stack) -> AsyncIterator[Stack]:
    """A whole stack on the simulated driver; the test's VMs are deleted after it."""
    assert shared_stack.record.serving, f"the test before left it hurt: {shared_stack.record}"
    await shared_stack.done("login")
    yield shared_stack
    for vm in (await shared_stack.done("vm", "list", "--output", "json")).json:
        await shared_stack.done("vm", "delete", vm["vm_id"])


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parents[2]
