"""A simulated worker: one incarnation after another of a process with a coordinator, and its calls to the participants."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from ...db import Connection
from ...errors import NovacronError, Unavailable, Unreachable
from ...saga.coordinator import Coordinator
from ...saga.definition import Context, Saga
from ...saga.key import SagaKey, current_key
from ...saga.record import Record
from .database import Server, SimulatedLog
from .definitions import OUTPUTS, Params
from .faults import Faults
from .loop import Process, ProcessState, VirtualLoop
from .participants import Participants

SWEEP_SECONDS = 0.5


@dataclass(slots=True)
class Calls:
    """A worker's clients: each request travels, arrives once, twice, late or never, and so does its answer."""

    loop: VirtualLoop
    server: Server
    participants: Participants
    faults: Faults
    last_arrives_at: float = 0.0
    untold: list[SagaKey] = field(default_factory=list)  # sent, though the log names no attempt of it

    async def all_arrived(self) -> None:
        """Until the last request has come to its participant."""
        await asyncio.sleep(max(self.last_arrives_at - self.loop.time(), 0) + 0.001)

    async def call(self, context: Context[Params]) -> Any:
        key = current_key()
        assert key is not None
        attempts = self.server.tables.attempts.get(key.saga_id, {})
        if not any((step, operation) == (key.step, key.operation) for step, operation, _ in attempts):
            self.untold.append(key)
        fate = self.faults.delivery()
        if not fate.sent:
            raise Unreachable("no connection stands")
        loop, answer = self.loop, self.loop.create_future()

        def arrive() -> None:
            try:
                token, error = self.participants.serve(key, fate.refusal, loop.time()), None
            except NovacronError as refused:
                token, error = 0, refused
            if fate.answered_after is not None:
                loop.in_world(fate.answered_after, answered, token, error)

        def answered(token: int, error: NovacronError | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(token)
            else:
                answer.set_exception(error)

        for after in fate.arrives_after:
            self.last_arrives_at = max(self.last_arrives_at, loop.time() + after)
            loop.in_world(after, arrive)
        if fate.broken_after is not None:
            loop.in_world(fate.broken_after, answered, 0, Unavailable("the connection broke"))
        token = await answer
        return OUTPUTS[int(key.step.removeprefix("step-"))](token)


class Worker:
    """A place at which one process after another works. Each has its own owner name, as each has its own id."""

    def __init__(
        self,
        name: str,
        loop: VirtualLoop,
        log: type[SimulatedLog],
        server: Server,
        calls: Calls,
        *,
        sagas: Sequence[Saga[Params]],
        rng: random.Random,
    ) -> None:
        self.name = name
        self._loop = loop
        self._log_type = log
        self._server = server
        self._calls = calls
        self._rng = rng
        self.sagas = tuple(sagas)
        self.incarnation = 0
        self._skew = rng.choice((-1, 1)) * rng.uniform(5.0, 60.0)
        self._begin()

    def _begin(self) -> None:
        self.incarnation += 1
        self.process = Process(f"{self.name}.{self.incarnation}")
        self.log = self._log_type(self._server, self.process, self._skew)
        self.coordinator = Coordinator(
            self.log,
            self.sagas,
            services=self._calls,
            lease_seconds=self._server.tables.lease_seconds,
            sweep_seconds=SWEEP_SECONDS,
            seed=self._rng.getrandbits(32),
        )
        self.coordinator.owner = self.process.name
        self._loop.spawn(self.process, self.coordinator.start())

    @property
    def alive(self) -> bool:
        return self.process.state is ProcessState.RUNNING

    def kill(self) -> None:
        self._loop.kill(self.process)

    def freeze(self) -> None:
        self._loop.freeze(self.process)

    def thaw(self) -> None:
        self._loop.thaw(self.process)

    def restart(self, sagas: Sequence[Saga[Params]] | None = None) -> None:
        """A new process in the place of one that is dead or done with."""
        self._loop.kill(self.process)
        self.sagas = self.sagas if sagas is None else tuple(sagas)
        self._begin()

    async def stop(self) -> None:
        """End in order, giving everything back; a database that does not answer does not hold it up for ever."""
        stopping = self._loop.spawn(self.process, self.coordinator.stop())
        await asyncio.wait([stopping], timeout=5.0)

    def request(self, saga: Saga[Params], saga_id: UUID, params: Params) -> asyncio.Task[Record]:
        """What a servicer does with a request: the saga and its thing in one transaction, then wait a while."""
        return self._loop.spawn(self.process, self._serve(saga, saga_id, params))

    async def _serve(self, saga: Saga[Params], saga_id: UUID, params: Params) -> Record:
        async with self.log.transaction() as transaction:
            transaction.insert_thing(saga_id)
            begun = await self.coordinator.begin(cast(Connection, transaction), saga, saga_id, params)
        self.coordinator.launch(begun)
        return await self.coordinator.wait(saga_id, 5.0)
