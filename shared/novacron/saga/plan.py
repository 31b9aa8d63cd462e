"""What to do next: a pure function of a definition and a record. Running and recovering ask the same question here.

    running       stage by stage; a refusal, an exhausted step, a cancel or the deadline turns the saga back, unless the
                  point of no return is behind it or in doubt
    compensating  what took effect or may have, in reverse order of completion, one at a time
    stuck         a step that cannot be undone or gone beyond has used up its attempts

An unknown outcome is repeated under the same key. When the saga turns back, the step of unknown outcome is undone too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .definition import Kind, Saga, Step
from .key import Operation
from .record import Attempt, AttemptOutcome, Record, SagaState, StepError


@dataclass(frozen=True, slots=True)
class Decision:
    """The state to be in, and every operation that must be under way now: new intents, and those already begun."""

    state: SagaState
    intents: tuple[Attempt, ...] = ()
    error: StepError | None = None
    resume_state: SagaState | None = None  # for stuck: where an operator's retry goes on
    bound: bool = False  # beyond the point of no return: a cancel changes nothing any more

    @property
    def over(self) -> bool:
        return not self.state.unfinished


def decide(saga: Saga[Any], record: Record) -> Decision:
    """The next decision. Called again with every outcome; the same record always gives the same decision."""
    if record.state is SagaState.COMPENSATING:
        return _backward(saga, record)
    if record.state is SagaState.RUNNING:
        return _forward(saga, record)
    return Decision(record.state, error=record.error)


def _forward(saga: Saga[Any], record: Record) -> Decision:
    bound = _point_of_no_return(saga, record)
    for stage in saga.stages:
        if all(_done(record, step) for step in stage):
            continue
        trouble = _trouble(stage, record, bound=bound)
        if trouble is not None and not bound:
            if record.open_intents:  # parallel steps still under way: their outcomes first
                return Decision(SagaState.RUNNING, record.open_intents)
            return _backward(saga, replace(record, state=SagaState.COMPENSATING, error=trouble))
        if trouble is not None:
            return Decision(SagaState.STUCK, error=trouble, resume_state=SagaState.RUNNING)
        intents = tuple(_next(record, step, "action") for step in stage if not _done(record, step))
        return Decision(SagaState.RUNNING, intents, bound=bound)
    return Decision(SagaState.SUCCEEDED)


def _point_of_no_return(saga: Saga[Any], record: Record) -> bool:
    """Past the pivot, or with one that may have taken effect, or among the forward-only steps: there is no way back."""
    for step in saga:
        attempts = record.of(step.name, "action")
        if step.kind is Kind.RETRIABLE and attempts:
            return True
        if step.kind is Kind.PIVOT and any(one.outcome is not AttemptOutcome.REFUSED for one in attempts):
            return True
    return False


def _trouble(stage: tuple[Step, ...], record: Record, *, bound: bool) -> StepError | None:
    """Why this stage cannot go on; None: it can."""
    for step in stage:
        attempts = record.of(step.name, "action")
        last = attempts[-1] if attempts else None
        if last is None or last.outcome in (AttemptOutcome.OK, AttemptOutcome.STARTED):
            continue
        final = last.outcome is AttemptOutcome.REFUSED and not (last.error and last.error.retryable)
        final = final and last.epoch > record.forgiven_epoch
        if step.kind is Kind.RETRIABLE:
            final = False  # what cannot be refused for good is only repeated
        if final or record.counted(step.name, "action") >= step.policy("action").attempts:
            return last.error or StepError(
                step.name, "action", "UNKNOWN", "the worker ended before the outcome was known"
            )
    if bound:
        return None
    at = next(step.name for step in stage if not _done(record, step))
    if record.cancel_reason is not None:
        return StepError(at, "action", "CANCELLED", record.cancel_reason or "cancelled", retryable=False)
    if record.overdue:
        return StepError(at, "action", "DEADLINE_EXCEEDED", "the saga's deadline has passed", retryable=False)
    return None


def _backward(saga: Saga[Any], record: Record) -> Decision:
    why = _why_back(record)
    for step in to_undo(saga, record):
        attempts = record.of(step.name, "compensation")
        if attempts and attempts[-1].outcome is AttemptOutcome.OK:
            continue
        tried = record.counted(step.name, "compensation")
        if tried >= step.compensation_retry.attempts and attempts[-1].outcome is not AttemptOutcome.STARTED:
            stuck_on = attempts[-1].error and replace(attempts[-1].error, cause=why)
            return Decision(SagaState.STUCK, error=stuck_on, resume_state=SagaState.COMPENSATING)
        return Decision(SagaState.COMPENSATING, (_next(record, step, "compensation"),), error=why)
    return Decision(SagaState.COMPENSATED, error=why)


def _why_back(record: Record) -> StepError | None:
    """Why the saga turned back, also where the last word on it is what its way back was stuck on."""
    error = record.error
    return error if error is None or error.cause is None else error.cause


def to_undo(saga: Saga[Any], record: Record) -> list[Step]:
    """Steps that took effect or may have, last finished first. A step without compensation leaves nothing behind."""
    order: list[str] = []
    for one in record.attempts:
        if one.operation == "action" and one.outcome is not AttemptOutcome.REFUSED:
            if one.step in order:
                order.remove(one.step)
            order.append(one.step)
    steps = [saga.step(name) for name in reversed(order)]
    return [step for step in steps if step.compensation is not None]


def _done(record: Record, step: Step) -> bool:
    return any(one.outcome is AttemptOutcome.OK for one in record.of(step.name, "action"))


def _next(record: Record, step: Step, operation: Operation) -> Attempt:
    """The attempt that is under way, or the one after the last."""
    attempts = record.of(step.name, operation)
    if attempts and attempts[-1].outcome is AttemptOutcome.STARTED:
        return attempts[-1]
    return Attempt(step.name, operation, len(attempts) + 1, epoch=record.epoch)
