"""``novacron node events``: which nodes were lost, and when they were heard again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import LimitOption
from novacron_cli.output import Columns, Output, OutputOption, write_list
from novacron_cli.words import when, word

app = typer.Typer()
_PAGE = 1000


@app.command(epilog="Example:  novacron node events --after 41 -o json")
@told
async def events(
    context: typer.Context,
    after: Annotated[int, typer.Option(min=0, help="Only those after this sequence, the last that you know.")] = 0,
    limit: LimitOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List what became of nodes, oldest first: lost, when nothing was heard of one for a time beyond its lease, and returned.

    A node that is lost begins a new epoch: orders that were decided before are refused by its agent when it wakes. Its VMs are
    `unknown` until it returns.
    """
    from novacron.api.scheduler.v1 import ListNodeEventsRequest, NodeEventServiceStub

    found: list[Any] = []
    async with connect(context) as connection:
        stub = connection.of_scheduler(NodeEventServiceStub)
        while not limit or len(found) < limit:
            size = min(limit - len(found), _PAGE) if limit else _PAGE
            request = ListNodeEventsRequest(after_sequence=found[-1].sequence if found else after, page_size=size)
            page = (await stub.ListNodeEvents(request)).events
            found += page
            if len(page) < size:
                break
        write_list(found, _COLUMNS, output)


def _kind(event: Any) -> str:
    from novacron.api.scheduler.v1 import NodeEventKind

    return word(NodeEventKind, event.kind)


_COLUMNS: Columns = {
    "sequence": lambda event: str(event.sequence),
    "when": lambda event: when(event.time),
    "node": lambda event: event.node_name,
    "what": _kind,
    "epoch": lambda event: str(event.epoch),
}
