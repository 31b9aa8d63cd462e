"""``novacron up``, ``down``, ``status``, ``logs`` and ``reset``: the stack on this machine.

What these need is imported inside them: ``novacron --help`` waits for none of it.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .layout import DEFAULT_PORT_BASE, LocalStackError, data_directory

if TYPE_CHECKING:
    from .stack import StackConfig
    from .state import StackRecord

app = typer.Typer(no_args_is_help=True, help="The stack on this machine.")


class DriverChoice(StrEnum):
    """What the agent runs guests with. auto: libvirt where it works, else simulated."""

    AUTO = "auto"
    LIBVIRT = "libvirt"
    SIMULATED = "simulated"


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def _or_the_programs(context: typer.Context, given: Path | None) -> Path | None:
    """`novacron --data-dir X up` means what `novacron up --data-dir X` means."""
    return given or context.find_root().params.get("data_dir")


DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Where this stack keeps everything. Default: $NOVACRON_HOME, else the nearest .novacron",
        show_default=False,
        callback=_or_the_programs,
    ),
]


@app.command()
def up(
    data_dir: DataDir = None,
    port_base: Annotated[
        int, typer.Option(min=1024, max=65000, help="Ports are counted from here.")
    ] = DEFAULT_PORT_BASE,
    driver: Annotated[DriverChoice, typer.Option(help="What runs the guests.")] = DriverChoice.AUTO,
    agents: Annotated[int, typer.Option(min=1, max=400, help="How many agents; above 1 all are simulated.")] = 1,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when ready, and leave it running.")] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Give up when it is not ready after so many seconds.")] = 120.0,
) -> None:
    """Start NovaCron on this machine: databases, services, agents, supervised until stopped."""
    from .stack import StackConfig

    if agents > 1 and driver is DriverChoice.LIBVIRT:
        _fail("one host is one libvirt: --agents above 1 goes with --driver simulated")
    chosen = DriverChoice.SIMULATED if agents > 1 else driver
    config = StackConfig(data_directory(data_dir), port_base, chosen.value, agents, ready_timeout=timeout)
    try:
        if detach:
            _up_detached(config)
        else:
            _up_here(config)
    except LocalStackError as error:
        _fail(str(error))


@app.command()
def down(data_dir: DataDir = None) -> None:
    """Stop NovaCron on this machine. Guests keep running, and so does nothing else."""
    from . import outside

    data = data_directory(data_dir)
    try:
        stopped = outside.stop(data)
    except LocalStackError as error:
        _fail(str(error))
    typer.echo("stopped" if stopped else f"nothing runs on {data.path}")


@app.command()
def status(data_dir: DataDir = None, output: Annotated[Output, typer.Option("--output", "-o")] = Output.TABLE) -> None:
    """Show every process of the stack. Exit status 1 when one of them does not serve."""
    from rich.console import Console

    from . import state
    from .display import status_table

    data = data_directory(data_dir)
    record = state.read(data.state)
    if record is None:
        if output is not Output.TABLE:
            _print({"state": "stopped", "serving": False, "processes": []}, output)
            raise typer.Exit(1)
        _fail(f"nothing runs on {data.path}: start it with `novacron up`")
    _correct(record)
    if output is Output.TABLE:
        Console().print(status_table(record))
    else:
        from dataclasses import asdict

        _print({"serving": record.serving, **asdict(record)}, output)
    raise typer.Exit(0 if record.serving else 1)


@app.command()
def logs(
    process: Annotated[str | None, typer.Argument(help="One process's; without it everybody's.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each.")] = 100,
    data_dir: DataDir = None,
) -> None:
    """Show what the processes of the stack wrote."""
    import time

    from .follow import Followed, tails

    data = data_directory(data_dir)
    found = {path.stem: path for path in sorted(data.logs.glob("*.log"))}
    if process is not None and process not in found:
        _fail(f"no log of {process!r}; there are: {', '.join(found) or 'none'}")
    chosen = found if process is None else {process: found[process]}
    followed = {name: Followed(path) for name, path in chosen.items()} if follow else {}
    for name, line in tails(chosen, lines):
        typer.echo(line if process else f"{name:<12} | {line}")
    try:
        while followed:
            for name, log in followed.items():
                for line in log.lines():
                    typer.echo(line if process else f"{name:<12} | {line}")
            time.sleep(0.2)
    except KeyboardInterrupt:
        pass


@app.command()
def reset(
    data_dir: DataDir = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop NovaCron, remove the guests it made on this machine, and delete its data directory."""
    from . import outside
    from .guests import count_guests, remove_guests
    from .reset import delete_data

    data = data_directory(data_dir)
    if not data.path.exists():
        typer.echo(f"{data.path} does not exist")
        return
    if not data.is_ours:
        _fail(f"{data.path} is not a NovaCron data directory")
    try:
        guests = count_guests(data)
        typer.echo(f"this deletes {data.path}" + (f" and {guests} guest(s) with their disks" if guests else ""))
        if not yes:
            typer.confirm("go on?", abort=True)
        outside.stop(data)
        remove_guests(data)
        delete_data(data)
    except LocalStackError as error:
        _fail(str(error))
    typer.echo("deleted")


def _up_here(config: StackConfig) -> None:
    import asyncio

    from rich.console import Console

    from . import display
    from .stack import Stack
    from .state import ProcessRecord, StackState
    from .table import novacron

    console = Console()
    with display.StartDisplay(console) as starting:
        shown_ready = False

        def changed(record: StackRecord, process: ProcessRecord | None) -> None:
            nonlocal shown_ready
            if not shown_ready and record.state in (StackState.STARTING, StackState.READY):
                starting.show(record)
            if record.state is not StackState.STARTING:
                starting.close()
            if record.state is StackState.READY and not shown_ready:
                shown_ready = True
                display.print_ready(console, config.data, record)
                console.print("\nCtrl-C stops it")
            elif (line := display.change_line(record, process)) is not None:
                console.print(line, soft_wrap=True)

        asyncio.run(Stack(config, novacron, changed).run())


def _up_detached(config: StackConfig) -> None:
    from rich.console import Console

    from . import display, outside

    console = Console()
    with display.StartDisplay(console) as starting:
        record = outside.start_detached(config, starting.show)
    display.print_ready(console, config.data, record)
    console.print("\nit runs in the background: `novacron status`, `novacron logs -f`, `novacron down`", soft_wrap=True)


def _correct(record: StackRecord) -> None:
    """What a killed supervisor wrote last is no longer so."""
    from .state import ProcessState, StackState

    if record.alive:
        return
    record.state = StackState.STOPPED
    for process in record.processes:
        if not process.alive:
            process.state, process.pid, process.detail = ProcessState.STOPPED, None, ""
        else:
            process.state, process.detail = ProcessState.UNREADY, "its supervisor is gone; `novacron down` ends it"


def _print(value: Any, output: Output) -> None:
    import json

    if output is Output.JSON:
        typer.echo(json.dumps(value, indent=2))
    else:
        import yaml

        typer.echo(yaml.safe_dump(json.loads(json.dumps(value)), sort_keys=False), nl=False)  # no enums in YAML


def _fail(message: str) -> NoReturn:
    typer.echo(f"novacron: {message}", err=True)
    raise typer.Exit(1)
