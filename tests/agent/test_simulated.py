"""What only the simulated driver promises: durability of its state file, latencies, failures, numbers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from novacron.errors import NotFound, Unavailable
from novacron_agent.drivers.driver import DomainSpec, Driver, PowerState
from novacron_agent.drivers.simulated import SimulatedDriver, SimulatedSettings

SpecOf = Callable[..., DomainSpec]

CREATE_UNTIL_KILLED = """
import asyncio, sys, uuid
from pathlib import Path
from novacron_agent.drivers.driver import DomainSpec
from novacron_agent.drivers.simulated import SimulatedDriver, SimulatedSettings

async def creator(driver):
    while True:
        spec = DomainSpec(uuid.uuid4(), "vm", 1, 128, 1, "novacron-guest")
        await driver.create(spec)
        print(spec.vm_id, flush=True)

async def main():
    driver = SimulatedDriver(SimulatedSettings(), Path(sys.argv[1]))
    await driver.open()
    await asyncio.gather(*(creator(driver) for _ in range(16)))

asyncio.run(main())
"""


async def test_what_was_answered_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    state = tmp_path / "hypervisor.state"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CREATE_UNTIL_KILLED, str(state), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    answered = [UUID((await process.stdout.readline()).decode().strip()) for _ in range(300)]
    os.kill(process.pid, signal.SIGKILL)
    rest = (await process.stdout.read()).decode()
    answered += [UUID(line.strip()) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    await process.wait()

    driver = SimulatedDriver(SimulatedSettings(), state)
    await driver.open()

    there = {domain.vm_id for domain in await driver.list()}
    assert there >= set(answered)
    assert len(there) <= len(answered) + 16, "more than was under way"
    await driver.close()


async def test_a_record_that_was_cut_in_the_middle_never_happened(tmp_path: Path, spec_of: SpecOf) -> None:
    state = tmp_path / "hypervisor.state"
    driver = SimulatedDriver(SimulatedSettings(), state)
    await driver.open()
    first, second = spec_of(), spec_of()
    await driver.create(first)
    whole = state.stat().st_size
    await driver.create(second)
    await driver.close()
    written = state.read_bytes()

    for length in (whole + 1, whole + 20, len(written) - 1):
        state.write_bytes(written[:length])
        driver = SimulatedDriver(SimulatedSettings(), state)
        await driver.open()
        assert [domain.vm_id for domain in await driver.list()] == [first.vm_id]
        await driver.create(second)
        await driver.close()
        await driver.open()
        assert len(await driver.list()) == 2
        await driver.close()


async def test_two_agents_cannot_have_one_state_file(make_simulated: Callable[[], Driver]) -> None:
    first, second = make_simulated(), make_simulated()
    await first.open()

    with pytest.raises(Unavailable, match="another process"):
        await second.open()

    await first.close()
    await second.open()
    await second.close()


async def test_a_driver_that_is_not_open_is_unavailable(make_simulated: Callable[[], Driver], spec_of: SpecOf) -> None:
    driver = make_simulated()
    for operation in (driver.list(), driver.stats(), driver.get(spec_of().vm_id), driver.create(spec_of())):
        with pytest.raises(Unavailable, match="not open"):
            await operation


async def test_the_next_calls_fail_as_told_before_or_after_their_effect(tmp_path: Path, spec_of: SpecOf) -> None:
    driver = SimulatedDriver(SimulatedSettings(), tmp_path / "state")
    await driver.open()
    spec = spec_of()

    driver.faults.fail_next("create", times=2)
    for _ in range(2):
        with pytest.raises(Unavailable, match="not carried out"):
            await driver.create(spec)
        with pytest.raises(NotFound):
            await driver.get(spec.vm_id)

    driver.faults.fail_next("create", moment="after")
    with pytest.raises(Unavailable, match="answer lost"):
        await driver.create(spec)
    assert (await driver.get(spec.vm_id)).power_state is PowerState.RUNNING
    await driver.create(spec)
    await driver.close()


async def test_failures_by_rate_are_the_same_for_the_same_seed(tmp_path: Path, spec_of: SpecOf) -> None:
    async def outcomes(seed: int, state: Path) -> list[str]:
        driver = SimulatedDriver(SimulatedSettings(failure_rate={"create": 0.5}, seed=seed), state)
        await driver.open()
        said = []
        for _ in range(40):
            try:
                await driver.create(spec_of())
                said.append("created")
            except Unavailable as error:
                said.append(error.message)
        await driver.close()
        return said

    first = await outcomes(7, tmp_path / "1")
    assert first == await outcomes(7, tmp_path / "2")
    assert first != await outcomes(8, tmp_path / "3")
    assert len(set(first)) == 3, "created, failed before, failed after"


async def test_an_operation_takes_the_time_that_it_is_told_and_others_pass_it(tmp_path: Path, spec_of: SpecOf) -> None:
    settings = SimulatedSettings(latency_seconds={"create": 0.2, "*": 0.0}, latency_jitter=0.1)
    driver = SimulatedDriver(settings, tmp_path / "state")
    await driver.open()

    began = time.monotonic()
    creates = asyncio.gather(*(driver.create(spec_of()) for _ in range(50)))
    assert await driver.list() == []
    await creates
    took = time.monotonic() - began

    assert 0.18 <= took < 8, "fifty at once take the time of one"
    await driver.close()


async def test_a_stopped_guest_s_counters_begin_anew(tmp_path: Path, spec_of: SpecOf) -> None:
    driver = SimulatedDriver(SimulatedSettings(), tmp_path / "state")
    await driver.open()
    spec = spec_of()
    await driver.create(spec)
    earlier = (await driver.stats())[0]
    await asyncio.sleep(0.3)
    later = (await driver.stats())[0]
    await driver.close()

    assert later.network_bytes_recv > earlier.network_bytes_recv  # type: ignore[operator]
    assert later.memory_usage_bytes + later.memory_available_bytes == 128 * 2**20  # type: ignore[operator]


async def test_ten_thousand_vms_are_created_listed_and_sampled_in_seconds(tmp_path: Path, spec_of: SpecOf) -> None:
    driver = SimulatedDriver(SimulatedSettings(), tmp_path / "state")
    await driver.open()
    began = time.process_time()

    for _ in range(10):
        await asyncio.gather(*(driver.create(spec_of()) for _ in range(1000)))
    assert len(await driver.list()) == 10_000
    assert len(await driver.stats()) == 10_000
    await driver.close()
    await driver.open()
    assert len(await driver.list()) == 10_000
    await driver.close()

    assert time.process_time() - began < 15
