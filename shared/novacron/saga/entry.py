"""One saga's part of a commit, as the log's statements take it: what ended, what is intended, what was decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ..errors import LeaseLost
from .plan import Decision
from .record import Attempt, StepError


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit read back: someone wants the saga turned round, or its deadline has passed."""

    cancel_reason: str | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """What one saga wants committed, by whom, under which epoch."""

    owner: str
    saga_id: UUID
    epoch: int
    decision: Decision
    done: Sequence[Attempt]
    intents: Sequence[Attempt]

    @property
    def is_simple(self) -> bool:
        """One outcome and at most one intent, as almost every commit has."""
        return len(self.done) == 1 and len(self.intents) <= 1

    def values(self) -> dict[str, Any]:
        """The parameters of ``COMMIT_ONE``. :raises IndexError: it is not simple."""
        decision, done, intent = self.decision, self.done[0], self.intents[0] if self.intents else None
        return {
            "saga_id": self.saga_id,
            "epoch": self.epoch,
            "state": decision.state.value,
            "resume_state": decision.resume_state and decision.resume_state.value,
            "error": _json(decision.error),
            "bound": decision.bound,
            "done_step": done.step,
            "done_operation": done.operation,
            "done_attempt": done.attempt,
            "outcome": done.outcome.value,
            "output": None if done.output is None else json.dumps(done.output),
            "done_error": _json(done.error),
            "step": intent and intent.step,
            "operation": intent and intent.operation,
            "attempt": intent and intent.attempt,
        }


def documents(entries: Sequence[Entry]) -> dict[str, str]:
    """The parameters of ``COMMIT_MANY``. Rows are locked in one order everywhere: by the saga's id."""
    ordered = sorted(entries, key=lambda one: one.saga_id)
    return {
        "sagas": json.dumps([_saga(one) for one in ordered]),
        "done": json.dumps([_done(str(one.saga_id), attempt) for one in ordered for attempt in one.done]),
        "intents": json.dumps([_intent(str(one.saga_id), attempt) for one in ordered for attempt in one.intents]),
    }


def fenced(committed: Committed | None, entry: Entry) -> Committed:
    """:raises LeaseLost: the fence let nothing through."""
    if committed is None:
        raise LeaseLost(f"saga {entry.saga_id} has another owner, or has ended")
    return committed


def _saga(entry: Entry) -> dict[str, Any]:
    decision = entry.decision
    return {
        "saga_id": str(entry.saga_id),
        "epoch": entry.epoch,
        "state": decision.state,
        "resume_state": decision.resume_state,
        "error": decision.error and decision.error.to_json(),
        "bound": decision.bound,
    }


def _done(saga_id: str, attempt: Attempt) -> dict[str, Any]:
    return {
        **_intent(saga_id, attempt),
        "outcome": attempt.outcome,
        "output": attempt.output,
        "error": attempt.error and attempt.error.to_json(),
    }


def _intent(saga_id: str, attempt: Attempt) -> dict[str, Any]:
    return {"saga_id": saga_id, "step": attempt.step, "operation": attempt.operation, "attempt": attempt.attempt}


def _json(error: StepError | None) -> str | None:
    return None if error is None else json.dumps(error.to_json())
