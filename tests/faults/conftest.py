"""One stack for all that is killed on simulated hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..e2e.stack import Stack, running_stack

# Slow enough that a kill hits the middle of a create, a delete, a move.
LATENCY = '{"create": 0.3, "stop": 0.2, "export": 0.3, "receive": 0.2, "start": 0.2, "delete": 0.2}'


@pytest.fixture(scope="session")
def two_hosts() -> Iterator[Stack]:
    """Two simulated hosts, and a lease short enough that one need not wait long."""
    with running_stack(
        agents=2,
        in_memory=True,
        SAGA_LEASE_SECONDS="2",
        SIMULATED_LATENCY_SECONDS=LATENCY,
        SIMULATED_VCPUS="512",
        SIMULATED_MEMORY_MIB="262144",
    ) as stack:
        yield stack
