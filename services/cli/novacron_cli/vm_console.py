"""``novacron vm console``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import VmArgument
from novacron_cli.output import say

app = typer.Typer()

_PART = 256 * 1024
_PAUSE_SECONDS = 0.5


@app.command(epilog="Example:  novacron vm console web-1 -f")
@told
async def console(
    context: typer.Context,
    vm: VmArgument,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what the guest writes; Ctrl-C ends it.")
    ] = False,
) -> None:
    """Show what the guest wrote on its serial console, byte for byte."""
    import asyncio

    from novacron.api.vm.v1 import GetVmConsoleRequest
    from novacron.errors import Unavailable
    from novacron_cli import finding

    async with connect(context) as connection:
        request = GetVmConsoleRequest(vm_id=await finding.vm_id(connection, vm), limit=_PART)
        quiet = False
        seen = False
        while True:
            try:
                part = await connection.vms.GetVmConsole(request)
                seen, quiet = True, False
            except Unavailable as error:
                if not (follow and seen):
                    raise
                if not quiet:  # a restart of the service or the agent ends no console
                    say(f"{error.metadata.get('target', 'the vm service')} does not answer; asking again")
                quiet = True
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            sys.stdout.buffer.write(part.data)
            sys.stdout.buffer.flush()
            request.offset = part.next_offset
            if not part.data:
                if not follow:
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
