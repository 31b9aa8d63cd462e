"""A saga as its log tells it: what was intended, what came of it. Data only; the plan decides by it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from .key import Operation


class SagaState(enum.StrEnum):
    """``stuck`` waits for an operator; ``succeeded`` and ``compensated`` are for ever."""

    RUNNING = "running"
    COMPENSATING = "compensating"
    SUCCEEDED = "succeeded"
    COMPENSATED = "compensated"
    STUCK = "stuck"

    @property
    def unfinished(self) -> bool:
        return self in (SagaState.RUNNING, SagaState.COMPENSATING)

    @property
    def terminal(self) -> bool:
        return self in (SagaState.SUCCEEDED, SagaState.COMPENSATED)


class AttemptOutcome(enum.StrEnum):
    """How an attempt ended; ``started`` is an intent whose outcome is not in the log."""

    STARTED = "started"
    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StepError:
    """What went wrong, as stored. ``cause`` is why the saga had turned back, where its way back is stuck on this."""

    step: str
    operation: str
    reason: str
    message: str
    retryable: bool = True
    retry_after_seconds: float | None = None
    cause: StepError | None = None

    def to_json(self) -> dict[str, Any]:
        stored = {
            "step": self.step,
            "operation": self.operation,
            "reason": self.reason,
            "message": self.message,
            "retryable": self.retryable,
            "retry_after_seconds": self.retry_after_seconds,
        }
        return stored if self.cause is None else {**stored, "cause": self.cause.to_json()}

    @classmethod
    def from_json(cls, stored: dict[str, Any] | None) -> StepError | None:
        return None if stored is None else cls(**{**stored, "cause": cls.from_json(stored.get("cause"))})

    def __str__(self) -> str:
        return f"{self.step}: {self.message}" if self.operation == "action" else f"{self.step} (undo): {self.message}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of one operation of one step."""

    step: str
    operation: Operation
    attempt: int
    outcome: AttemptOutcome = AttemptOutcome.STARTED
    output: dict[str, Any] | None = None
    error: StepError | None = None
    epoch: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def id(self) -> tuple[str, Operation, int]:
        return self.step, self.operation, self.attempt

    def ended(
        self, outcome: AttemptOutcome, output: dict[str, Any] | None = None, error: StepError | None = None
    ) -> Attempt:
        """The same attempt with what came of it."""
        return Attempt(
            self.step,
            self.operation,
            self.attempt,
            outcome,
            output,
            error,
            self.epoch,
            self.started_at,
            self.finished_at,
        )


@dataclass(frozen=True, slots=True)
class Record:
    """A saga's row and its attempts, finished ones first in the order in which they finished."""

    saga_id: UUID
    name: str
    version: int
    state: SagaState
    tenant_id: UUID | None
    params: dict[str, Any]
    epoch: int = 0
    cancel_reason: str | None = None
    overdue: bool = False  # the saga's deadline has passed
    error: StepError | None = None
    traceparent: str = ""
    forgiven_epoch: int = 0  # attempts up to this epoch no longer count against a step
    attempts: tuple[Attempt, ...] = field(default=())

    def with_intents(self, intents: tuple[Attempt, ...]) -> Record:
        return self._with_attempts((*self.attempts, *intents)) if intents else self

    def committed(
        self,
        intents: tuple[Attempt, ...],
        state: SagaState,
        error: StepError | None,
        *,
        cancel_reason: str | None,
        overdue: bool,
    ) -> Record:
        """The same after a commit: its new intents, its state, what it read back."""
        known = self.with_intents(intents)
        if (state, error, cancel_reason, overdue) == (self.state, self.error, self.cancel_reason, self.overdue):
            return known
        return replace(known, state=state, error=error, cancel_reason=cancel_reason, overdue=overdue)

    def with_outcome(self, done: Attempt) -> Record:
        """The same with one intent's outcome known: it moves behind all that finished before it."""
        finished = [one for one in self.attempts if one.outcome is not AttemptOutcome.STARTED]
        open_ones = [one for one in self.attempts if one.outcome is AttemptOutcome.STARTED and one.id != done.id]
        return self._with_attempts((*finished, done, *open_ones))

    def _with_attempts(self, attempts: tuple[Attempt, ...]) -> Record:
        """``replace`` at a third of its cost: this happens twice in every step of every saga."""
        return Record(
            self.saga_id,
            self.name,
            self.version,
            self.state,
            self.tenant_id,
            self.params,
            self.epoch,
            self.cancel_reason,
            self.overdue,
            self.error,
            self.traceparent,
            self.forgiven_epoch,
            attempts,
        )

    @property
    def open_intents(self) -> tuple[Attempt, ...]:
        return tuple(one for one in self.attempts if one.outcome is AttemptOutcome.STARTED)

    def abandoned(self) -> tuple[Attempt, ...]:
        """The open intents as a new owner finds them: of none can it be known whether it took effect."""
        return tuple(
            one.ended(
                AttemptOutcome.UNKNOWN,
                error=StepError(one.step, one.operation, "UNKNOWN", "the worker ended before the outcome was known"),
            )
            for one in self.open_intents
        )

    def of(self, step: str, operation: Operation) -> tuple[Attempt, ...]:
        return tuple(one for one in self.attempts if one.step == step and one.operation == operation)

    def counted(self, step: str, operation: Operation) -> int:
        """Attempts that count against the step's policy: those since an operator last granted new ones."""
        return sum(1 for one in self.of(step, operation) if one.epoch > self.forgiven_epoch)


@dataclass(frozen=True, slots=True)
class SagaView:
    """A saga as operators see it: the record, and who holds it until when."""

    record: Record
    owner: str | None
    lease_until: datetime | None
    due_at: datetime
    deadline: datetime
    created_at: datetime
    finished_at: datetime | None
