"""Data on stdout: tables for people, JSON and YAML for programs. Everything else that a command says goes to stderr.

JSON is the proto's own JSON with the proto's field names: lower_snake, stable, every field present. int64 values are
strings, as ProtoJSON has it. A list is an array, whatever the pages it came in.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.text import Text


class Output(StrEnum):
    """How data is written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="A table for people, JSON or YAML for programs.")]
# Columns of a terminal from which on a table with ids is not folded.
_WIDE = 120
# Heading and cell of each column, in order.
Columns = Mapping[str, Callable[[Any], str]]


def write_list(messages: Sequence[Any], columns: Columns, output: Output) -> None:
    """A row for each message, or an array of them. A narrow terminal shows no ids: names do as well in every command."""
    if output is Output.TABLE:
        shown = {heading: cell for heading, cell in columns.items() if heading != "id" or _has_room_for_ids()}
        write_table(list(shown), [[cell(message) for cell in shown.values()] for message in messages])
    else:
        write_data([as_json(message) for message in messages], output)


def write_one(message: Any, fields: Columns, output: Output) -> None:
    """A line for each field that says something, or the message as an object."""
    if output is Output.TABLE:
        values = [(f"{heading}:", cell(message)) for heading, cell in fields.items()]
        write_table((), [(heading, value) for heading, value in values if value])
    else:
        write_data(as_json(message), output)


def write_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table; the first column is never cut, because it names the thing.

    Off a terminal nothing is coloured, and no line is cut or broken, so that grep finds it.
    """
    if not sys.stdout.isatty():
        for line in _aligned([heading.upper() for heading in headings], rows):
            typer.echo(line)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(headings), header_style="bold")
    for number in range(max((len(row) for row in rows), default=len(headings))):
        heading = headings[number].upper() if headings else ""
        table.add_column(heading, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(_styled(cell) for cell in row))
    Console().print(table)


def write_data(value: Any, output: Output) -> None:
    """JSON or YAML of plain data."""
    if output is Output.YAML:
        import yaml

        typer.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), nl=False)
    else:
        typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def write_item(value: Any, output: Output) -> None:
    """One of an endless series: a line of JSON, or a YAML document."""
    if output is Output.YAML:
        typer.echo("---")
        write_data(value, output)
    else:
        typer.echo(json.dumps(value, ensure_ascii=False))


def as_json(message: Any) -> Any:
    """A protobuf message as plain data with the proto's field names."""
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def say(message: str) -> None:
    """Something that is not data."""
    typer.echo(printable(message), err=True)


def printable(text: str) -> str:
    """``text`` without power over the terminal: what users and guests wrote may hold escape sequences."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


_STYLES = {
    **dict.fromkeys(("running", "ready", "healthy", "succeeded", "ok"), "green"),
    **dict.fromkeys(("creating", "compensating", "degraded", "started", "unknown", "maintenance"), "yellow"),
    **dict.fromkeys(("error", "stuck", "not_ready", "unhealthy", "refused", "compensated"), "red"),
}


def _has_room_for_ids() -> bool:
    return not sys.stdout.isatty() or shutil.get_terminal_size().columns >= _WIDE


def _styled(cell: str) -> Text:
    from rich.text import Text

    return Text(printable(cell), style=_STYLES.get(cell, ""))


def _aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [[printable(cell).replace("\n", " ") for cell in row] for row in ([headings] if headings else []) + [*rows]]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
