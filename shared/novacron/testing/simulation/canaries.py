"""Faults planted on purpose: each takes out one thing that the safety of sagas hangs on, and the checker must tell.

Nothing of the coordinator has a switch for this. A canary is a broken part of the simulation, or a function of the
coordinator replaced while a run lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from ...errors import NovacronError
from ...saga import execution, outcome, plan
from ...saga.definition import Saga, Step
from ...saga.key import SagaKey
from ...saga.plan import Decision
from ...saga.record import Attempt, AttemptOutcome, Record, SagaState, StepError
from .checker import Violation, check
from .database import SimulatedLog
from .participants import Participants
from .run import Parts, simulate
from .tables import Row, Tables


class _NoFence(Tables):
    """Whoever writes is let through while the saga is unfinished."""

    def _fenced(self, row: Row, owner: str, epoch: int) -> bool:
        return row.state.unfinished


class _TerminalOverwritten(Tables):
    """A commit finds its saga by its epoch alone: in whatever state, and nothing guards the row."""

    def _fenced(self, row: Row, owner: str, epoch: int) -> bool:
        return row.epoch == epoch and (row.owner == owner or row.owner is None)

    def _guard(self, before: Row, after: Row) -> None:
        """Everything goes."""


class _NoBarrier(Participants):
    """A request is carried out whenever it arrives."""

    def serve(self, key: SagaKey, refusal: NovacronError | None, at: float) -> int:
        if refusal is not None:
            raise refusal
        return self.take_effect(key, at)


class _LocalClock(SimulatedLog):
    """Leases go by the clock of the worker that asks."""

    def at(self) -> float:
        return super().at() + self.clock_skew


def _unknown_is_no(attempt: Attempt, exception: BaseException) -> tuple[AttemptOutcome, StepError]:
    _, error = _FAILED(attempt, exception)
    return AttemptOutcome.REFUSED, error


def _undo_only_the_known(saga: Saga[Any], record: Record) -> list[Step]:
    done = {one.step for one in record.attempts if one.operation == "action" and one.outcome is AttemptOutcome.OK}
    return [step for step in _TO_UNDO(saga, record) if step.name in done]


def _undo_forwards(saga: Saga[Any], record: Record) -> list[Step]:
    return _TO_UNDO(saga, record)[::-1]


async def _done_before_it_is(self: execution.Execution, intent: Attempt) -> Attempt:
    """An action without an output counts as done, and is made meanwhile."""
    if intent.operation == "compensation" or self.saga.step(intent.step).output is not None:
        return await _ATTEMPT(self, intent)
    made = asyncio.ensure_future(_ATTEMPT(self, intent))
    made.add_done_callback(lambda task: task.cancelled() or task.exception())
    return replace(intent, outcome=AttemptOutcome.OK)


class _ForwardAgain(Tables):
    """A late commit may set a saga going forward that has turned back."""

    def _may_follow(self, before: SagaState, after: SagaState) -> bool:
        return True


def _never_bound(saga: Saga[Any], record: Record) -> Decision:
    return replace(plan.decide(saga, record), bound=False)


async def _not_asked(self: execution.Execution, intents: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    return ()


_FAILED = outcome.failed
_TO_UNDO = plan.to_undo
_ATTEMPT = execution.Execution._attempt


@dataclass(frozen=True, slots=True)
class Canary:
    """One planted fault, and the invariants of which at least one must be found broken."""

    name: str
    breaks: frozenset[int]
    parts: Parts = field(default_factory=Parts)
    patches: tuple[tuple[object, str, Callable[..., Any]], ...] = ()

    @contextmanager
    def planted(self) -> Iterator[Parts]:
        with ExitStack() as stack:
            for owner, name, replacement in self.patches:
                stack.enter_context(patch.object(owner, name, replacement))
            yield self.parts


CANARIES = (
    Canary("no owner and epoch in the predicate", frozenset({9}), Parts(tables=_NoFence)),
    Canary("no barrier", frozenset({4, 7}), Parts(participants=_NoBarrier)),
    Canary("unknown taken for a definite failure", frozenset({2}), patches=((execution, "failed", _unknown_is_no),)),
    Canary("no compensation of the unknown step", frozenset({2}), patches=((plan, "to_undo", _undo_only_the_known),)),
    Canary("compensations in forward order", frozenset({8}), patches=((plan, "to_undo", _undo_forwards),)),
    Canary(
        "result committed before the call",
        frozenset({2, 3}),
        patches=((execution.Execution, "_attempt", _done_before_it_is),),
    ),
    Canary("lease from the local clock", frozenset({11}), Parts(log=_LocalClock)),
    Canary("a terminal row overwritten", frozenset({9}), Parts(tables=_TerminalOverwritten)),
)


# Faults that the coordinator once had, and that the simulation found.
RELAPSES = (
    Canary(
        "a cancel beyond the point of no return goes round for ever",
        frozenset({1}),
        patches=((execution, "decide", _never_bound),),
    ),
    Canary("a late commit turns a saga forward again", frozenset({9}), Parts(tables=_ForwardAgain)),
    Canary(
        "a cancel after a lost reply forgets an intent",
        frozenset({9}),
        patches=((execution.Execution, "_in_log", _not_asked),),
    ),
)


@dataclass(frozen=True, slots=True)
class Caught:
    """After how many seeds the checker told of a canary, and by what. ``seeds`` None: never."""

    canary: Canary
    seeds: int | None
    violation: Violation | None

    def __str__(self) -> str:
        told = f"after {self.seeds:4} seeds  {self.violation}" if self.seeds else "never"
        return f"{self.canary.name:58} {told}"


def catch(canary: Canary, most_seeds: int) -> Caught:
    """Run seed after seed with the fault planted until the checker tells."""
    with canary.planted() as parts:
        for seed in range(most_seeds):
            for violation in check(simulate(seed, parts)):
                if violation.invariant in canary.breaks:
                    return Caught(canary, seed + 1, violation)
    return Caught(canary, None, None)
