"""``novacron vm why``: the decision behind a VM's place."""

from __future__ import annotations

from typing import Any

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import VmArgument
from novacron_cli.output import Columns, Output, OutputOption, write_one
from novacron_cli.words import when

app = typer.Typer()


@app.command(epilog="Example:  novacron vm why web-1 -o json | jq .removedByFilter")
@told
async def why(context: typer.Context, vm: VmArgument, output: OutputOption = Output.TABLE) -> None:
    """Say why a VM is where it is, who gave way to it, or why it is nowhere: the newest decision about it."""
    from novacron.api.scheduler.v1 import GetSchedulingDecisionRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        request = GetSchedulingDecisionRequest(vm_id=await finding.vm_id(connection, vm))
        write_one(await connection.reservations.GetSchedulingDecision(request), _FIELDS, output)


def _candidates(decision: Any) -> str:
    return ", ".join(f"{one.name} {one.score:.2f}" for one in decision.candidates)


_FIELDS: Columns = {
    "decided": lambda decision: when(decision.decision_time),
    "reason": lambda decision: decision.explanation,
    "candidates": _candidates,
    "algorithm": lambda decision: decision.decision_algorithm,
    "decision": lambda decision: decision.decision_id,
}
