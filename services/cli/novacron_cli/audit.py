"""``novacron audit``."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, told
from novacron_cli.output import Output, OutputOption, say, write_data, write_table

if TYPE_CHECKING:
    from novacron_cli.audit_rules import Breach, Snapshot

app = typer.Typer()

_COLUMNS = ("invariant", "subject", "what", "advice")
# Long enough for a saga to commit what it was about to when the first reading passed by.
_PAUSE_SECONDS = 1.0


@app.command(
    epilog="Example:  novacron audit -o json | jq -r '.[].subject_id'    Exit codes: 0 nothing is broken; 1 something is."
)
@told
async def audit(context: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Read all services and report everything that contradicts something else.

    Nothing is mended by it, and nothing is changed: each line says what to do.

    stuck-saga: a saga that waits for an operator.

    abandoned-saga: no worker holds it and none will take it, or it is overdue by more than 70 s (this machine's clock).

    vm-held-by-finished-saga: a VM that waits for a saga which is over.

    two-vms-of-one-name: in one tenant, and neither is deleted.

    reservation-without-vm, monitoring-without-vm: kept for a VM that is deleted, in error or not there, and for no saga.

    vm-without-reservation: a running or stopped VM holds nothing on its node.

    vm-without-monitoring: a running VM whose samples are dropped.

    node-sum: what a node counts as taken is not what its reservations hold.

    node-above-capacity: more is taken of a node than may be.

    What looks broken is read again a second later, and only what is broken both times is reported.

    It takes vm:read, saga:read, node:read, reservation:read and metrics:read. Whoever is no admin sees one tenant.
    """
    import asyncio

    from novacron_cli import audit_reading
    from novacron_cli.audit_rules import breaches, in_both

    async with connect(context) as connection:
        whole = await audit_reading.sees_all_tenants(connection)
        snapshot = await audit_reading.read(connection, whole=whole)
        found = breaches(snapshot)
        if found:
            await asyncio.sleep(_PAUSE_SECONDS)
            snapshot = await audit_reading.read(connection, whole=whole)
            found = in_both(found, breaches(snapshot))
    _write(found, output)
    say(_summary(found, snapshot))
    if found:
        raise typer.Exit(ExitCode.REFUSED)


def _write(found: list[Breach], output: Output) -> None:
    if output is not Output.TABLE:
        names = [one.name for one in fields(found[0])] if found else []
        write_data([{name: getattr(breach, name) for name in names if name != "evidence"} for breach in found], output)
    elif found:
        write_table(_COLUMNS, [[getattr(breach, name) for name in _COLUMNS] for breach in found])


def _summary(found: list[Breach], snapshot: Snapshot) -> str:
    counts = (
        f"{sum(vm.state != 'deleted' for vm in snapshot.vms)} VMs, {len(snapshot.sagas)} sagas, "
        f"{len(snapshot.nodes)} nodes, {len(snapshot.reservations)} reservations, {len(snapshot.monitored)} monitored"
    )
    seen = "" if snapshot.whole else "; only your tenant was seen"
    return f"{f'{len(found)} broken' if found else 'nothing is broken'}: {counts}{seen}"
