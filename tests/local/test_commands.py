"""The commands, as a shell calls them."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from novacron_local import outside
from novacron_local.commands import app
from novacron_local.layout import DataDirectory, data_directory
from novacron_local.reset import delete_data


@pytest.fixture
def data(tmp_path) -> DataDirectory:
    return DataDirectory(tmp_path / "data")


@pytest.fixture
def run(data):
    return lambda *arguments: CliRunner().invoke(app, [*arguments, "--data-dir", str(data.path)])


@pytest.fixture
def running(dummy_stack, data, port_base, until):
    process = dummy_stack(data.path, port_base)
    until(lambda: (record := outside.running(data)) is not None and record.state == "ready" and record.serving)
    return process


def test_status_of_a_running_stack_shows_every_process_and_succeeds(run, running):
    result = run("status")
    assert result.exit_code == 0
    assert result.output.count("serving") == 3


@pytest.mark.parametrize(("output", "parse"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_status_for_programs_has_everything(run, running, port_base, output, parse):
    status = parse(run("status", "--output", output).output)
    assert status["serving"] is True
    assert [process["name"] for process in status["processes"]] == ["database", "service", "agent"]
    assert status["processes"][1]["addresses"] == {"users": f"127.0.0.1:{port_base + 2}"}


def test_status_fails_when_nothing_runs(run):
    result = run("status")
    assert result.exit_code == 1
    assert "novacron up" in result.stderr
    assert json.loads(run("status", "--output", "json").output)["serving"] is False


def test_status_fails_when_the_supervisor_was_killed(run, running, data, until):
    running.kill()
    running.wait()
    assert run("status").exit_code == 1


def test_down_stops_the_stack_and_says_when_there_is_none(run, running):
    assert run("down").output == "stopped\n"
    assert running.wait(10) == 0
    assert "nothing runs" in run("down").output
    assert run("down").exit_code == 0


def test_logs_of_one_process_are_its_lines_and_of_all_have_names(run, running):
    assert run("logs", "service").output == "service speaks\n"
    assert "database     | database speaks\n" in run("logs").output


def test_logs_of_a_process_that_does_not_exist_name_those_that_do(run, running):
    result = run("logs", "nobody")
    assert result.exit_code == 1
    assert "agent, database, service" in result.stderr


def test_reset_asks_and_leaves_everything_when_told_no(data, running):
    result = CliRunner().invoke(app, ["reset", "--data-dir", str(data.path)], input="n\n")
    assert result.exit_code == 1
    assert outside.running(data) is not None


def test_reset_stops_the_stack_and_deletes_its_directory(run, data, running):
    result = run("reset", "--yes")
    assert result.exit_code == 0, result.output
    assert running.wait(10) == 0
    assert not data.path.exists()


def test_reset_keeps_away_from_a_directory_that_is_not_novacrons(run, data):
    data.path.mkdir()
    (data.path / "thesis.tex").write_text("years of work")
    result = run("reset", "--yes")
    assert result.exit_code == 1
    assert (data.path / "thesis.tex").exists()


@pytest.mark.parametrize("how", [[], ["--detach"]])
def test_up_on_taken_ports_fails_with_the_way_out(run, data, port_base, how):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port_base + 1))
        taken.listen()
        result = run("up", "--port-base", str(port_base), *how)
    assert result.exit_code == 1
    assert f"{port_base + 1} (auth, users)" in result.stderr
    assert "--port-base" in result.stderr
    delete_data(data)


def test_up_refuses_many_agents_on_one_libvirt(run):
    result = run("up", "--agents", "2", "--driver", "libvirt")
    assert result.exit_code == 1
    assert "simulated" in result.stderr


def test_the_data_directory_comes_from_the_environment_when_none_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("NOVACRON_HOME", str(tmp_path / "home"))
    result = CliRunner().invoke(app, ["down"])
    assert str(tmp_path / "home") in result.output


def test_the_data_directory_may_stand_before_the_command(tmp_path):
    program = typer.Typer()

    @program.callback()
    def options(data_dir: Path | None = None) -> None: ...

    program.add_typer(app)
    result = CliRunner().invoke(program, ["--data-dir", str(tmp_path / "before"), "down"])
    assert str(tmp_path / "before") in result.output
    result = CliRunner().invoke(program, ["--data-dir", "elsewhere", "down", "--data-dir", str(tmp_path / "after")])
    assert str(tmp_path / "after") in result.output


def test_the_nearest_stack_above_the_current_directory_is_meant_when_none_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("NOVACRON_HOME", raising=False)
    deep = tmp_path / "project" / "src"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert data_directory().path == deep / ".novacron"
    (tmp_path / "project" / ".novacron").mkdir()
    (tmp_path / "project" / ".novacron" / "lock").touch()
    assert data_directory().path == tmp_path / "project" / ".novacron"


def test_reset_keeps_everything_when_libvirt_does_not_let_go_of_a_guest(run, data, running, monkeypatch):
    """The guest's disk is in the directory: without it a domain would be left that cannot start."""
    (data.agent(1) / "instances" / "6f1c2a34-0000-4000-8000-000000000000").mkdir(parents=True)
    monkeypatch.setenv("NOVACRON_LIBVIRT_URI", "qemu+unix:///session?socket=/nowhere")
    result = run("reset", "--yes")
    assert result.exit_code == 1
    assert "1 guest(s)" in result.output
    assert "nothing is deleted" in result.stderr
    assert data.agent(1).exists()
