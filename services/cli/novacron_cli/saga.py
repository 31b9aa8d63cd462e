"""``novacron saga``."""

from __future__ import annotations

from typing import Annotated

import typer

from novacron_cli import saga_operate
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import FilterOption, LimitOption
from novacron_cli.output import Columns, Output, OutputOption, write_list
from novacron_cli.saga_shown import OwnerOption, SagaArgument, state_of, write_saga
from novacron_cli.words import ago, lasted

app = typer.Typer(no_args_is_help=True, help="Sagas: the durable flows behind VMs.")
app.add_typer(saga_operate.app)


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
    saga: SagaArgument,
    service: OwnerOption = "vm",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show a saga with its timeline: every attempt of every step, what came of it, and what operators did."""
    from novacron.api.saga.v1 import GetSagaRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        saga_id = await finding.vm_id(connection, saga)
        found = await connection.sagas(service).GetSaga(GetSagaRequest(saga_id=saga_id))
        write_saga(found, output)


_COLUMNS: Columns = {
    "saga": lambda saga: saga.saga_id,
    "name": lambda saga: saga.name,
    "state": state_of,
    "age": lambda saga: ago(saga.created_at),
    "took": lambda saga: lasted(saga.created_at, saga.finished_at),
    "error": lambda saga: saga.error,
}
