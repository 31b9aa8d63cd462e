"""``novacron saga retry|skip|compensate|resolve|cancel``: what an operator does with a saga, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.output import Output, OutputOption, say
from novacron_cli.saga_shown import OwnerOption, SagaArgument, write_saga

app = typer.Typer()

ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why. It stays with the saga for everybody to read.")
]
_PANEL = "Where a saga waits for a person"


@app.command(rich_help_panel=_PANEL, epilog='Example:  novacron saga retry web-1 --reason "the scheduler is back"')
@told
async def retry(
    context: typer.Context,
    saga: SagaArgument,
    reason: ReasonOption,
    service: OwnerOption = "vm",
    output: OutputOption = Output.TABLE,
) -> None:
    """Let a stuck saga go on where it stands, with all attempts of its step granted anew."""
    await _operate(context, "RetrySaga", saga, reason, service, output, "goes on where it was stuck")


@app.command(rich_help_panel=_PANEL, epilog='Example:  novacron saga skip web-1 activate --reason "confirmed by hand"')
@told
async def skip(
    context: typer.Context,
    saga: SagaArgument,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step that it is stuck at.")],
    reason: ReasonOption,
    service: OwnerOption = "vm",
    output: OutputOption = Output.TABLE,
) -> None:
    """Count the step that a saga is stuck at as done, because you did by hand what it should have done."""
    await _operate(context, "SkipSagaStep", saga, reason, service, output, f"goes on behind {step}", step=step)


@app.command(rich_help_panel=_PANEL, epilog='Example:  novacron saga compensate web-1 --reason "nobody wants it now"')
@told
async def compensate(
    context: typer.Context,
    saga: SagaArgument,
    reason: ReasonOption,
    service: OwnerOption = "vm",
    output: OutputOption = Output.TABLE,
) -> None:
    """Turn a stuck saga back: what it did is undone, even from behind its point of no return."""
    await _operate(context, "CompensateSaga", saga, reason, service, output, "turns back")


@app.command(rich_help_panel=_PANEL, epilog='Example:  novacron saga resolve web-1 --reason "domain and disk removed"')
@told
async def resolve(
    context: typer.Context,
    saga: SagaArgument,
    reason: ReasonOption,
    service: OwnerOption = "vm",
    output: OutputOption = Output.TABLE,
) -> None:
    """End a stuck saga as undone, because you made sure by hand that nothing is left of it. Nothing is called."""
    await _operate(context, "ResolveSaga", saga, reason, service, output, "ends as compensated")


@app.command(rich_help_panel=_PANEL, epilog='Example:  novacron saga cancel web-1 --reason "wrong image"')
@told
async def cancel(
    context: typer.Context,
    saga: SagaArgument,
    reason: ReasonOption,
    service: OwnerOption = "vm",
    output: OutputOption = Output.TABLE,
) -> None:
    """Turn a running saga round at its next commit. Behind its point of no return it ends as it would have."""
    await _operate(
        context, "CancelSaga", saga, reason, service, output, "turns round, unless it has gone too far for that"
    )


async def _operate(
    context: typer.Context,
    rpc: str,
    saga: str,
    reason: str,
    service: str,
    output: Output,
    then: str,
    **fields: Any,
) -> None:
    from novacron.api.saga import v1
    from novacron_cli import finding

    async with connect(context) as connection:
        saga_id = await finding.vm_id(connection, saga)
        request = getattr(v1, f"{rpc}Request")(saga_id=saga_id, reason=reason, **fields)
        found = await getattr(connection.sagas(service), rpc)(request)
        say(f"{found.name} {then}: `novacron saga show {saga_id}` tells how far it is")
        write_saga(found, output)
