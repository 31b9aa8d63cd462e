"""``novacron breakers``: how each service sees the others, and what an operator does about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from novacron_cli import breakers_configure
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.output import Columns, Output, OutputOption, as_json, say, write_data, write_one, write_table
from novacron_cli.words import ago, word

if TYPE_CHECKING:
    from novacron_cli.breakers_reading import Row

_HELP = """The circuit breakers between services: how each sees the others.

A breaker stands in the caller, one for each target and class of methods. It is closed while calls go well. It opens when at \
least half of them fail or most are slow, refuses calls at once for some seconds, then lets a few through (half_open) to see \
whether the target is back.

    novacron breakers list

    novacron breakers open vm scheduler --reason "it is being moved"

    novacron breakers configure vm scheduler --failure-rate 0.2

`open`, `close`, `reset` and `disable` hold in the processes that run now, and end with them. What shall last, and hold in \
processes to come, is configured.
"""

app = typer.Typer(no_args_is_help=True, help=_HELP)
app.add_typer(breakers_configure.app)

CallerArgument = Annotated[str, typer.Argument(metavar="SERVICE", help="Whose breaker: the service that calls.")]
TargetArgument = Annotated[
    str, typer.Argument(metavar="TARGET", help="The service that is called, or 'agent HOST:PORT'.")
]
ClassOption = Annotated[
    str, typer.Option("--class", metavar="CLASS", help="Only this class of methods, as `list` shows it. Default: all.")
]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why. It is logged, and shown beside the breaker.")
]
_PANEL = "By hand, in the processes that run now"


@app.command("list")
@told
async def list_breakers(
    context: typer.Context,
    service: Annotated[
        list[str] | None, typer.Option(metavar="SERVICE", help="Only this service's breakers; may be repeated.")
    ] = None,
    target: Annotated[str, typer.Option(metavar="TARGET", help="Only breakers to this target.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """List the breakers of every service, with what they count.

    A breaker is there once its first call was made. Services that do not answer are named on stderr.
    """
    found = await _rows(context, service or [], target)
    if output is Output.TABLE:
        write_table(list(_COLUMNS), [[cell(row) for cell in _COLUMNS.values()] for row in found])
    else:
        write_data([_as_json(row) for row in found], output)


@app.command()
@told
async def show(
    context: typer.Context,
    service: CallerArgument,
    target: TargetArgument,
    breaker_class: ClassOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one service's breakers to a target: counts, numbers that hold, who set it and why, retries and places left."""
    from novacron.errors import NotFound

    found = [row for row in await _rows(context, [service], target) if breaker_class in ("", row.breaker.breaker_class)]
    if not found:
        raise NotFound.named("breaker", f"{service} to {target} {breaker_class}".rstrip())
    if output is not Output.TABLE:
        write_data([_as_json(row) for row in found], output)
        return
    for number, row in enumerate(found):
        if number:
            typer.echo()
        write_one(row, _FIELDS, output)


@app.command("open", rich_help_panel=_PANEL)
@told
async def open_breakers(
    context: typer.Context,
    service: CallerArgument,
    target: TargetArgument,
    reason: ReasonOption,
    breaker_class: ClassOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Refuse every call until told otherwise: the target is left in peace, and callers fail at once."""
    await _set(context, "OPEN", service, target, breaker_class, reason, output)


@app.command(rich_help_panel=_PANEL)
@told
async def close(
    context: typer.Context,
    service: CallerArgument,
    target: TargetArgument,
    reason: ReasonOption,
    breaker_class: ClassOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Send calls again, and judge them anew. If it trips again, it stays open longer than before."""
    await _set(context, "CLOSE", service, target, breaker_class, reason, output)


@app.command(rich_help_panel=_PANEL)
@told
async def reset(
    context: typer.Context,
    service: CallerArgument,
    target: TargetArgument,
    reason: ReasonOption,
    breaker_class: ClassOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Make it as it was when it was new: closed, its counts and trips forgotten."""
    await _set(context, "RESET", service, target, breaker_class, reason, output)


@app.command(rich_help_panel=_PANEL)
@told
async def disable(
    context: typer.Context,
    service: CallerArgument,
    target: TargetArgument,
    reason: ReasonOption,
    breaker_class: ClassOption = "",
    metrics_only: Annotated[
        bool, typer.Option("--metrics-only", help="Go on counting, so that `list` shows what it would judge by.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Send every call whatever comes of it. `close` ends that."""
    action = "METRICS_ONLY" if metrics_only else "DISABLE"
    await _set(context, action, service, target, breaker_class, reason, output)


async def _rows(context: typer.Context, services: list[str], target: str) -> list[Row]:
    from novacron.api.admin.v1 import ListBreakersRequest
    from novacron_cli import breakers_reading as reading

    chosen = reading.checked(services)
    async with connect(context) as connection:
        answers = await reading.everywhere(
            connection, chosen, lambda admin: admin.ListBreakers(ListBreakersRequest(target=target))
        )
    return reading.rows(answers)


async def _set(
    context: typer.Context, action: str, service: str, target: str, breaker_class: str, reason: str, output: Output
) -> None:
    from novacron.api.admin.v1 import BreakerAction, ListBreakersResponse, SetBreakerRequest
    from novacron_cli import breakers_reading as reading

    request = SetBreakerRequest(target=target, breaker_class=breaker_class, reason=reason)
    request.action = BreakerAction.Value(f"BREAKER_ACTION_{action}")  # type: ignore[assignment]
    chosen = reading.checked([service])
    async with connect(context) as connection:
        answers = await reading.everywhere(connection, chosen, lambda admin: admin.SetBreaker(request), missing_ok=True)
    done = [ListBreakersResponse(service=service, instance=one.instance, breakers=one.breakers) for one in answers]
    count = f"{len(done)} process{'es' if len(done) > 1 else ''} of {service}"
    say(
        f"set in {count}, until set otherwise or the process ends; `novacron breakers configure` is for what shall last"
    )
    found = reading.rows(done)
    if output is Output.TABLE:
        shown = {name: cell for name, cell in _COLUMNS.items() if name != "retries left"}
        write_table(list(shown), [[cell(row) for cell in shown.values()] for row in found])
    else:
        write_data([_as_json(row) for row in found], output)


def _as_json(row: Row) -> Any:
    data = {"service": row.service, "instance": row.instance, **as_json(row.breaker)}
    limits = as_json(row.target)
    limits.pop("target")
    return {**data, "limits": limits}


def _state(row: Row) -> str:
    from novacron.api.types.v1 import BreakerState

    return word(BreakerState, row.breaker.state)


def _short(row: Row) -> str:
    """`NodeService` says enough in a table; `show` has it whole."""
    return str(row.breaker.breaker_class).rpartition(".")[2]


def _percent(part: float) -> str:
    return f"{part * 100:.0f} %"


def _come_back(row: Row) -> str:
    breaker = row.breaker
    if _state(row) != "open":
        return ""
    if not breaker.HasField("retry_after"):
        return "when an operator closes it"
    return f"in {breaker.retry_after.ToTimedelta().total_seconds():.0f} s"


_COLUMNS = {
    "service": lambda row: row.service,
    "target": lambda row: row.breaker.target,
    "class": _short,
    "state": _state,
    "since": lambda row: ago(row.breaker.since),
    "calls": lambda row: str(row.breaker.calls),
    "failed": lambda row: _percent(row.breaker.failure_rate),
    "slow": lambda row: _percent(row.breaker.slow_rate),
    "in flight": lambda row: str(row.breaker.in_flight),
    "rejected": lambda row: str(row.breaker.rejected),
    "opened": lambda row: str(row.breaker.opened),
    "retries left": lambda row: f"{row.target.retry_budget_left:.1f}",
}
_FIELDS: Columns = {
    "service": lambda row: row.service,
    "process": lambda row: row.instance,
    "target": lambda row: row.breaker.target,
    "class": lambda row: row.breaker.breaker_class,
    "state": _state,
    "since": lambda row: f"{ago(row.breaker.since)} ago" if row.breaker.since.seconds else "",
    "probes again": _come_back,
    "set by": lambda row: row.breaker.set_by,
    "reason": lambda row: row.breaker.set_reason,
    "calls in its window": lambda row: str(row.breaker.calls),
    "failed": lambda row: _percent(row.breaker.failure_rate),
    "slow": lambda row: _percent(row.breaker.slow_rate),
    "in flight": lambda row: str(row.breaker.in_flight),
    "rejected": lambda row: str(row.breaker.rejected),
    "opened": lambda row: str(row.breaker.opened),
    "retries": lambda row: f"{row.target.retry_budget_left:.1f} left, {row.target.retries_refused} refused",
    "places": lambda row: (
        f"{row.target.bulkhead_in_flight} of {row.target.bulkhead_limit} taken, {row.target.bulkhead_queue} wait, "
        f"{row.target.bulkhead_refused} refused"
    ),
    "numbers": lambda row: breakers_configure.numbers(row.breaker.settings),
}
