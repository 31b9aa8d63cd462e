"""Clients: each wants one saga, and asks again, of any worker, under the same id until it is told how the saga ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from ...errors import AlreadyExists, NovacronError
from ...saga.definition import Saga
from ...saga.record import Record, SagaState
from .database import Server
from .definitions import Params
from .loop import VirtualLoop
from .worker import Worker


@dataclass(slots=True)
class Asked:
    """A saga that a client asked for, and every final answer that it got."""

    saga_id: UUID
    saga: Saga[Params]
    params: Params
    answers: list[Record] = field(default_factory=list)
    wrongly_taken: bool = False  # other parameters under this id were accepted


class Clients:
    """Those of one run. Some ask twice at once, some under another's id, some want it cancelled."""

    def __init__(
        self,
        loop: VirtualLoop,
        rng: random.Random,
        server: Server,
        workers: Sequence[Worker],
        sagas: Sequence[Saga[Params]],
        tell: Callable[[str], None],
    ) -> None:
        self.loop = loop
        self.rng = rng
        self.server = server
        self.workers = workers
        self.sagas = sagas
        self.asked: list[Asked] = []
        self._tell = tell

    async def one(self, begins_within: float) -> None:
        """From the first request to the final answer."""
        rng = self.rng
        asked = Asked(UUID(int=rng.getrandbits(128), version=4), rng.choice(self.sagas), Params(f"word-{rng.random()}"))
        self.asked.append(asked)
        await asyncio.sleep(rng.uniform(0.0, begins_within))
        enqueues, cancels = rng.random() < 0.1, rng.random() < 0.25
        if cancels:
            self.loop.in_world(rng.choice((rng.uniform(0, 0.5), rng.uniform(0, 8.0))), self._cancel, asked.saga_id)
        twins = [asyncio.ensure_future(self._ask(asked)) for _ in range(rng.choice((0, 0, 1)))]
        if enqueues:
            await self._enqueue(asked)
        await self._ask(asked)
        await asyncio.gather(*twins)

    async def _ask(self, asked: Asked) -> None:
        """Ask, and ask again with the same id, until there is a final answer."""
        while True:
            able = [one for one in self.workers if one.alive and asked.saga in one.sagas]
            if not able:
                await asyncio.sleep(0.5)
                continue
            other = self.rng.random() < 0.05
            params = Params("another") if other else asked.params
            if other and asked.saga_id not in self.server.tables.rows:
                continue
            request = self.rng.choice(able).request(asked.saga, asked.saga_id, params)
            await asyncio.wait([request], timeout=8.0)
            if not request.done():  # its worker is gone, or frozen
                request.add_done_callback(_look_at)
                continue
            try:
                record = request.result()
            except AlreadyExists:
                asked.wrongly_taken = asked.wrongly_taken or not other
            except (NovacronError, asyncio.CancelledError):
                pass
            else:
                asked.wrongly_taken = asked.wrongly_taken or other
                if not record.state.unfinished:
                    asked.answers.append(record)
                    return
            await asyncio.sleep(self.rng.uniform(0.05, 1.0))

    async def _enqueue(self, asked: Asked) -> None:
        saga = asked.saga
        record = Record(asked.saga_id, saga.name, saga.version, SagaState.RUNNING, None, saga.encode(asked.params))
        try:
            await self.workers[0].log.enqueue(record, saga.deadline_seconds)
        except NovacronError:
            return  # perhaps it was: what asks next attaches to it, or begins it

    def _cancel(self, saga_id: UUID) -> None:
        if not self.server.away and self.server.tables.request_cancel(saga_id, "not wanted", at=self.loop.time()):
            self._tell(f"cancel of {saga_id}")


def _look_at(given_up: asyncio.Task[Record]) -> None:
    """What nobody waits for any more may fail."""
    if not given_up.cancelled():
        given_up.exception()
