"""``novacron saga``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import FilterOption, LimitOption
from novacron_cli.output import Columns, Output, OutputOption, write_list, write_one
from novacron_cli.words import ago, elapsed, lasted, when, word

app = typer.Typer(no_args_is_help=True, help="Sagas: the durable flows behind VMs.")

OwnerOption = Annotated[str, typer.Option("--service", metavar="SERVICE", help="The service whose sagas are meant.")]


@app.command("list", epilog="Example:  novacron saga list --state stuck")
@told
async def list_sagas(
    context: typer.Context,
    state: Annotated[
        str, typer.Option(help="Only these: running, compensating, succeeded, compensated or stuck.")
    ] = "",
    name: Annotated[str, typer.Option(help="Only sagas of this name, such as create-vm.")] = "",
    filter: FilterOption = "",
    service: OwnerOption = "vm",
    limit: LimitOption = 100,
    output: OutputOption = Output.TABLE,
) -> None:
    """List sagas, newest first."""
    from novacron.api.saga.v1 import ListSagasRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        conditions = finding.conditions(
            f"state = {finding.quoted(state.lower())}" if state else "",
            f"name = {finding.quoted(name)}" if name else "",
            filter,
        )
        call = connection.sagas(service).ListSagas
        sagas = await finding.everything(call, ListSagasRequest(filter=conditions), "sagas", limit)
        write_list(sagas, _COLUMNS, output)


@app.command(epilog="Example:  novacron saga show web-1")
@told
async def show(
    context: typer.Context,
    saga: Annotated[str, typer.Argument(metavar="SAGA", help="Its id, or a VM's name for the saga that made it.")],
    service: OwnerOption = "vm",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show a saga with its timeline: every attempt of every step, what came of it, and how long it took."""
    from novacron.api.saga.v1 import GetSagaRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        saga_id = await finding.vm_id(connection, saga)
        found = await connection.sagas(service).GetSaga(GetSagaRequest(saga_id=saga_id))
        write_one(found, _FIELDS, output)
        if output is Output.TABLE and found.attempts:
            typer.echo()
            write_list(found.attempts, _timeline(found), output)


def _state(saga: Any) -> str:
    from novacron.api.saga.v1 import SagaState

    return word(SagaState, saga.state)


_COLUMNS: Columns = {
    "saga": lambda saga: saga.saga_id,
    "name": lambda saga: saga.name,
    "state": _state,
    "age": lambda saga: ago(saga.created_at),
    "took": lambda saga: lasted(saga.created_at, saga.finished_at),
    "error": lambda saga: saga.error,
}
_FIELDS: Columns = {
    "id": lambda saga: saga.saga_id,
    "name": lambda saga: f"{saga.name} (version {saga.version})",
    "state": _state,
    "error": lambda saga: saga.error,
    "cancel": lambda saga: "requested" if saga.cancel_requested else "",
    "tenant": lambda saga: saga.tenant_id,
    "worker": lambda saga: f"{saga.owner} (epoch {saga.epoch})" if saga.owner else "",
    "lease until": lambda saga: when(saga.lease_until),
    "deadline": lambda saga: "" if saga.finished_at.seconds else when(saga.deadline),
    "created": lambda saga: when(saga.created_at),
    "finished": lambda saga: when(saga.finished_at),
    "took": lambda saga: lasted(saga.created_at, saga.finished_at),
    "trace id": lambda saga: saga.trace_id,
}


def _timeline(saga: Any) -> Columns:
    return {
        "step": lambda attempt: attempt.step,
        "operation": lambda attempt: attempt.operation,
        "attempt": lambda attempt: str(attempt.attempt),
        "outcome": lambda attempt: attempt.outcome,
        "began": lambda attempt: f"+{elapsed(saga.created_at, attempt.started_at):.2f} s",
        "took": lambda attempt: lasted(attempt.started_at, attempt.finished_at),
        "epoch": lambda attempt: str(attempt.epoch),
        "error": lambda attempt: attempt.error,
    }
