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


def _whole_saga(name: str, rpc: str, then: str, because: str, help: str) -> None:
    """Add a command that needs no more than the saga and the reason. ``then`` is said when it was heard."""

    @app.command(
        name, help=help, rich_help_panel=_PANEL, epilog=f'Example:  novacron saga {name} web-1 --reason "{because}"'
    )
    @told
    async def command(
        context: typer.Context,
        saga: SagaArgument,
        reason: ReasonOption,
        service: OwnerOption = "vm",
        output: OutputOption = Output.TABLE,
    ) -> None:
        await _operate(context, rpc, saga, reason, service, output, then)


_whole_saga(
    "retry",
    "RetrySaga",
    "goes on where it was stuck",
    "the scheduler is back",
    "Let a stuck saga go on where it stands, with all attempts of its step granted anew.",
)


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


_whole_saga(
    "compensate",
    "CompensateSaga",
    "turns back",
    "nobody wants it now",
    "Turn a stuck saga back: what it did is undone, even from behind its point of no return.",
)
_whole_saga(
    "resolve",
    "ResolveSaga",
    "ends as compensated",
    "domain and disk removed",
    "End a stuck saga as undone, because you made sure by hand that nothing is left of it. Nothing is called.",
)
_whole_saga(
    "cancel",
    "CancelSaga",
    "turns round, unless it has gone too far for that",
    "wrong image",
    "Turn a running saga round at its next commit. Behind its point of no return it ends as it would have.",
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
