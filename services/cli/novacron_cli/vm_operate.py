"""What the commands that order something of a VM have in common: begin it, follow its saga, show the VM."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import typer

from novacron_cli import vm_table
from novacron_cli.connection import connect
from novacron_cli.output import Output


async def operate(
    context: typer.Context,
    name: str,
    verb: str,
    begin: Callable[[Any, str], Awaitable[Any]],
    wanted: int | tuple[int, ...],
    wait: bool,
    output: Output,
) -> None:
    """Begin an operation, follow it to its end, and show the VM. :raises NovacronError: it did not do what it should."""
    from novacron.api.vm.v1 import VM_STATE_DELETED
    from novacron_cli import finding
    from novacron_cli.progress import Progress
    from novacron_cli.settle import settle

    async with connect(context) as connection:
        vm = await begin(connection.vms, await finding.vm_id(connection, name))
        if wait:
            with Progress(f"{verb} {vm.name}") as progress:
                settled = await settle(connection, vm, progress, free=wanted == VM_STATE_DELETED)
            ends = wanted if isinstance(wanted, tuple) else (wanted,)
            if settled.vm.state not in ends or not settled.succeeded:
                raise settled.failure()
            vm = settled.vm
        await vm_table.write_row(connection, vm, output)
