"""The saga log's tables in memory, with the very semantics of ``saga/statements.py``: the simulation's database.

Every method is one statement: it happens at one instant, or not at all. ``at`` is the database's clock. A property test holds
this and PostgreSQL side by side. What was written is kept as a history, from which the checker judges: it trusts no rule here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ...errors import LeaseLost
from ...saga.entry import Committed
from ...saga.log import LEASE_KEPT
from ...saga.plan import Decision
from ...saga.record import Attempt, AttemptOutcome, Record, SagaState, StepError

_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_RESUMED_SECONDS = 600.0
_LONGEST_BACKOFF_SECONDS = 300.0


class GuardError(Exception):
    """The trigger ``saga_guard``: a terminal row was to be changed, or an epoch to shrink."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of ``saga``. Times are seconds by the database's clock."""

    saga_id: UUID
    name: str
    version: int
    params: dict[str, Any]
    due_at: float
    deadline: float
    tenant_id: UUID | None = None
    traceparent: str = ""
    state: SagaState = SagaState.RUNNING
    owner: str | None = None
    epoch: int = 0
    lease_until: float | None = None
    takeovers: int = 0
    resume_state: SagaState | None = None
    cancel_requested: bool = False
    cancel_reason: str | None = None
    error: StepError | None = None
    forgiven_epoch: int = 0
    finished_at: float | None = None

    @property
    def cancelled(self) -> str | None:
        return (self.cancel_reason or "") if self.cancel_requested else None


@dataclass(frozen=True, slots=True)
class Change:
    """One write: who made it as whom, what the row was and is, and which attempts it ended and began.

    ``at`` is the time that the statement went by, ``real_at`` the time that it was: they differ where a clock is wrong.
    """

    at: float
    real_at: float
    verb: str
    owner: str
    epoch: int
    before: Row | None
    after: Row
    done: tuple[Attempt, ...] = ()
    intents: tuple[Attempt, ...] = ()


class Tables:
    """``saga`` and ``saga_step``."""

    def __init__(self, lease_seconds: float, real_time: Callable[[], float]) -> None:
        self.lease_seconds = lease_seconds
        self._real_time = real_time
        self.rows: dict[UUID, Row] = {}
        self.attempts: dict[UUID, dict[tuple[str, str, int], Attempt]] = {}
        self.history: list[Change] = []
        self._ticks = 0

    def begin(
        self, record: Record, owner: str, intents: Sequence[Attempt], deadline_seconds: float, *, at: float
    ) -> bool:
        if record.saga_id in self.rows:
            return False
        until = at + self.lease_seconds
        row = self._new(record, until, at + deadline_seconds)
        row = replace(row, owner=owner, epoch=1, lease_until=until)
        self._insert("begin", row, owner, at, tuple(replace(one, attempt=1, epoch=1) for one in intents))
        return True

    def enqueue(self, record: Record, deadline_seconds: float, *, at: float) -> None:
        if record.saga_id not in self.rows:
            self._insert("enqueue", self._new(record, at, at + deadline_seconds), "", at, ())

    def commit(
        self,
        owner: str,
        record: Record,
        decision: Decision,
        done: Sequence[Attempt],
        intents: Sequence[Attempt],
        effect: Callable[[], None] | None,
        *,
        at: float,
    ) -> Committed:
        """:raises LeaseLost: the fence let nothing through. What ``effect`` raises takes everything back."""
        before = self.rows.get(record.saga_id)
        if (
            before is None
            or not self._fenced(before, owner, record.epoch)
            or not self._may_follow(before.state, decision.state)
        ):
            raise LeaseLost(f"saga {record.saga_id} has another owner, or has ended")
        known = self.attempts[record.saga_id]
        ended = tuple(one for one in done if one.id in known and known[one.id].outcome is AttemptOutcome.STARTED)
        forward = not before.cancel_requested or decision.bound
        begun = tuple(one for one in intents if one.id not in known and (forward or one.operation == "compensation"))
        after = self._committed(before, decision, at)
        self._guard(before, after)
        if effect is not None and len(ended) == len(done):
            effect()
        for one in ended:
            known[one.id] = replace(
                known[one.id], outcome=one.outcome, output=one.output, error=one.error, finished_at=self._tick(at)
            )
        for one in begun:
            known[one.id] = Attempt(one.step, one.operation, one.attempt, epoch=record.epoch, started_at=self._tick(at))
        self.rows[record.saga_id] = after
        self.history.append(Change(at, self._real_time(), "commit", owner, record.epoch, before, after, ended, begun))
        return Committed(before.cancelled, before.deadline < at)

    def claim(self, owner: str, definitions: Iterable[tuple[str, int]], limit: int, *, at: float) -> list[Record]:
        known = set(definitions)
        due = [
            row
            for row in self.rows.values()
            if row.state.unfinished and row.due_at <= at and (row.name, row.version) in known
        ]
        due.sort(key=lambda row: row.due_at)
        taken = []
        for before in due[:limit]:
            backoff = min(_LONGEST_BACKOFF_SECONDS, 2.0 ** min(before.takeovers, 16) - 1)
            until = at + self.lease_seconds
            after = replace(
                before,
                owner=owner,
                epoch=before.epoch + 1,
                lease_until=until,
                due_at=until + backoff,
                takeovers=before.takeovers + 1,
            )
            self._update("claim", before, after, owner, after.epoch, at)
            taken.append(self._record(after, at))
        return taken

    def renew(self, owner: str, sagas: Sequence[tuple[UUID, int]], *, at: float) -> set[UUID]:
        kept = set()
        for saga_id, epoch in sagas:
            before = self.rows.get(saga_id)
            if before is not None and before.epoch == epoch and not before.state.unfinished:
                kept.add(saga_id)
            if before is None or not self._fenced(before, owner, epoch):
                continue
            until = at + self.lease_seconds
            after = replace(before, lease_until=until, due_at=max(before.due_at, until))
            self._update("renew", before, after, owner, epoch, at)
            kept.add(saga_id)
        return kept

    def release(self, owner: str, *, at: float) -> None:
        for before in list(self.rows.values()):
            if before.owner == owner and before.state.unfinished:
                after = replace(before, owner=None, lease_until=at, due_at=at)
                self._update("release", before, after, owner, before.epoch, at)

    def read(self, saga_id: UUID, *, at: float) -> Record | None:
        row = self.rows.get(saga_id)
        return None if row is None else self._record(row, at)

    def request_cancel(self, saga_id: UUID, reason: str, *, at: float) -> bool:
        before = self.rows.get(saga_id)
        if before is None or before.state is not SagaState.RUNNING:
            return False
        after = replace(
            before,
            cancel_requested=True,
            cancel_reason=reason if before.cancel_reason is None else before.cancel_reason,
        )
        self._update("cancel", before, after, "", before.epoch, at)
        return True

    def resume(self, saga_id: UUID, state: SagaState | None, *, at: float) -> bool:
        """An operator's ``retry``, or with a state another way to go on. False: the saga is not stuck."""
        before = self.rows.get(saga_id)
        if before is None or before.state is not SagaState.STUCK or before.resume_state is None:
            return False
        state = state or before.resume_state
        after = replace(
            before,
            state=state,
            resume_state=None,
            error=None if state is SagaState.RUNNING else before.error,
            forgiven_epoch=before.epoch,
            due_at=at,
            takeovers=0,
            deadline=max(before.deadline, at + _RESUMED_SECONDS),
            finished_at=None,
        )
        self._update("resume", before, after, "", before.epoch, at)
        return True

    def _fenced(self, row: Row, owner: str, epoch: int) -> bool:
        return row.owner == owner and row.epoch == epoch and row.state.unfinished

    def _may_follow(self, before: SagaState, after: SagaState) -> bool:
        """A saga that turned back never goes forward again."""
        return before is SagaState.RUNNING or after not in (SagaState.RUNNING, SagaState.SUCCEEDED)

    def _committed(self, before: Row, decision: Decision, at: float) -> Row:
        return replace(
            before,
            state=decision.state,
            lease_until=None if decision.over else self._renewed(before.lease_until, at),
            due_at=self._renewed(before.due_at, at),
            owner=None if decision.over else before.owner,
            takeovers=0,
            error=decision.error or before.error,
            resume_state=decision.resume_state,
            finished_at=at if decision.over else None,
        )

    def _renewed(self, until: float | None, at: float) -> float:
        """A lease with most of its time left stays as it is."""
        stays = until is not None and at + self.lease_seconds * LEASE_KEPT <= until <= at + self.lease_seconds
        return until if until is not None and stays else at + self.lease_seconds

    def _guard(self, before: Row, after: Row) -> None:
        if before.state.terminal:
            raise GuardError(f"saga {before.saga_id} is {before.state}: terminal rows never change")
        if after.epoch < before.epoch:
            raise GuardError(f"saga {before.saga_id}: epoch {after.epoch} after {before.epoch}")

    def _new(self, record: Record, due_at: float, deadline: float) -> Row:
        return Row(
            record.saga_id,
            record.name,
            record.version,
            record.params,
            due_at,
            deadline,
            record.tenant_id,
            record.traceparent,
        )

    def _insert(self, verb: str, row: Row, owner: str, at: float, intents: tuple[Attempt, ...]) -> None:
        self.rows[row.saga_id] = row
        self.attempts[row.saga_id] = {one.id: replace(one, started_at=self._tick(at)) for one in intents}
        self.history.append(Change(at, self._real_time(), verb, owner, row.epoch, None, row, (), intents))

    def _update(self, verb: str, before: Row, after: Row, owner: str, epoch: int, at: float) -> None:
        self._guard(before, after)
        self.rows[before.saga_id] = after
        self.history.append(Change(at, self._real_time(), verb, owner, epoch, before, after))

    def _record(self, row: Row, at: float) -> Record:
        never = datetime.max.replace(tzinfo=UTC)
        attempts = sorted(
            self.attempts[row.saga_id].values(),
            key=lambda one: (one.finished_at or never, one.started_at or never, one.attempt),
        )
        return Record(
            row.saga_id,
            row.name,
            row.version,
            row.state,
            row.tenant_id,
            row.params,
            row.epoch,
            row.cancelled,
            row.deadline < at,
            row.error,
            row.traceparent,
            row.forgiven_epoch,
            tuple(attempts),
        )

    def _tick(self, at: float) -> datetime:
        """``clock_timestamp()``: never the same twice."""
        self._ticks += 1
        return _FIRST_DAY + timedelta(seconds=at, microseconds=self._ticks)
