"""The saga log in PostgreSQL: one statement and one commit for each thing that happens.

N steps cost N + 1 commits: the start with the first intent, each result with the next intent, the last result with the end;
under load fewer, for sagas that run at the same time share them.
Every write names owner and epoch in its predicate and the database's clock sets every lease, so a worker that was asleep
writes nothing, however wrong its own clock.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

from ..db import Connection, Database, MigrationSource
from ..telemetry import current_traceparent
from . import statements
from .definition import Saga
from .entry import Committed, Entry, documents, fenced
from .group_commit import GroupCommit
from .key import Operation
from .plan import Decision
from .record import Attempt, AttemptOutcome, Record, SagaState, StepError

# A commit leaves the lease as it is while this part of it is left.
LEASE_KEPT = 0.7
MIGRATIONS = MigrationSource("saga", Path(__file__).parent / "migrations")

P = TypeVar("P")
Effect = Callable[[Any], Awaitable[None]]


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
        self._group = GroupCommit(self._write_group)

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
        entry = Entry(owner, record.saga_id, record.epoch, decision, done, intents)
        if effect is None:
            committed, _ = await self._group.commit(entry)
            return fenced(committed, entry)
        async with self.database.transaction() as connection:
            ((answer, recorded),) = await self._write(connection, [entry])
            committed = fenced(answer, entry)
            # Fewer rows than outcomes: this very commit was made before, and its effect with it.
            if recorded == len(done):
                await effect(connection)
            return committed

    async def _write_group(self, entries: Sequence[Entry]) -> list[tuple[Committed | None, int]]:
        async with self.database.connection() as connection:
            return await self._write(connection, entries)

    async def _write(self, connection: Connection, entries: Sequence[Entry]) -> list[tuple[Committed | None, int]]:
        """What each commit read back and how many outcomes it recorded; None for one that the fence did not let through."""
        leases = {"owner": entries[0].owner, "lease": self.lease_seconds, "renewed": self.lease_seconds * LEASE_KEPT}
        if len(entries) == 1 and entries[0].is_simple:
            cursor = await connection.execute(statements.COMMIT_ONE, leases | entries[0].values())
        else:
            cursor = await connection.execute(statements.COMMIT_MANY, leases | documents(entries))
        rows = {row[0]: (Committed(row[1], row[2]), row[3]) for row in await cursor.fetchall()}
        return [rows.get(one.saga_id, (None, 0)) for one in entries]

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
        """Renew the leases of ``(saga, epoch)``; returns those that this worker still has or has brought to their end."""
        sagas = sorted(sagas)  # rows are locked in one order everywhere
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
        await self._group.written()
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
