"""``novacron vm watch``."""

from __future__ import annotations

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import VmArgument
from novacron_cli.output import Output, OutputOption, as_json, printable, say, write_item
from novacron_cli.words import when, word

app = typer.Typer()


@app.command(epilog="Example:  novacron vm watch web-1 -o json | jq --unbuffered -r .to_state")
@told
async def watch(context: typer.Context, vm: VmArgument, output: OutputOption = Output.TABLE) -> None:
    """Show every change of a VM's state, past ones first, until it is deleted. Ctrl-C ends the watching alone.

    JSON comes as one object a line, YAML as one document each.
    """
    from novacron.api.vm.v1 import VmState
    from novacron_cli import finding
    from novacron_cli.settle import events

    async with connect(context) as connection:
        async for event in events(connection, await finding.vm_id(connection, vm), say):
            if output is not Output.TABLE:
                write_item(as_json(event), output)
                continue
            states = " -> ".join(word(VmState, state) for state in (event.from_state, event.to_state) if state)
            typer.echo(printable(f"{when(event.time)}  {states}{'  ' if event.reason else ''}{event.reason}"))
