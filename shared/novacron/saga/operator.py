"""What an operator may do with a saga, each with a reason that stays: retry, skip, compensate, resolve, cancel.

Every command is one transaction over the locked row. None of them runs anything: it changes what the log says, and whichever
worker sweeps next goes on from there, so an operator's word is as durable, fenced and recoverable as everything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ..db import Connection, Database
from ..errors import FailedPrecondition, InvalidArgument, NotFound
from . import statements
from .definition import Saga
from .execution import context_of
from .log import attempt_from_row, record_from_row
from .plan import to_undo
from .record import AttemptOutcome, Record, SagaState


class Operator:
    """Commands on the sagas of one service. ``tenant_id`` None acts on every tenant's.

    A command that is repeated because its answer was lost does nothing more, and is answered alike.
    """

    def __init__(self, database: Database, sagas: Iterable[Saga[Any]], *, services: Any = None) -> None:
        self._database = database
        self._services = services
        self._sagas = {(saga.name, saga.version): saga for saga in sagas}

    async def retry(self, saga_id: UUID, tenant_id: UUID | None, by: UUID, reason: str) -> None:
        """A stuck saga goes on where it stands, with all attempts of its step granted anew."""
        async with self._database.transaction() as connection:
            if await self._repeated(connection, saga_id, tenant_id, "retry", by, reason):
                return
            record, resume = await self._stuck(connection, saga_id, tenant_id, "retry")
            await self._resume(connection, record, resume)
            await _note(connection, saga_id, "retry", by, reason)

    async def skip(self, saga_id: UUID, step: str, tenant_id: UUID | None, by: UUID, reason: str) -> None:
        """The operator has done by hand what the stuck step should: it counts as done, and the saga goes on behind it.

        By hand is what other services should have done; the step's own local effect is made here, in the commit that counts it
        as done. A step with an output that later steps read cannot be skipped: nobody could say what it was.
        """
        async with self._database.transaction() as connection:
            if await self._repeated(connection, saga_id, tenant_id, "skip", by, reason, step):
                return
            record, resume = await self._stuck(connection, saga_id, tenant_id, "skip")
            saga = self._definition(record)
            if step not in {one.name for one in saga}:
                names = ", ".join(one.name for one in saga)
                raise InvalidArgument.at("step", f"{record.name} has no step {step}; its steps are {names}")
            operation = "compensation" if resume is SagaState.COMPENSATING else "action"
            if operation == "action" and saga.step(step).output is not None:
                raise FailedPrecondition(
                    f"later steps of {record.name} read what {step} returns: retry it, or compensate the saga"
                )
            if record.error is None or record.error.step != step:
                stuck_at = record.error.step if record.error else "another step"
                raise FailedPrecondition(f"{record.name} is stuck at {stuck_at}, not at {step}")
            await self._done_by_hand(connection, record, step, operation)
            local = saga.step(step).local
            if operation == "action" and local is not None:
                await local(connection, context_of(saga, record, self._services), None)
            await self._resume(connection, record, resume)
            await _note(connection, saga_id, "skip", by, reason, step)

    async def compensate(self, saga_id: UUID, tenant_id: UUID | None, by: UUID, reason: str) -> None:
        """A stuck saga turns back, though the point of no return is behind it: the operator knows better."""
        async with self._database.transaction() as connection:
            if await self._repeated(connection, saga_id, tenant_id, "compensate", by, reason):
                return
            record, _ = await self._stuck(connection, saga_id, tenant_id, "compensate")
            await self._resume(connection, record, SagaState.COMPENSATING)
            await _note(connection, saga_id, "compensate", by, reason)

    async def resolve(self, saga_id: UUID, tenant_id: UUID | None, by: UUID, reason: str) -> None:
        """A stuck saga ends as compensated: the operator has made sure by hand that nothing is left of it."""
        async with self._database.transaction() as connection:
            if await self._repeated(connection, saga_id, tenant_id, "resolve", by, reason):
                return
            record, _ = await self._stuck(connection, saga_id, tenant_id, "resolve")
            for step in to_undo(self._definition(record), record):
                if not any(one.outcome is AttemptOutcome.OK for one in record.of(step.name, "compensation")):
                    await self._done_by_hand(connection, record, step.name, "compensation")
            await self._resume(connection, record, SagaState.COMPENSATING)
            await _note(connection, saga_id, "resolve", by, reason)

    async def cancel(self, saga_id: UUID, tenant_id: UUID | None, by: UUID, reason: str) -> None:
        """A running saga turns round at its next commit. Behind its point of no return it ends as it would have."""
        async with self._database.transaction() as connection:
            if await self._repeated(connection, saga_id, tenant_id, "cancel", by, reason):
                return
            record, _ = await self._locked(connection, saga_id, tenant_id)
            if record.state is not SagaState.RUNNING:
                raise FailedPrecondition(f"{record.name} is {record.state}: only a running saga can be cancelled")
            await connection.execute(statements.CANCEL, (reason, saga_id))
            await _note(connection, saga_id, "cancel", by, reason)

    async def _locked(
        self, connection: Connection, saga_id: UUID, tenant_id: UUID | None
    ) -> tuple[Record, SagaState | None]:
        cursor = await connection.execute(statements.LOCK, (saga_id, tenant_id, tenant_id))
        row = await cursor.fetchone()
        if row is None:
            raise NotFound.named("saga", saga_id)
        attempts = await (await connection.execute(statements.ATTEMPTS, ([saga_id],))).fetchall()
        record = record_from_row(row[:-1], tuple(attempt_from_row(one[1:]) for one in attempts))
        return record, SagaState(row[-1]) if row[-1] else None

    async def _stuck(
        self, connection: Connection, saga_id: UUID, tenant_id: UUID | None, verb: str
    ) -> tuple[Record, SagaState]:
        record, resume = await self._locked(connection, saga_id, tenant_id)
        if record.state is not SagaState.STUCK or resume is None:
            raise FailedPrecondition(
                f"{record.name} is {record.state}: {verb} is for stuck sagas; "
                f"`novacron saga show {saga_id}` tells how far it is"
            )
        return record, resume

    async def _repeated(
        self,
        connection: Connection,
        saga_id: UUID,
        tenant_id: UUID | None,
        action: str,
        by: UUID,
        reason: str,
        step: str | None = None,
    ) -> bool:
        """The last word on this saga was this very command, and it was heard: a client repeats what got no answer.

        A saga that is stuck once more has not been helped by it, so there the same command is a new one.
        """
        record, _ = await self._locked(connection, saga_id, tenant_id)
        if record.state is SagaState.STUCK:
            return False
        last = await (await connection.execute(statements.LAST_INTERVENTION, (saga_id,))).fetchone()
        return last == (action, step, by, reason)

    def _definition(self, record: Record) -> Saga[Any]:
        saga = self._sagas.get((record.name, record.version))
        if saga is None:
            raise FailedPrecondition(
                f"this release has no {record.name} version {record.version}: ask a replica of the release that began it"
            )
        return saga

    async def _resume(self, connection: Connection, record: Record, state: SagaState) -> None:
        await connection.execute(statements.RESUME, {"state": str(state), "saga_id": record.saga_id})

    async def _done_by_hand(self, connection: Connection, record: Record, step: str, operation: str) -> None:
        await connection.execute(
            statements.DONE_BY_HAND, (record.saga_id, step, operation, record.saga_id, step, operation, record.epoch)
        )


async def _note(
    connection: Connection, saga_id: UUID, action: str, by: UUID, reason: str, step: str | None = None
) -> None:
    await connection.execute(statements.NOTE, (saga_id, action, step, by, reason))
