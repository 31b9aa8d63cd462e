"""How a saga is shown: what it is, its timeline, and what operators did with it."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from novacron_cli.output import Columns, Output, write_list, write_one
from novacron_cli.words import elapsed, lasted, when, word

SagaArgument = Annotated[str, typer.Argument(metavar="SAGA", help="Its id, or a VM's name for the saga that made it.")]
OwnerOption = Annotated[str, typer.Option("--service", metavar="SERVICE", help="The service whose sagas are meant.")]


def write_saga(saga: Any, output: Output) -> None:
    """The saga as one object, or as its fields with a table of its attempts and one of the interventions."""
    write_one(saga, _FIELDS, output)
    if output is Output.TABLE and saga.attempts:
        typer.echo()
        write_list(saga.attempts, _timeline(saga), output)
    if output is Output.TABLE and saga.interventions:
        typer.echo()
        write_list(saga.interventions, _INTERVENTIONS, output)


# A live worker that knows a saga's version takes it within a second or two of its due time.
_UNCLAIMED_SECONDS = 15.0


def state_of(saga: Any, now: float | None = None) -> str:
    """Its state as a word; with the reason, where it goes on only when some worker has its version again."""
    from novacron.api.saga.v1 import SagaState

    state = word(SagaState, saga.state)
    unfinished = saga.state in (SagaState.SAGA_STATE_RUNNING, SagaState.SAGA_STATE_COMPENSATING)
    if unfinished and saga.due_at.seconds and saga.due_at.seconds + _UNCLAIMED_SECONDS < (now or time.time()):
        return f"{state}: no live worker has version {saga.version}"
    return state


_FIELDS: Columns = {
    "id": lambda saga: saga.saga_id,
    "name": lambda saga: f"{saga.name} (version {saga.version})",
    "state": state_of,
    "error": lambda saga: saga.error,
    "turned back by": lambda saga: saga.cause,
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


_INTERVENTIONS: Columns = {
    "time": lambda one: when(one.time),
    "operator": lambda one: one.initiated_by,
    "did": lambda one: f"{one.action} {one.step}".rstrip(),
    "reason": lambda one: one.reason,
}
