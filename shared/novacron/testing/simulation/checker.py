"""The judge of a run: every invariant, read from what was written and what took effect, by no rule of the coordinator.

1   every saga ends within T after the faults stop
2   nothing is left of a saga that did not succeed; nothing is missing of one that did
3   nothing is done that the log does not know of
4   of each thing there is at most one
7   each operation takes effect at most once, and none after its compensation; local effects exactly once
8   compensations run in reverse order of completion, one at a time
9   the log is closed under prefixes, terminal rows never change, epochs only grow, no older epoch writes
10  the same request again returns the same saga and the same result
11  unfinished means a live lease or a due time, and a live lease is nobody else's to take
12  attempts are counted and bounded
13  every stuck saga says why, tells its owner, and an operator's retry works
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ...saga.definition import Kind, Saga
from ...saga.log import LEASE_KEPT
from ...saga.record import Attempt, AttemptOutcome, SagaState
from .definitions import all_shapes, changing_steps
from .tables import Change, Row

if TYPE_CHECKING:
    from .run import Outcome

_SHAPES = {(saga.name, saga.version): saga for saga in all_shapes()}
_WORKERS_VERBS = ("commit", "renew", "release")
# The longest that a saga may wait for its next worker: the backoff's end, and a lease.
_LONGEST_WAIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant, by its number."""

    invariant: int
    saga_id: UUID | None
    text: str

    def __str__(self) -> str:
        return f"invariant {self.invariant}: {self.text}" + (f" (saga {self.saga_id})" if self.saga_id else "")


@dataclass(frozen=True, slots=True)
class Story:
    """One saga of a run: its definition, its row at the end, and all that was written of it."""

    saga: Saga[Any]
    row: Row
    attempts: tuple[Attempt, ...]
    changes: tuple[Change, ...]
    outcome: Outcome


def check(outcome: Outcome) -> list[Violation]:
    """Everything that is wrong with this run; empty: nothing."""
    found = list(_of_the_run(outcome))
    changes: dict[UUID, list[Change]] = {}
    for change in outcome.server.tables.history:
        changes.setdefault(change.after.saga_id, []).append(change)
    for saga_id, row in outcome.server.tables.rows.items():
        attempts = tuple(outcome.server.tables.attempts[saga_id].values())
        story = Story(_SHAPES[row.name, row.version], row, attempts, tuple(changes[saga_id]), outcome)
        for judge in _JUDGES:
            found += (Violation(number, saga_id, text) for number, text in judge(story))
    return found


def _of_the_run(outcome: Outcome) -> Iterator[Violation]:
    rows = outcome.server.tables.rows
    if outcome.unsettled:
        yield Violation(1, None, "its sagas did not end in time")
    for trouble in outcome.troubles:
        yield Violation(1, None, f"a worker broke: {trouble}")
    for key in outcome.calls.untold:
        yield Violation(3, key.saga_id, f"{key.operation} of {key.step} was sent before its intent was written")
    for saga_id in outcome.server.things ^ rows.keys():
        yield Violation(2, saga_id, "the saga and its thing did not begin together")
    for saga_id, _ in outcome.participants.things:
        if saga_id not in rows:
            yield Violation(2, saga_id, "an effect of a saga that never began")
    for asked in outcome.asked:
        if asked.wrongly_taken:
            yield Violation(10, asked.saga_id, "an id was taken for another request's, or given to it")
        row = rows.get(asked.saga_id)
        if row is None:
            yield Violation(10, asked.saga_id, "a request was answered, and its saga is not there")
            continue
        for answer in asked.answers:
            if answer.state.terminal and answer.state is not row.state:
                yield Violation(10, asked.saga_id, f"one answer was {answer.state}, and the saga is {row.state}")


Verdicts = Iterator[tuple[int, str]]


def _ends(story: Story) -> Verdicts:
    state = story.row.state
    if not state.terminal:
        yield (13 if state is SagaState.STUCK else 1), f"it is {state} long after the faults stopped"
    elif any(one.outcome is AttemptOutcome.STARTED for one in story.attempts):
        yield 9, f"it is {state}, and an attempt has no outcome"


def _effects(story: Story) -> Verdicts:
    """All or nothing, and no more than one of anything."""
    succeeded = story.row.state is SagaState.SUCCEEDED
    for step in changing_steps(story.saga):
        thing = (story.row.saga_id, step.name)
        there = story.outcome.participants.things[thing]
        if there > 1:
            yield 4, f"{there} things of {step.name}"
        if succeeded and not there:
            yield 2, f"it succeeded, and the effect of {step.name} is missing"
        if not succeeded and there:
            yield 2, f"it is {story.row.state}, and the effect of {step.name} is left"
        if succeeded and step.output is not None:
            told = [one.output for one in story.attempts if one.step == step.name and one.outcome is AttemptOutcome.OK]
            if told != [{"token": story.outcome.participants.tokens.get(thing)}]:
                yield 10, f"the log has {told} for {step.name}, and its participant something else"


def _once(story: Story) -> Verdicts:
    counted = Counter(one.key for one in story.outcome.participants.journal if one.key.saga_id == story.row.saga_id)
    undone = set()
    reads = {step.name for step in story.saga if step.kind is Kind.READ}
    for effect in story.outcome.participants.journal:
        key = effect.key
        if key.saga_id != story.row.saga_id or key.step in reads:
            continue
        if key.operation == "action" and key.step in undone:
            yield 7, f"the action of {key.step} took effect after its compensation"
        if key.operation == "compensation":
            undone.add(key.step)
    for key, times in counted.items():
        if times > 1 and key.step not in reads:
            yield 7, f"the {key.operation} of {key.step} took effect {times} times"


def _local_effects(story: Story) -> Verdicts:
    notes = story.outcome.server.notes
    for step in story.saga:
        done = any(
            one.step == step.name and one.operation == "action" and one.outcome is AttemptOutcome.OK
            for one in story.attempts
        )
        times = notes[story.row.saga_id, step.name]
        if step.local is not None and times != int(done):
            yield 7, f"the local effect of {step.name} took effect {times} times, its action {int(done)} times"
    times = notes[story.row.saga_id, "compensated"]
    ended = int(story.saga.on_compensated is not None and story.row.state is SagaState.COMPENSATED)
    if times != ended:
        yield 7, f"its owner was told {times} times that it turned back"
    stuck = sum(1 for one in story.changes if one.verb == "commit" and one.after.state is SagaState.STUCK)
    if notes[story.row.saga_id, "stuck"] != stuck:
        yield 13, f"it was stuck {stuck} times, and its owner was told {notes[story.row.saga_id, 'stuck']} times"


def _order(story: Story) -> Verdicts:
    """A compensation begins after the one before it ended, and that one's action ended no earlier than this one's."""
    completed: dict[str, int] = {}
    undone: list[str] = []
    open_compensation: str | None = None
    for number, change in enumerate(story.changes):
        for one in change.done:
            if one.operation == "action" and one.outcome is not AttemptOutcome.REFUSED:
                completed[one.step] = number
            if one.operation == "compensation":
                open_compensation = None
        for one in change.intents:
            if one.operation != "compensation":
                continue
            if open_compensation is not None:
                yield 8, f"{open_compensation} and {one.step} were undone side by side"
            open_compensation = one.step
            if one.step not in undone:
                later = [step for step in undone if completed.get(step, -1) < completed.get(one.step, -1)]
                if later:
                    yield 8, f"{one.step} was undone after {', '.join(later)}, which had completed before it"
                undone.append(one.step)


def _fence(story: Story) -> Verdicts:
    for change in story.changes:
        before, after = change.before, change.after
        if before is None:
            continue
        if before.state.terminal:
            yield 9, f"a {change.verb} wrote the row of a saga that was {before.state}"
        if after.epoch < before.epoch:
            yield 9, f"the epoch went from {before.epoch} to {after.epoch}"
        if change.verb in _WORKERS_VERBS and (change.owner, change.epoch) != (before.owner, before.epoch):
            yield (
                9,
                f"a {change.verb} by {change.owner} of epoch {change.epoch}: it is {before.owner}'s, {before.epoch}",
            )
        if before.state is SagaState.COMPENSATING and after.state in (SagaState.RUNNING, SagaState.SUCCEEDED):
            yield 9, f"it was turning back, and then it was {after.state}"
        if before.state is SagaState.STUCK and change.verb != "resume":
            yield 9, f"a {change.verb} moved it though it was stuck"


def _prefixes(story: Story) -> Verdicts:
    """No attempt without the one before it, no stage before all of the stage before it, nothing forward once it turned."""
    known: dict[tuple[str, str], AttemptOutcome] = {}
    numbers: Counter[tuple[str, str]] = Counter()
    for change in story.changes:
        for one in change.done:
            if known.get((one.step, one.operation)) is not AttemptOutcome.STARTED:
                yield 9, f"an outcome of {one.step} was written twice, or without its intent"
            known[one.step, one.operation] = one.outcome
        for one in change.intents:
            which = (one.step, one.operation)
            if known.get(which) in (AttemptOutcome.STARTED, AttemptOutcome.OK):
                yield 9, f"the {one.operation} of {one.step} began again though it was {known[which]}"
            if one.attempt != numbers[which] + 1:
                yield 9, f"attempt {one.attempt} of {one.step} after {numbers[which]}"
            numbers[which] = one.attempt
            known[which] = AttemptOutcome.STARTED
            if one.operation == "action":
                if change.after.state is not SagaState.RUNNING:
                    yield 9, f"{one.step} began though the saga was {change.after.state}"
                for earlier in _stages_before(story.saga, one.step):
                    if known.get((earlier, "action")) is not AttemptOutcome.OK:
                        yield 9, f"{one.step} began before {earlier} was done"


def _stages_before(saga: Saga[Any], step: str) -> Iterator[str]:
    for stage in saga.stages:
        names = [one.name for one in stage]
        if step in names:
            return
        yield from names


def _leases(story: Story) -> Verdicts:
    lease = story.outcome.server.tables.lease_seconds
    held_until = 0.0
    for change in story.changes:
        if change.verb == "claim" and change.real_at < held_until:
            yield (
                11,
                f"{change.owner} took it {held_until - change.real_at:.3f} s before the lease of its owner was over",
            )
        if change.verb == "release" or not change.after.state.unfinished:
            held_until = 0.0
        elif change.verb in ("claim", "renew"):  # a begin's lease runs from its statement, before its commit
            held_until = change.real_at + lease
        elif change.verb == "commit":  # leaves a lease alone that has most of its time left
            held_until = max(held_until, change.real_at + lease * LEASE_KEPT)
        if change.after.state.unfinished:
            wait = change.after.due_at - change.real_at
            if wait > _LONGEST_WAIT_SECONDS + lease + 1.0:
                yield 11, f"after a {change.verb} nobody may take it for {wait:.0f} s"
            if change.after.owner is not None and change.after.lease_until is None:
                yield 11, f"after a {change.verb} it has an owner and no lease"


def _attempts(story: Story) -> Verdicts:
    grants = 1 + story.outcome.retries.get(story.row.saga_id, 0)
    counted = Counter((one.step, one.operation) for one in story.attempts)
    for (name, operation), times in counted.items():
        most = story.saga.step(name).policy(operation).attempts
        if times > most * grants:
            yield 12, f"{times} attempts at the {operation} of {name}: {most} are allowed, granted {grants} times"


def _stuck(story: Story) -> Verdicts:
    for change in story.changes:
        if change.after.state is SagaState.STUCK and (change.after.error is None or change.after.resume_state is None):
            yield 13, "it is stuck, and says neither why nor how to go on"


_JUDGES: tuple[Callable[[Story], Verdicts], ...] = (
    _ends,
    _effects,
    _once,
    _local_effects,
    _order,
    _fence,
    _prefixes,
    _leases,
    _attempts,
    _stuck,
)
