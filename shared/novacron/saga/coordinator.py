"""The coordinator: begins sagas, runs them, takes over those of workers that are gone.

One per process. A saga runs in a task of its own, never inside a request: the request may end, the saga goes on.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from .. import logs, telemetry, tenancy
from ..db import Connection
from ..ending import end
from ..errors import AlreadyExists, LeaseLost, NotFound, NovacronError
from ..ids import new_id
from ..rpc import deadline
from . import metrics
from .definition import DefinitionError, Saga
from .execution import Execution
from .log import Log
from .plan import Decision, decide
from .record import Record, SagaState
from .watch import Watch

log = logs.logger(__name__)
P = TypeVar("P")


def _now() -> float:
    """Seconds by the loop's clock: the one that its timers go by, virtual in a simulation."""
    return asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class Begun:
    """A saga in the log of a transaction that may not be committed yet; hand it to :meth:`Coordinator.launch` after."""

    record: Record
    decision: Decision | None  # None: another process has it, or it has ended


class Coordinator:
    """Runs the sagas of one service. ``start`` and ``stop`` it like any background component."""

    def __init__(
        self,
        saga_log: Log,
        sagas: Iterable[Saga[Any]],
        *,
        services: Any = None,
        lease_seconds: float = 10.0,
        sweep_seconds: float = 1.0,
        concurrency: int = 256,
        seed: int | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._log = saga_log
        self._sagas: dict[tuple[str, int], Saga[Any]] = {}
        for saga in sagas:
            if (saga.name, saga.version) in self._sagas:
                raise DefinitionError(f"saga {saga.name!r}: version {saga.version} is registered twice")
            self._sagas[saga.name, saga.version] = saga
        self._services = services
        self._lease_seconds = lease_seconds
        self._sweep_seconds = sweep_seconds
        self._concurrency = concurrency
        self._watch = watch
        self._rng = random.Random(seed)  # noqa: S311 - jitter, no secret
        # One incarnation of one process: never a name that a restarted process would have again.
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
        self._running: dict[UUID, tuple[int, asyncio.Task[Record]]] = {}
        self._lease_ends: dict[UUID, float] = {}
        self._background: list[asyncio.Task[None]] = []
        self._stopping = False

    async def start(self) -> None:
        self._background = [
            asyncio.create_task(self._sweep(), name="saga-sweep"),
            asyncio.create_task(self._heartbeat(), name="saga-heartbeat"),
        ]

    async def stop(self) -> None:
        """End the work here and give every saga back, so that another worker takes it at once."""
        self._stopping = True
        await end([*self._background, *(task for _, task in self._running.values())])
        try:
            await self._log.release(self.owner)
        except NovacronError as error:
            log.warning("sagas not given back: their leases will pass", reason=error.reason)

    async def begin(
        self, connection: Connection, saga: Saga[P], saga_id: UUID, params: P, *, tenant_id: UUID | None = None
    ) -> Begun:
        """Write a saga with its first intent in the caller's transaction; the same id again attaches to the first.

        :raises AlreadyExists: the id belongs to a saga with another name or other parameters.
        """
        record = Record(
            saga_id=saga_id,
            name=saga.name,
            version=saga.version,
            state=SagaState.RUNNING,
            tenant_id=tenant_id,
            params=saga.encode(params),
            epoch=1,
            traceparent=telemetry.current_traceparent(),
        )
        decision = decide(saga, record)
        if await self._log.begin(connection, record, self.owner, decision.intents, saga.deadline_seconds):
            return Begun(record.with_intents(decision.intents), decision)
        with tenancy.every_tenant():  # an id is taken or free for all tenants alike
            known = await self._log.read(saga_id)
        if known is not None and (known.name, known.params) != (record.name, record.params):
            raise AlreadyExists(f"{saga_id} is taken by another request: choose a new id, or repeat the same contents")
        return Begun(known or record, None)

    def launch(self, begun: Begun) -> None:
        """Run a saga whose transaction was committed. Not called, it is taken up when its lease has passed."""
        if begun.decision is not None:
            self._run(begun.record, begun.decision)

    async def wait(self, saga_id: UUID, timeout: float) -> Record:
        """The saga's record when it is over or stuck, or as it stands when ``timeout`` seconds have passed.

        Wherever it runs: in this process the answer comes at once, from another one by asking the log.
        """
        ends = _now() + timeout
        pause = 0.02
        while True:
            running = self._running.get(saga_id)
            if running is not None:
                await asyncio.wait([running[1]], timeout=max(ends - _now(), 0))
                if running[1].done() and not running[1].cancelled() and running[1].exception() is None:
                    return running[1].result()
            record = await self._log.read(saga_id)
            if record is None:
                raise NotFound.named("saga", saga_id)
            left = ends - _now()
            if not record.state.unfinished or left <= 0:
                return record
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, 0.5)

    @property
    def running(self) -> int:
        """Sagas under way in this process."""
        return len(self._running)

    def _run(self, record: Record, decision: Decision | None) -> None:
        if self._stopping or record.saga_id in self._running:
            return
        saga = self._sagas[record.name, record.version]
        execution = Execution(saga, record, self.owner, self._log, self._rng, self._services)
        task = asyncio.create_task(self._supervise(execution, decision), name=f"saga {record.name} {record.saga_id}")
        self._running[record.saga_id] = (record.epoch, task)
        self._lease_ends[record.saga_id] = _now() + self._lease_seconds
        task.add_done_callback(lambda _: self._ended(record.saga_id))
        metrics.RUNNING.set(len(self._running))

    def _ended(self, saga_id: UUID) -> None:
        _, task = self._running.pop(saga_id)
        self._lease_ends.pop(saga_id, None)
        metrics.RUNNING.set(len(self._running))
        if not task.cancelled():
            task.exception()  # has been logged; looked at, so that the loop does not complain

    async def _supervise(self, execution: Execution, decision: Decision | None) -> Record:
        deadline.detached()
        tenancy.detached()
        record = execution.record
        try:
            ended = await execution.run(decision)
        except LeaseLost:
            log.warning("saga lost to another worker", saga=str(record.saga_id), name=record.name)
            raise
        except Exception:
            # A fault in a definition's own code: the lease passes, and the next try comes ever later.
            log.exception("saga broke off", saga=str(record.saga_id), name=record.name)
            raise
        metrics.FINISHED.labels(ended.name, str(ended.state)).inc()
        level = {SagaState.STUCK: log.error, SagaState.SUCCEEDED: log.debug}.get(ended.state, log.info)
        level(
            "saga over", saga=str(ended.saga_id), name=ended.name, state=str(ended.state), error=str(ended.error or "")
        )
        return ended

    async def _sweep(self) -> None:
        """Recovery is this query, for ever: an unfinished saga that nobody holds is taken."""
        while True:
            try:
                free = self._concurrency - len(self._running)
                due = self._watch is None or await self._watch.may_be_due(self._sagas)
                taken = await self._log.claim(self.owner, self._sagas, free) if due and free > 0 else []
                for record in taken:
                    log.info("saga taken over", saga=str(record.saga_id), name=record.name, epoch=record.epoch)
                    metrics.TAKEOVERS.labels(record.name).inc()
                    self._run(record, None)
            except NovacronError as error:
                log.warning("saga sweep failed", reason=error.reason)
            except Exception:
                log.exception("saga sweep failed")
            await asyncio.sleep(self._sweep_seconds)

    async def _renew(self, mine: dict[UUID, int]) -> set[UUID]:
        """Those that this worker still has, or has ended. One that ended while the statement waited for its row is asked
        for once more before it counts as lost."""
        kept = await self._log.renew(self.owner, list(mine.items()))
        doubtful = [
            (saga_id, epoch) for saga_id, epoch in mine.items() if saga_id not in kept and saga_id in self._running
        ]
        return kept | await self._log.renew(self.owner, doubtful) if doubtful else kept

    async def _heartbeat(self) -> None:
        """Renew leases at a third of their length; let go, in time, of what could not be renewed."""
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            mine = {saga_id: epoch for saga_id, (epoch, _) in self._running.items()}
            if not mine:
                continue
            began = _now()
            lost: set[UUID] = set()
            try:
                async with asyncio.timeout(self._lease_seconds / 3):
                    kept = await self._renew(mine)
                for saga_id in kept & self._lease_ends.keys():
                    self._lease_ends[saga_id] = began + self._lease_seconds
                # One that ended while this was on its way is not lost.
                lost = {saga_id for saga_id in mine.keys() - kept if saga_id in self._running}
            except (NovacronError, TimeoutError) as error:
                log.warning("saga leases not renewed", error=str(error))
            margin = _now() + self._lease_seconds / 3
            lost |= {saga_id for saga_id, ends in self._lease_ends.items() if saga_id in mine and ends < margin}
            for saga_id in lost:
                if saga_id in self._running and self._running[saga_id][0] == mine[saga_id]:
                    log.warning("saga let go: its lease was not renewed", saga=str(saga_id))
                    self._running[saga_id][1].cancel()
