"""What cannot be reached, is not allowed, or is wrongly written: what the user reads, and the exit code."""

import asyncio
import socket
from importlib.metadata import entry_points

import pytest

from novacron import errors
from novacron_cli.failure import ExitCode, advice, describe, exit_code


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


async def test_where_nothing_is_known_the_two_ways_on_are_named(novacron):
    result = await novacron("vm", "list")
    assert (result.code, result.out) == (2, "")
    assert "novacron up" in result.err
    assert "--endpoint" in result.err


async def test_a_service_that_does_not_answer_is_named_with_its_address(novacron, logged_in):
    address = f"127.0.0.1:{free_port()}"
    for command in (("vm", "list"), ("vm", "watch", logged_in.vms.add("web-1").vm_id), ("vm", "create", "web-2")):
        result = await novacron("--endpoint", f"vm={address}", *command)
        assert (result.code, result.out) == (6, "")
        assert f"the vm service at {address} does not answer" in result.err
        assert "novacron status" in result.err
        assert "--id" not in result.err  # it is known that nothing was begun


async def test_a_certificate_of_another_ca_is_told_as_such(novacron, logged_in, tmp_path):
    from novacron_local.certificates import DevelopmentCA

    (tmp_path / "foreign").mkdir()
    foreign = DevelopmentCA(tmp_path / "foreign", "testing").identity("vm").ca
    result = await novacron("--ca-file", str(foreign), "vm", "list")
    assert result.code == 6
    assert "--ca-file" in result.err


async def test_what_is_not_allowed_names_the_permission(novacron, installation):
    installation.auth.passwords["", "viewer"] = ("p", ("vm:read",))
    await novacron("login", "viewer", "--password-file", "-", typed="p")
    result = await novacron("vm", "create", "web-1", "--template", "small")
    assert result.code == 4
    assert "vm:create" in result.err
    assert "administrator" in result.err


async def test_a_damaged_profile_and_an_unreadable_ca_say_which_file(novacron, installation):
    assert "ca.pem" in (await novacron("--ca-file", "/nowhere/ca.pem", "login")).err
    (installation.home / "client.json").write_text("[")
    result = await novacron("login")
    assert result.code == 1
    assert str(installation.home / "client.json") in result.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("vm", "create", "web-1", "--memory", "lots"), "512M"),
        (("vm", "create", "web-1", "--memory", "1.0001M"), "whole number of MiB"),
        (("vm", "create", "web-1", "--tag", "prod"), "KEY=VALUE"),
        (("metrics", "show", "web-1", "--since", "yesterday"), "15m"),
        (("--endpoint", "mail=host:1", "vm", "list"), "no service 'mail'"),
        (("--endpoint", "vm=host", "vm", "list"), "SERVICE=HOST:PORT"),
        (("vm", "list", "--output", "xml"), "json"),
        (("vm", "frobnicate"), "frobnicate"),
    ],
)
async def test_wrong_usage_is_exit_code_2_and_says_what_would_do(novacron, arguments, told):
    result = await novacron(*arguments)
    assert (result.code, result.out) == (2, "")
    assert told in result.err


async def test_a_reader_that_goes_away_is_no_fault(novacron, logged_in):
    for number in range(3000):
        logged_in.vms.add(f"vm-{number}", description="x" * 100)
    process = await novacron.start("vm", "list", "-o", "json")
    async with asyncio.timeout(30):
        await process.stdout.readline()
        process.stdout._transport.close()
        await process.wait()
        assert b"Traceback" not in await process.stderr.read()


async def test_help_needs_no_grpc_and_holds_every_group_and_the_exit_codes(started_anew):
    result = await started_anew("--help", PYTHONPROFILEIMPORTTIME="1")
    for word in (
        "login",
        "vm",
        "template",
        "node",
        "provider",
        "service",
        "saga",
        "metrics",
        "Exit codes",
        "novacron up",
    ):
        assert word in result.out
    assert " grpc\n" not in result.err
    assert "novacron.api" not in result.err


async def test_what_is_plugged_in_stands_beside_the_groups(novacron):
    assert {entry.name for entry in entry_points(group="novacron.commands")} >= {"local"}
    result = await novacron("--help")
    for command in ("up", "down", "status", "logs", "reset"):
        assert f" {command} " in result.out
    status = await novacron("--data-dir", "elsewhere", "status")
    assert status.code == 1
    assert str(novacron.directory / "elsewhere") in status.err  # the directory named first is theirs too


def test_every_reason_has_an_exit_code_and_those_that_scripts_ask_for_stay():
    codes = {reason: exit_code(kind("no")) for reason, kind in errors.NovacronError.by_reason.items()}
    assert codes["NOT_FOUND"] == ExitCode.NOT_FOUND == 3
    assert codes["UNAUTHENTICATED"] == codes["PERMISSION_DENIED"] == ExitCode.NOT_ALLOWED == 4
    assert codes["NO_CAPACITY"] == codes["QUOTA_EXCEEDED"] == ExitCode.NO_CAPACITY == 5
    assert codes["UNAVAILABLE"] == codes["BREAKER_OPEN"] == codes["DEADLINE_EXCEEDED"] == ExitCode.UNREACHABLE == 6
    assert codes["SAGA_FAILED"] == codes["SAGA_STUCK"] == ExitCode.SAGA_FAILED == 7
    assert codes["INVALID_ARGUMENT"] == ExitCode.USAGE == 2
    assert codes["CONFLICT"] == codes["INTERNAL"] == ExitCode.REFUSED == 1
    assert ExitCode.OK not in codes.values()


def test_a_field_violation_is_a_line_of_its_own():
    error = errors.InvalidArgument(
        "two are wrong",
        violations=[errors.FieldViolation("spec.cpu_cores", "too many"), errors.FieldViolation("name", "long")],
    )
    assert describe(error).splitlines()[1:] == ["  spec.cpu_cores: too many", "  name: long"]


def test_an_overloaded_service_says_when_to_come_back():
    assert "5 s" in advice(errors.Overloaded("full", retry_after_seconds=5))
