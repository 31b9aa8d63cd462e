"""A stack as a whole, under a supervisor that is another process and can be killed like one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess

import psycopg
import pytest

from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.process import group_members, start_time
from novacron_local import outside, state
from novacron_local.layout import DataDirectory, LocalStackError
from novacron_local.leftovers import end_leftovers
from novacron_local.reset import delete_data
from novacron_local.state import ProcessRecord, ProcessState, StackState


@pytest.fixture
def data(tmp_path) -> DataDirectory:
    return DataDirectory(tmp_path / "data")


def ready(data: DataDirectory):
    return lambda: (record := outside.running(data)) is not None and record.state is StackState.READY and record.serving


def processes(data: DataDirectory) -> list[ProcessRecord]:
    record = state.read(data.state)
    assert record is not None
    return record.processes


def test_a_stack_becomes_ready_and_stops_in_order_when_told(dummy_stack, data, port_base, until):
    supervisor = dummy_stack(data.path, port_base)
    until(ready(data))
    assert outside.stop(data)
    assert supervisor.wait(10) == 0
    stopped = [line for line in (data.path / "events").read_text().splitlines() if line.startswith("stopped")]
    assert stopped == ["stopped agent", "stopped service", "stopped database"]
    assert outside.running(data) is None
    assert not outside.stop(data)


def test_no_process_outlives_a_killed_supervisor(dummy_stack, data, port_base, until):
    supervisor = dummy_stack(data.path, port_base)
    until(ready(data))
    left = processes(data)
    supervisor.kill()
    supervisor.wait()
    until(lambda: not any(process.alive for process in left))


def test_the_next_start_ends_what_a_killed_supervisor_left_and_runs(dummy_stack, data, port_base, until):
    supervisor = dummy_stack(data.path, port_base)
    until(ready(data))
    group = next(process.pid for process in processes(data) if process.name == "database")
    supervisor.kill()
    supervisor.wait()
    until(lambda: len(group_members(group)) == 1)  # the dummy's child, which the kernel does not end
    dummy_stack(data.path, port_base)
    until(ready(data))
    assert group_members(group) == []


def test_down_ends_what_a_killed_supervisor_left(dummy_stack, data, port_base, until):
    supervisor = dummy_stack(data.path, port_base)
    until(ready(data))
    group = next(process.pid for process in processes(data) if process.name == "database")
    supervisor.kill()
    supervisor.wait()
    until(lambda: len(group_members(group)) == 1)
    assert outside.stop(data)
    until(lambda: group_members(group) == [])


def test_a_second_start_on_one_data_directory_is_refused(dummy_stack, data, port_base, until):
    dummy_stack(data.path, port_base)
    until(ready(data))
    second = dummy_stack(data.path, port_base + 100)
    assert second.wait(20) == 1
    assert b"already runs on" in second.stderr.read()
    assert ready(data)()


def test_two_stacks_run_side_by_side_on_other_ports(dummy_stack, tmp_path, port_base, until):
    one, two = DataDirectory(tmp_path / "one"), DataDirectory(tmp_path / "two")
    dummy_stack(one.path, port_base)
    dummy_stack(two.path, port_base + 100)
    until(ready(one))
    until(ready(two))
    assert outside.stop(one)
    assert ready(two)()


def test_a_taken_port_is_named_with_its_process_and_the_way_out(dummy_stack, data, port_base):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port_base + 2))
        taken.listen()
        process = dummy_stack(data.path, port_base)
        assert process.wait(20) == 1
    said = process.stderr.read().decode()
    assert f"{port_base + 2} (service, users)" in said
    assert "--port-base" in said
    assert not (data.path / "events").exists()  # nothing was started


def test_a_process_that_never_serves_fails_the_start_with_its_last_words(dummy_stack, data, port_base):
    process = dummy_stack(data.path, port_base, "2", "crash")
    assert process.wait(30) == 1
    said = process.stderr.read().decode()
    assert "not ready after 2 s: service" in said
    assert "ended with status 3" in said
    assert "| service speaks" in said
    assert not any(record.alive for record in processes(data))


def test_a_killed_database_and_a_killed_supervisor_lose_no_committed_row(dummy_stack, data, port_base, until):
    def answer() -> tuple[int, ...] | None:
        try:
            with psycopg.connect(postgres.url()) as connection:
                return connection.execute("SELECT answer FROM kept").fetchone()
        except psycopg.OperationalError:
            return None

    supervisor = dummy_stack(data.path, port_base, "60", "servers")
    until(ready(data), seconds=60)
    postgres = EmbeddedPostgres(data.postgres, port_base + 32)
    postgres.prepare()
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postgres.running_pid(), signal.SIGKILL)
    until(lambda: answer() == (42,))
    until(ready(data))

    left = processes(data)
    supervisor.kill()
    supervisor.wait()
    until(lambda: not any(process.alive for process in left))
    dummy_stack(data.path, port_base, "60", "servers")
    until(ready(data), seconds=60)
    assert answer() == (42,)
    assert outside.stop(data)
    delete_data(data)
    assert not data.path.exists()


def test_a_directory_with_other_things_in_it_is_not_taken(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(LocalStackError, match="holds other things"):
        DataDirectory(tmp_path).make()


def test_nothing_recorded_before_the_host_restarted_is_believed(tmp_path):
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        stack = state.new_record(port_base=0, driver="auto", agents=1)
        stack.processes = [
            ProcessRecord("service", ProcessState.SERVING, bystander.pid, started=start_time(bystander.pid))
        ]
        state.write(tmp_path / "stack.json", stack)
        assert state.read(tmp_path / "stack.json").alive
        stack.boot = "another"
        state.write(tmp_path / "stack.json", stack)
        assert not state.read(tmp_path / "stack.json").alive
        assert end_leftovers(state.read(tmp_path / "stack.json")) == []
        assert bystander.poll() is None
    finally:
        os.killpg(bystander.pid, signal.SIGKILL)
        bystander.wait()


def test_a_closed_terminal_does_not_keep_the_stack_from_stopping_in_order(dummy_stack, data, port_base, until):
    supervisor = dummy_stack(data.path, port_base, "20", "deaf")
    until(ready(data))
    supervisor.send_signal(signal.SIGHUP)
    assert supervisor.wait(20) == 0
    stopped = [line for line in (data.path / "events").read_text().splitlines() if line.startswith("stopped")]
    assert stopped == ["stopped agent", "stopped service", "stopped database"]


def test_a_process_of_the_same_number_is_not_taken_for_a_leftover():
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        stack = state.new_record(port_base=0, driver="auto", agents=1)
        # The recorded process had the number long before.
        stack.processes = [ProcessRecord("service", ProcessState.SERVING, bystander.pid, started=1)]
        assert end_leftovers(stack) == []
        assert bystander.poll() is None
    finally:
        os.killpg(bystander.pid, signal.SIGKILL)
        bystander.wait()
