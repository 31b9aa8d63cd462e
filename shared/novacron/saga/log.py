"""The saga log in PostgreSQL: one statement and one commit for each thing that happens.

N steps cost N + 1 commits: the start with the first intent, each result with the next intent, the last result with the end.
Every write names owner and epoch in its predicate and the database's clock sets every lease, so a worker that was asleep
writes nothing, however wrong its own clock.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

from ..db import Connection, Database, MigrationSource
from ..errors import LeaseLost
from ..telemetry import current_traceparent
from . import statements
from .definition import Saga
from .key import Operation
from .plan import Decision
from .record import Attempt, AttemptOutcome, Record, SagaState, StepError

MIGRATIONS = MigrationSource("saga", Path(__file__).parent / "migrations")

P = TypeVar("P")
Effect = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit read back: someone wants the saga turned round, or its deadline has passed."""

    cancel_reason: str | None
    overdue: bool


class Log(Protocol):
    """Where sagas are kept. PostgreSQL here; in memory, on a virtual clock, for the simulation."""

    async def begin(
        self, connection: Any, record: Record, owner: str, intents: Sequence[Attempt], deadline_seconds: float
    ) -> bool: ...
    async def commit(
        self,
        owner: str,
        record: Record,
        decision: Decision,
        done: Sequence[Attempt],
        intents: Sequence[Attempt],
        effect: Effect | None,
    ) -> Committed: ...
    async def claim(self, owner: str, definitions: Iterable[tuple[str, int]], limit: int) -> list[Record]: ...
    async def renew(self, owner: str, sagas: Sequence[tuple[UUID, int]]) -> set[UUID]: ...
    async def release(self, owner: str) -> None: ...
    async def read(self, saga_id: UUID) -> Record | None: ...


class PostgresLog:
    """Sagas of the service that owns this database."""

    def __init__(self, database: Database, *, lease_seconds: float = 10.0) -> None:
        self.database = database
        self.lease_seconds = lease_seconds

    async def begin(
        self, connection: Connection, record: Record, owner: str, intents: Sequence[Attempt], deadline_seconds: float
    ) -> bool:
        """Insert the saga with its first intents, in the caller's transaction. False: one with this id exists."""
        cursor = await connection.execute(
            statements.BEGIN,
            {
                "saga_id": record.saga_id,
                "name": record.name,
                "version": record.version,
                "tenant_id": record.tenant_id,
                "params": json.dumps(record.params),
                "owner": owner,
                "lease": self.lease_seconds,
                "deadline": deadline_seconds,
                "traceparent": record.traceparent,
                "steps": [intent.step for intent in intents],
            },
        )
        row = await cursor.fetchone()
        return row is not None and row[0] == 1

    async def commit(
        self,
        owner: str,
        record: Record,
        decision: Decision,
        done: Sequence[Attempt],
        intents: Sequence[Attempt],
        effect: Effect | None,
    ) -> Committed:
        """Write outcomes, the decision and its new intents; with ``effect``, the owner's own change in the same transaction.

        Repeating a commit whose reply was lost changes nothing more. :raises LeaseLost: this worker no longer has the saga.
        """
        parameters = {
            "saga_id": record.saga_id,
            "owner": owner,
            "epoch": record.epoch,
            "lease": self.lease_seconds,
            "state": str(decision.state),
            "over": decision.over,
            "resume_state": decision.resume_state and str(decision.resume_state),
            "error": json.dumps(decision.error.to_json()) if decision.error else None,
            "bound": decision.bound,
            # One document each instead of an array a column: half the client's work for a statement.
            "done": json.dumps([_done(one) for one in done]),
            "intents": json.dumps(
                [{"step": one.step, "operation": one.operation, "attempt": one.attempt} for one in intents]
            ),
        }
        if effect is None:
            async with self.database.connection() as connection:
                return (await self._fenced(connection, parameters))[0]
        async with self.database.transaction() as connection:
            committed, recorded = await self._fenced(connection, parameters)
            # Fewer rows than outcomes: this very commit was made before, and its effect with it.
            if recorded == len(done):
                await effect(connection)
            return committed

    async def _fenced(self, connection: Connection, parameters: dict[str, Any]) -> tuple[Committed, int]:
        row = await (await connection.execute(statements.COMMIT, parameters)).fetchone()
        if row is None:
            raise LeaseLost(f"saga {parameters['saga_id']} has another owner, or has ended")
        return Committed(row[0], row[1]), row[2]

    async def claim(self, owner: str, definitions: Iterable[tuple[str, int]], limit: int) -> list[Record]:
        """Take sagas that nobody holds and that are due, of the definitions that this worker has. One statement when there
        are none."""
        known = list(definitions)
        async with self.database.connection() as connection:
            cursor = await connection.execute(
                statements.CLAIM,
                {
                    "owner": owner,
                    "lease": self.lease_seconds,
                    "names": [name for name, _ in known],
                    "versions": [version for _, version in known],
                    "limit": limit,
                },
            )
            rows = await cursor.fetchall()
            return await self._with_attempts(connection, rows) if rows else []

    async def renew(self, owner: str, sagas: Sequence[tuple[UUID, int]]) -> set[UUID]:
        """Renew the leases of ``(saga, epoch)``; returns those that this worker still has."""
        async with self.database.connection() as connection:
            cursor = await connection.execute(
                statements.RENEW,
                {
                    "owner": owner,
                    "lease": self.lease_seconds,
                    "ids": [saga_id for saga_id, _ in sagas],
                    "epochs": [epoch for _, epoch in sagas],
                },
            )
            return {row[0] for row in await cursor.fetchall()}

    async def release(self, owner: str) -> None:
        """Give everything back at once, so that nobody waits for the leases to pass."""
        async with self.database.connection() as connection:
            await connection.execute(statements.RELEASE, (owner,))

    async def read(self, saga_id: UUID) -> Record | None:
        """A saga with its attempts, without taking it."""
        async with self.database.connection() as connection:
            rows = await (await connection.execute(statements.READ, (saga_id,))).fetchall()
            found = await self._with_attempts(connection, rows)
            return found[0] if found else None

    async def _with_attempts(self, connection: Connection, rows: list[Any]) -> list[Record]:
        cursor = await connection.execute(statements.ATTEMPTS, ([row[0] for row in rows],))
        attempts: dict[UUID, list[Attempt]] = {row[0]: [] for row in rows}
        for row in await cursor.fetchall():
            attempts[row[0]].append(attempt_from_row(row[1:]))
        return [record_from_row(row, tuple(attempts[row[0]])) for row in rows]


def _done(attempt: Attempt) -> dict[str, Any]:
    return {
        "step": attempt.step,
        "operation": attempt.operation,
        "attempt": attempt.attempt,
        "outcome": str(attempt.outcome),
        "output": attempt.output,
        "error": None if attempt.error is None else attempt.error.to_json(),
    }


async def enqueue(
    connection: Connection, saga: Saga[P], saga_id: UUID, params: P, *, tenant_id: UUID | None = None
) -> None:
    """Begin a saga from inside another one's commit: some worker takes it up at its next sweep. Once per id."""
    await connection.execute(
        statements.ENQUEUE,
        (
            saga_id,
            saga.name,
            saga.version,
            tenant_id,
            json.dumps(saga.encode(params)),
            saga.deadline_seconds,
            current_traceparent(),
        ),
    )


async def request_cancel(connection: Connection, saga_id: UUID, reason: str) -> bool:
    """Ask a saga to turn round: a durable flag that its next commit reads back. False: it no longer goes forward."""
    return (await connection.execute(statements.CANCEL, (reason, saga_id))).rowcount == 1


def attempt_from_row(row: Sequence[Any]) -> Attempt:
    step, operation, number, outcome, output, error, epoch, started_at, finished_at = row
    kind: Operation = operation
    return Attempt(
        step, kind, number, AttemptOutcome(outcome), output, StepError.from_json(error), epoch, started_at, finished_at
    )


def record_from_row(row: Sequence[Any], attempts: tuple[Attempt, ...] = ()) -> Record:
    saga_id, name, version, state, tenant_id, params, epoch, cancel_reason, overdue, error, traceparent, forgiven = row
    return Record(
        saga_id,
        name,
        version,
        SagaState(state),
        tenant_id,
        params,
        epoch,
        cancel_reason,
        overdue,
        StepError.from_json(error),
        traceparent,
        forgiven,
        attempts,
    )
