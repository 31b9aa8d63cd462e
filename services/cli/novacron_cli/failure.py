"""What went wrong, told to a person, and the exit code that tells it to a program."""

from __future__ import annotations

import enum
import functools
import os
import traceback
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ParamSpec

import typer

from novacron_cli.output import say

if TYPE_CHECKING:
    from novacron.errors import NovacronError

P = ParamSpec("P")


class ExitCode(enum.IntEnum):
    """Scripts depend on these numbers: they are never changed."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    NO_CAPACITY = 5
    UNREACHABLE = 6
    SAGA_FAILED = 7
    INTERRUPTED = 130


# For the end of `novacron --help`.
EXIT_CODES = (
    "Exit codes: 0 done; 1 refused, or a fault; 2 wrong usage or a wrong value; 3 not found; 4 not logged in, or not allowed; "
    "5 no capacity or quota; 6 not reachable, or too slow; 7 a saga failed and was undone, or is stuck; 130 interrupted."
)

# Where a person finds what a NotFound did not, by its resource type.
_LISTS = {
    kind: f"novacron {command} list"
    for command, kinds in {
        "vm": ("vm",),
        "template": ("template",),
        "node": ("node",),
        "provider": ("provider", "cloud_provider", "cloud provider"),
        "service": ("service",),
        "saga": ("saga",),
        "breakers": ("breaker",),
        "role": ("role",),
        "api-key": ("API key",),
    }.items()
    for kind in kinds
}


class Refusal(Exception):
    """This command itself says no. ``hint`` says what to do next."""

    def __init__(self, message: str, code: ExitCode = ExitCode.REFUSED, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint


def told(command: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A command that may raise anything: what it raises is told on stderr, and becomes its exit code."""

    @functools.wraps(command)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        import asyncio

        try:
            asyncio.run(command(*arguments, **named))
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except Exception as error:
            raise typer.Exit(tell(error)) from None

    return run


def tell(error: Exception) -> ExitCode:
    """Write ``error`` on stderr, what was wrong first and what to do next after it, and give its exit code."""
    from novacron.errors import NovacronError

    if isinstance(error, Refusal):
        message, hint, code = error.message, error.hint, error.code
    elif isinstance(error, NovacronError):
        message, hint, code = describe(error), advice(error), exit_code(error)
    else:
        message = f"unexpected {type(error).__name__}: {error}"
        hint, code = "this is a fault of the command; NOVACRON_DEBUG=1 shows where", ExitCode.REFUSED
    if os.environ.get("NOVACRON_DEBUG"):
        traceback.print_exception(error)
    say(f"novacron: {message}")
    if hint:
        say(f"  -> {hint}")
    return code


def exit_code(error: NovacronError) -> ExitCode:
    """The exit code of a typed error."""
    from novacron import errors

    table: tuple[tuple[tuple[type[NovacronError], ...], ExitCode], ...] = (
        ((errors.InvalidArgument, errors.OutOfRange), ExitCode.USAGE),
        ((errors.NotFound,), ExitCode.NOT_FOUND),
        ((errors.Unauthenticated, errors.PermissionDenied), ExitCode.NOT_ALLOWED),
        ((errors.NoCapacity, errors.QuotaExceeded), ExitCode.NO_CAPACITY),
        ((errors.Unavailable, errors.DeadlineExceeded, errors.Overloaded), ExitCode.UNREACHABLE),
        ((errors.SagaFailed, errors.SagaStuck, errors.StepCompensated), ExitCode.SAGA_FAILED),
    )
    return next((code for kinds, code in table if isinstance(error, kinds)), ExitCode.REFUSED)


def describe(error: NovacronError) -> str:
    """The error's message, where it came from when nobody answered there, and every bad field on a line of its own."""
    from novacron.errors import DeadlineExceeded, Unavailable

    target = error.metadata.get("target", "")
    if isinstance(error, Unavailable) and target:
        cause = error.message.rpartition("last error: ")[2].removeprefix("UNKNOWN: ")
        return f"{target} does not answer: {cause}"
    if isinstance(error, DeadlineExceeded) and target:
        return f"{target} took too long: {error.message}"
    if not error.violations:
        return error.message
    lines = [f"  {one.field or 'request'}: {one.description}" for one in error.violations]
    return "\n".join(["the request is not valid:", *lines])


def advice(error: NovacronError) -> str:
    """What to do next about a typed error; empty where its message says it already."""
    from novacron import errors

    kind = error.metadata.get("resource_type", "")
    if isinstance(error, errors.Unavailable) and "certificate" in error.message.lower():
        return (
            "its certificate is not of the CA that this profile trusts: check --ca-file, or `novacron login` elsewhere"
        )
    if isinstance(error, errors.NotFound) and kind in _LISTS:
        return f"`{_LISTS[kind]}` shows what there is"
    if (saga_id := error.metadata.get("saga_id", "")) and not isinstance(
        error, errors.NoCapacity | errors.QuotaExceeded
    ):
        return "" if "novacron saga show" in error.message else f"`novacron saga show {saga_id}` shows every step"
    if isinstance(error, errors.Overloaded):
        return f"come back in {error.retry_after_seconds or 1:g} s"
    table: tuple[tuple[type[NovacronError], str], ...] = (
        (errors.Unauthenticated, "log in with `novacron login`"),
        (errors.PermissionDenied, "ask an administrator for it, or log in as somebody else: `novacron login USER`"),
        (errors.NoCapacity, "ask for less, or see what is free: `novacron node list`"),
        (errors.QuotaExceeded, "delete what is not needed, or ask an administrator for more"),
        (errors.Unavailable, "see what runs with `novacron status`, start it with `novacron up`, or check --endpoint"),
        (errors.DeadlineExceeded, "it may have happened all the same: look before you repeat it"),
        (errors.Conflict, "somebody else was faster: look again, then repeat the command"),
        (errors.AlreadyExists, "choose another name, or look at what is there"),
        (errors.InvalidArgument, "--help shows what this command takes"),
        (errors.SagaStuck, "an operator has to step in: `novacron saga list --state stuck`"),
        (errors.Internal, "the service's log has more: `novacron logs`"),
    )
    return next((text for kind_of, text in table if isinstance(error, kind_of)), "")
