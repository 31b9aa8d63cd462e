"""The simulated database server, and a worker's connection to it: the ``Log`` that simulated coordinators write.

A statement travels there, happens at one instant, and its answer travels back. Either way may be lost, slow or cut by a restart
of the server; what the server does, it does whether or not the worker that asked still lives.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from ...errors import Conflict, NovacronError, Unavailable
from ...saga.entry import Committed
from ...saga.log import Effect
from ...saga.plan import Decision
from ...saga.record import Attempt, Record
from .faults import Faults
from .loop import Process, ProcessState, VirtualLoop
from .tables import Tables

T = TypeVar("T")
_LOCK_TIMEOUT_SECONDS = 10.0


class Server:
    """Tables that are there or away. A restart breaks every connection, and what was on its way is not done."""

    def __init__(self, loop: VirtualLoop, tables: Tables, faults: Faults) -> None:
        self.loop = loop
        self.tables = tables
        self.faults = faults
        self.away = False
        self.generation = 0
        self.things: set[UUID] = set()  # what the sagas are about: each row is inserted with its saga
        self.notes: Counter[tuple[UUID, str]] = Counter()  # what local effects wrote
        self.inserting: dict[UUID, Transaction] = {}

    def go_away(self) -> None:
        self.away = True
        self.generation += 1
        self.inserting.clear()

    def come_back(self) -> None:
        self.away = False


class Transaction:
    """An open transaction of a worker: nothing of it is seen before it ends."""

    def __init__(self, server: Server, process: Process) -> None:
        self.server = server
        self.process = process
        self.generation = server.generation
        self.begins: list[Callable[[], bool]] = []
        self.things: list[UUID] = []
        self.notes: list[tuple[UUID, str]] = []

    @property
    def open(self) -> bool:
        """A dead client's transaction is rolled back, and so is everybody's when the server restarts."""
        return self.process.state is not ProcessState.DEAD and self.generation == self.server.generation

    def insert_thing(self, saga_id: UUID) -> None:
        self.things.append(saga_id)

    def note(self, saga_id: UUID, what: str) -> None:
        self.notes.append((saga_id, what))

    def apply(self) -> None:
        if not all(begin() for begin in self.begins):
            raise Conflict("another transaction was faster: read again and repeat")
        for saga_id in self.things:
            self.server.things.add(saga_id)
        self.server.notes.update(self.notes)


class SimulatedLog:
    """One worker's way to the saga log."""

    def __init__(self, server: Server, process: Process, clock_skew: float) -> None:
        self.server = server
        self.process = process
        self.clock_skew = clock_skew  # of the worker's own clock, by which nothing may go

    def at(self) -> float:
        """The clock that leases go by: the database's, for all workers."""
        return self.server.loop.time()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """:raises Unavailable: it may or may not have been committed."""
        opened = Transaction(self.server, self.process)
        try:
            yield opened
            await self._statement(lambda: self._commit(opened), single=False)
        finally:
            self._forget(opened)

    async def begin(
        self, connection: Any, record: Record, owner: str, intents: Sequence[Attempt], deadline_seconds: float
    ) -> bool:
        transaction: Transaction = connection
        gives_up = self.server.loop.time() + _LOCK_TIMEOUT_SECONDS
        while True:
            outcome = await self._statement(
                lambda: self._begin(transaction, record, owner, intents, deadline_seconds), single=False
            )
            if outcome is not None:
                return outcome
            if self.server.loop.time() > gives_up:
                raise Conflict("another transaction was faster: read again and repeat")
            await asyncio.sleep(0.01)  # the key's row is held by a transaction that has not ended

    async def commit(
        self,
        owner: str,
        record: Record,
        decision: Decision,
        done: Sequence[Attempt],
        intents: Sequence[Attempt],
        effect: Effect | None,
    ) -> Committed:
        def statement() -> Committed:
            transaction = Transaction(self.server, self.process)
            change = None if effect is None else lambda: self._drive(effect, transaction)
            committed = self.server.tables.commit(owner, record, decision, done, intents, change, at=self.at())
            transaction.apply()
            return committed

        return await self._statement(statement, single=effect is None)

    async def claim(self, owner: str, definitions: Iterable[tuple[str, int]], limit: int) -> list[Record]:
        known = list(definitions)
        return await self._statement(lambda: self.server.tables.claim(owner, known, limit, at=self.at()))

    async def renew(self, owner: str, sagas: Sequence[tuple[UUID, int]]) -> set[UUID]:
        return await self._statement(lambda: self.server.tables.renew(owner, sagas, at=self.at()))

    async def release(self, owner: str) -> None:
        await self._statement(lambda: self.server.tables.release(owner, at=self.at()))

    async def read(self, saga_id: UUID) -> Record | None:
        return await self._statement(lambda: self.server.tables.read(saga_id, at=self.at()))

    async def enqueue(self, record: Record, deadline_seconds: float) -> None:
        """The saga and its thing in one transaction, for whoever sweeps next."""

        def statement() -> None:
            holder = self.server.inserting.get(record.saga_id)
            if holder is not None and holder.open:
                raise Conflict("another transaction was faster: read again and repeat")
            self.server.tables.enqueue(record, deadline_seconds, at=self.at())
            self.server.things.add(record.saga_id)

        await self._statement(statement)

    def _begin(
        self, transaction: Transaction, record: Record, owner: str, intents: Sequence[Attempt], deadline_seconds: float
    ) -> bool | None:
        """None: another open transaction inserts this key; it must end first."""
        saga_id = record.saga_id
        holder = self.server.inserting.get(saga_id)
        if holder is not None and holder is not transaction and holder.open:
            return None
        if saga_id in self.server.tables.rows:
            return False
        self.server.inserting[saga_id] = transaction
        begun_at = self.at()
        transaction.begins.append(
            lambda: self.server.tables.begin(record, owner, intents, deadline_seconds, at=begun_at)
        )
        return True

    def _commit(self, transaction: Transaction) -> None:
        if not transaction.open:
            raise Unavailable("the connection of this transaction is gone")
        transaction.apply()
        self._forget(transaction)

    def _forget(self, transaction: Transaction) -> None:
        for saga_id in [one for one, holder in self.server.inserting.items() if holder is transaction]:
            del self.server.inserting[saga_id]

    def _drive(self, effect: Effect, transaction: Transaction) -> None:
        """A local effect in the instant of its commit."""
        if self.server.faults.local_effect_loses_race():
            raise Conflict("a local effect lost a race: the commit is taken back")
        running = effect(transaction)
        try:
            running.__await__().send(None)
        except StopIteration:
            return
        raise RuntimeError("a local effect waits for something other than its connection")

    async def _statement(self, function: Callable[[], T], *, single: bool = True) -> T:
        server, loop = self.server, self.server.loop
        fate = server.faults.statement(single=single)
        answer: asyncio.Future[T] = loop.create_future()
        generation = server.generation
        gone = Unavailable("the database does not answer: retry in a moment", retry_after_seconds=0.5)

        def happen() -> None:
            if server.away or server.generation != generation:
                loop.in_world(0.001, _settle, answer, None, gone)
                return
            try:
                value, error = function(), None
            except Exception as exception:
                value, error = None, exception
            loop.in_world(fate.answered_after, answered, value, error)

        def answered(value: Any, error: Exception | None) -> None:
            # A restart in between takes the answer along, whatever was done.
            _settle(answer, value, gone if server.generation != generation else error)

        if fate.arrives_after is not None:
            loop.in_world(fate.arrives_after, happen)
        if fate.broken_after is not None:
            loop.in_world(fate.broken_after, _settle, answer, None, gone)
        return await answer


def _settle(answer: asyncio.Future[Any], value: Any, error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(value)
    else:
        # A fresh one each time: a shared exception would collect the tracebacks of all who raise it.
        answer.set_exception(type(error)(*error.args) if isinstance(error, NovacronError) else error)


__all__ = ["Server", "SimulatedLog", "Transaction"]
