"""What the supervisor promises of the processes it keeps."""

from __future__ import annotations

import os
import signal

import pytest

from novacron.embedded.process import start_time
from novacron_local.backoff import RestartBackoff
from novacron_local.processes import Tier
from novacron_local.state import ProcessState
from novacron_local.supervisor import Supervisor


def quick() -> RestartBackoff:
    return RestartBackoff(first=0.01, ceiling=0.05)


@pytest.fixture
async def supervisor():
    supervisor = Supervisor(backoff=quick)
    yield supervisor
    supervisor.hurry()
    await supervisor.stop()


async def start(supervisor: Supervisor, *specs) -> None:
    for spec in specs:
        supervisor.add(spec)
    supervisor.start([spec.name for spec in specs])


def record(supervisor: Supervisor, name: str):
    return next(record for record in supervisor.records if record.name == name)


async def test_a_started_process_serves_and_its_output_is_in_its_log(supervisor, dummy, tmp_path):
    await start(supervisor, dummy("one"))
    assert await supervisor.wait_serving(["one"], 20) == []
    assert record(supervisor, "one").state is ProcessState.SERVING
    assert (tmp_path / "one.log").read_text() == "one speaks\n"


async def test_a_killed_process_is_started_again(supervisor, dummy, eventually):
    await start(supervisor, dummy("one"))
    await supervisor.wait_serving(["one"], 20)
    first = record(supervisor, "one").pid
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: record(supervisor, "one").restarts == 1)
    await eventually(lambda: record(supervisor, "one").state is ProcessState.SERVING)
    assert record(supervisor, "one").pid != first


async def test_a_process_that_keeps_ending_is_tried_again_and_again_and_says_why(supervisor, dummy, eventually):
    await start(supervisor, dummy("one", arguments=("crash",)))
    await eventually(lambda: record(supervisor, "one").restarts >= 3)
    await eventually(lambda: "ended with status 3" in record(supervisor, "one").detail)
    assert await supervisor.wait_serving(["one"], 0) == ["one"]


async def test_a_program_that_does_not_exist_is_a_failed_start_not_a_failed_supervisor(
    supervisor, dummy, eventually, tmp_path
):
    spec = dummy("one")
    object.__setattr__(spec, "command", ("/does/not/exist",))
    await start(supervisor, spec, dummy("two"))
    await eventually(lambda: record(supervisor, "one").restarts >= 2)
    assert await supervisor.wait_serving(["two"], 20) == []
    assert "cannot run /does/not/exist" in (tmp_path / "one.log").read_text()


async def test_a_preparation_that_fails_is_repeated(supervisor, dummy, eventually):
    calls = []

    def before_start() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise OSError("the disk is full")

    await start(supervisor, dummy("one", before_start=before_start))
    await eventually(lambda: record(supervisor, "one").state is ProcessState.SERVING)
    assert record(supervisor, "one").restarts == 2


async def test_tiers_stop_from_the_top_each_when_the_one_above_has_ended(supervisor, dummy, events):
    specs = [dummy(tier.name.lower(), tier, arguments=("slow",)) for tier in Tier]
    await start(supervisor, *specs)
    await supervisor.wait_serving([spec.name for spec in specs], 20)
    await supervisor.stop()
    order = [line for line in events() if not line.startswith("started")]
    assert order == [
        f"{what} {tier}" for tier in ("agent", "service", "cache", "database") for what in ("stopping", "stopped")
    ]


async def test_a_process_that_does_not_stop_in_its_grace_is_killed(supervisor, dummy, events, gone):
    await start(supervisor, dummy("one", arguments=("stubborn",), stop_grace=0.2))
    await supervisor.wait_serving(["one"], 20)
    pid = record(supervisor, "one").pid
    await supervisor.stop()
    assert "stopping one" in events()
    assert gone(pid)


async def test_children_of_a_process_end_with_it(supervisor, dummy, events, eventually, gone):
    await start(supervisor, dummy("one", arguments=("child",)))
    await supervisor.wait_serving(["one"], 20)
    child = next(int(line.split()[1]) for line in events() if line.startswith("child"))
    assert start_time(child) is not None
    await supervisor.stop()
    await eventually(lambda: gone(child))


async def test_a_frozen_process_is_unready_and_serves_again_when_it_thaws(supervisor, dummy, eventually, monkeypatch):
    monkeypatch.setattr("novacron_local.supervisor._SERVING_POLL", 0.05)
    answers = [True]

    class Probe:
        async def __call__(self) -> bool:
            return answers[0]

        async def close(self) -> None: ...

    spec = dummy("one")
    object.__setattr__(spec, "probe", Probe())
    await start(supervisor, spec)
    await supervisor.wait_serving(["one"], 20)
    answers[0] = False
    await eventually(lambda: record(supervisor, "one").state is ProcessState.UNREADY)
    answers[0] = True
    await eventually(lambda: record(supervisor, "one").state is ProcessState.SERVING)
    assert record(supervisor, "one").restarts == 0


async def test_stopping_while_a_process_waits_for_its_next_start_is_immediate(dummy, eventually):
    supervisor = Supervisor(backoff=lambda: RestartBackoff(first=600, ceiling=600))
    await start(supervisor, dummy("one", arguments=("crash",)))
    await eventually(lambda: record(supervisor, "one").state is ProcessState.RESTARTING)
    await supervisor.stop()
    assert record(supervisor, "one").state is ProcessState.STOPPED


def test_the_pause_doubles_up_to_its_ceiling_and_begins_anew_after_a_stable_run():
    backoff = RestartBackoff(first=1, ceiling=5, stable=10)
    assert [backoff.after_run(0) for _ in range(5)] == [1, 2, 4, 5, 5]
    assert backoff.after_run(10) == 1
    assert backoff.after_run(9.9) == 2
