"""``novacron audit``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import ExitCode, Refusal, told
from novacron_cli.output import Columns, Output, OutputOption, say, write_data, write_list, write_table
from novacron_cli.words import when

if TYPE_CHECKING:
    from novacron_cli.audit_facts import Breach, Snapshot
    from novacron_cli.audit_fix import Outcome
    from novacron_cli.connection import Connection

app = typer.Typer()

_COLUMNS = ("invariant", "subject", "what", "advice")
_DATA = ("invariant", "subject_id", "subject", "what", "advice")
# Long enough for a saga to commit what it was about to when the first reading passed by.
_PAUSE_SECONDS = 1.0


@app.command(
    epilog="Examples:  novacron audit -o json | jq -r '.[].subject_id'    novacron audit --fix --yes --reason 'lost host'"
    "    Exit codes: 0 nothing is broken (any more); 1 something is."
)
@told
async def audit(
    context: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe to mend: say what, ask, do it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --fix: do not ask.")] = False,
    destroy_unknown: Annotated[
        bool,
        typer.Option(
            "--destroy-unknown",
            help="With --fix: also domains of which nothing was ever known. After a restore of an older backup these are VMs!",
        ),
    ] = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="With --fix: why. It stays with what was broken.")] = "",
    history: Annotated[bool, typer.Option("--history", help="List what was mended before, and why, instead.")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Read all services and agents and report everything that contradicts something else.

    Nothing is mended unless --fix says so: each line says what to do.

    stuck-saga: a saga that waits for an operator.

    abandoned-saga: no worker holds it and none will take it, or it is overdue by more than 70 s (this machine's clock).

    vm-held-by-finished-saga: a VM that waits for a saga which is over.

    two-vms-of-one-name: in one tenant, and neither is deleted.

    node-unread: a node on which VMs have their places, and whose agent does not answer.

    domain-without-vm (*): a domain whose VM is deleted, was undone or never was.

    domain-elsewhere, vm-without-domain: a domain where its VM is not, a VM without one where it is.

    reservation-without-vm (*), monitoring-without-vm (*): kept for a VM that is gone, and for no saga.

    reservation-elsewhere (*): a VM holds a place on a node where it is not.

    vm-without-reservation: a running or stopped VM holds nothing on its node.

    displaced-vm-runs, displaced-vm-holds-place: a VM that gave way to another, and did not.

    vm-without-monitoring (*): a running VM whose samples are dropped.

    node-sum: what a node counts as taken is not what its reservations hold.

    node-above-capacity: more is taken of a node than may be.

    (*) --fix mends it. The vm service looks once more before it mends anything,
    with the VM kept still: what is needed again by then is left alone.

    What looks broken is read again a second later, and only what is broken both
    times is reported.

    It takes vm:read, saga:read, node:read, reservation:read and metrics:read.
    Whoever is no admin sees one tenant and no domains; --fix is for admins.
    """
    if not fix and (yes or destroy_unknown or reason):
        raise Refusal(
            "--yes, --destroy-unknown and --reason go with --fix", ExitCode.USAGE, "add --fix, or leave them out"
        )
    async with connect(context) as connection:
        if history:
            await _history(connection, output)
            return
        found, snapshot = await _read(connection)
        if fix:
            found = await _fix(connection, found, output, yes=yes, unknown=destroy_unknown, reason=reason)
        else:
            _write(found, output)
            say(_summary(found, snapshot))
    if found:
        raise typer.Exit(ExitCode.REFUSED)


async def _read(connection: Connection) -> tuple[list[Breach], Snapshot]:
    """What is broken in two readings, and the last of them."""
    import asyncio

    from novacron_cli import audit_reading
    from novacron_cli.audit_rules import breaches, in_both

    whole = await audit_reading.sees_all_tenants(connection)
    snapshot = await audit_reading.read(connection, whole=whole)
    found = breaches(snapshot)
    if found:
        await asyncio.sleep(_PAUSE_SECONDS)
        snapshot = await audit_reading.read(connection, whole=whole)
        found = in_both(found, breaches(snapshot))
    return found, snapshot


async def _fix(
    connection: Connection, before: list[Breach], output: Output, *, yes: bool, unknown: bool, reason: str
) -> list[Breach]:
    """Mend what may be mended, and what is broken after that."""
    from novacron_cli import audit_fix

    plan = audit_fix.planned(before, unknown=unknown)
    for breach in plan:
        assert breach.repair is not None
        say(f"{'will' if yes else 'would'} {breach.repair.words}: {breach.what}")
    left_out = [one for one in audit_fix.planned(before, unknown=True) if one not in plan]
    if left_out:
        say(f"{len(left_out)} of domains of which nothing was ever known are left: see --destroy-unknown")
    wanted = bool(plan) and (yes or _asked(len(plan)))
    refused = await audit_fix.mend(connection, plan, reason) if wanted else {}
    after, snapshot = await _read(connection) if wanted else (before, None)
    tried = plan if wanted else []
    _write_outcomes(audit_fix.outcomes(before, tried, refused, after), output)
    if snapshot is not None:
        say(_summary(after, snapshot))
    else:
        say(f"{len(after)} broken, and nothing was changed" if after else "nothing is broken")
    return after


def _asked(count: int) -> bool:
    if not sys.stdin.isatty():
        raise Refusal(
            "nobody is there to be asked", ExitCode.USAGE, "--yes does it without asking; nothing was changed"
        )
    return typer.confirm(f"mend {'this' if count == 1 else f'these {count}'}?", err=True)


async def _history(connection: Connection, output: Output) -> None:
    from novacron.api.vm.v1 import ListRepairsRequest
    from novacron_cli import finding

    write_list(
        await finding.everything(connection.repairs.ListRepairs, ListRepairsRequest(), "repairs"), _REPAIRS, output
    )


def _write(found: list[Breach], output: Output) -> None:
    if output is not Output.TABLE:
        write_data([{name: getattr(breach, name) for name in _DATA} for breach in found], output)
    elif found:
        write_table(_COLUMNS, [[getattr(breach, name) for name in _COLUMNS] for breach in found])


def _write_outcomes(found: list[Outcome], output: Output) -> None:
    if output is not Output.TABLE:
        rows = [{**{name: getattr(one.breach, name) for name in _DATA}, "outcome": one.told} for one in found]
        write_data(rows, output)
    elif found:
        columns = ("invariant", "subject", "outcome", "what", "advice")
        shown = [(one.breach, one.told, one.told.startswith(("mended", "no longer"))) for one in found]
        write_table(
            columns,
            [[b.invariant, b.subject, told, b.what, "" if over else b.advice] for b, told, over in shown],
        )


def _summary(found: list[Breach], snapshot: Snapshot) -> str:
    counts = (
        f"{sum(vm.state != 'deleted' for vm in snapshot.vms)} VMs, {len(snapshot.sagas)} sagas, "
        f"{len(snapshot.nodes)} nodes, {len(snapshot.domains)} domains, {len(snapshot.reservations)} reservations, "
        f"{len(snapshot.monitored)} monitored"
    )
    if not snapshot.whole:
        counts += "; only your tenant was seen, and no domains"
    elif snapshot.unread:
        names = sorted(snapshot.node_names.get(one, one) for one in snapshot.unread)
        counts += f"; not seen, what is on {', '.join(names)}: no agent answers there"
    return f"{f'{len(found)} broken' if found else 'nothing is broken'}: {counts}"


_REPAIRS: Columns = {
    "time": lambda one: when(one.time),
    "did": lambda one: one.action,
    "vm": lambda one: one.vm_id,
    "node": lambda one: one.node_id,
    "operator": lambda one: one.initiated_by,
    "outcome": lambda one: one.outcome or "not known",
    "reason": lambda one: one.reason,
}
