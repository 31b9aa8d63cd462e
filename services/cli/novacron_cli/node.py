"""``novacron node``."""

from __future__ import annotations

from typing import Annotated

import typer

from novacron_cli import node_drain, node_events, quantities
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.node_table import COLUMNS, FIELDS, NodeArgument
from novacron_cli.options import FilterOption, LimitOption
from novacron_cli.output import Output, OutputOption, write_list, write_one

app = typer.Typer(no_args_is_help=True, help="Nodes: the hosts that run VMs.")


@app.command("list", epilog="Example:  novacron node list --status ready --label disk=ssd")
@told
async def list_nodes(
    context: typer.Context,
    status: Annotated[
        str, typer.Option(help="Only nodes in this state: ready, not_ready, unknown (lost), maintenance.")
    ] = "",
    label: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Only nodes with this label.")] = None,
    filter: FilterOption = "",
    limit: LimitOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List nodes by name, with what VMs have taken of what they may take."""
    labels = quantities.pairs(label or ())
    from novacron.api.scheduler.v1 import ListNodesRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        conditions = finding.conditions(
            f"status = {finding.quoted(status.lower())}" if status else "",
            *(f"labels.{key} = {finding.quoted(value)}" for key, value in labels.items()),
            filter,
        )
        request = ListNodesRequest(filter=conditions)
        nodes = await finding.everything(connection.nodes.ListNodes, request, "nodes", limit)
        write_list(nodes, COLUMNS, output)


@app.command()
@told
async def show(context: typer.Context, node: NodeArgument, output: OutputOption = Output.TABLE) -> None:
    """Show one node."""
    from novacron.api.scheduler.v1 import GetNodeRequest

    async with connect(context) as connection:
        write_one(await connection.nodes.GetNode(GetNodeRequest(node=node)), FIELDS, output)


app.add_typer(node_drain.app)
app.add_typer(node_events.app)
