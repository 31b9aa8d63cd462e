"""One run: workers, requests and a time of faults, all from one seed; then calm, and the checker's word."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from ...saga import failpoint
from ...saga.definition import Saga
from ...saga.record import SagaState
from .database import Server, SimulatedLog
from .definitions import Params, all_shapes
from .disasters import Disasters
from .faults import Faults
from .loop import Endless, VirtualLoop
from .participants import Participants
from .requests import Asked, Clients
from .tables import Tables
from .worker import Calls, Worker

LEASE_SECONDS = 2.0
# From the end of the faults to the end of every saga: the longest backoff of a saga that ended its workers, and then its work.
SETTLES_WITHIN_SECONDS = 600.0
_MOST_RETRIES = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run is built of. A canary puts one broken part among them."""

    tables: type[Tables] = Tables
    log: type[SimulatedLog] = SimulatedLog
    participants: type[Participants] = Participants


@dataclass(slots=True)
class Outcome:
    """All that is left of a run, for the checker."""

    seed: int
    server: Server
    calls: Calls
    participants: Participants
    asked: list[Asked]
    retries: dict[UUID, int]
    events: list[tuple[float, str]]
    troubles: list[str]
    unsettled: bool = False

    def digest(self) -> str:
        """Equal for equal runs: everything that was written and everything that took effect, with its time."""
        story = [
            *(
                (one.at, one.verb, one.owner, one.epoch, str(one.after.state), str(one.after.saga_id))
                for one in self.server.tables.history
            ),
            *((one.at, str(one.key), one.token) for one in self.participants.journal),
        ]
        return hashlib.sha256(repr(story).encode()).hexdigest()


class Simulation:
    """Everything of one seed."""

    def __init__(self, seed: int, parts: Parts) -> None:
        self.seed = seed
        self.rng = random.Random(seed)  # noqa: S311 - no secret
        self.loop = VirtualLoop.new()
        self.faults = Faults(random.Random(self.rng.getrandbits(64)))  # noqa: S311 - no secret
        self.server = Server(self.loop, parts.tables(LEASE_SECONDS, self.loop.time), self.faults)
        self.participants = parts.participants()
        self.calls = Calls(self.loop, self.server, self.participants, self.faults)
        self.sagas = self.rng.sample(all_shapes(), self.rng.randint(1, 3))
        self.workers = [
            Worker(f"worker-{number}", self.loop, parts.log, self.server, self.calls, sagas=self._known(), rng=self.rng)
            for number in range(self.rng.randint(2, 4))
        ]
        self.events: list[tuple[float, str]] = []
        self.retries: dict[UUID, int] = {}
        self.ends_at = self.rng.uniform(3.0, 15.0)
        self.clients = Clients(self.loop, self.rng, self.server, self.workers, self.sagas, self._tell)
        self.disasters = Disasters(self.loop, self.rng, self.server, self.workers, self.faults, self._tell)

    def execute(self) -> Outcome:
        failpoint.install(self.disasters.at_failpoint)
        try:
            try:
                settled = self.loop.run(self._main())
            except Endless as endless:
                settled = False
                self.loop.troubles.append(str(endless))
            return Outcome(
                self.seed,
                self.server,
                self.calls,
                self.participants,
                self.clients.asked,
                self.retries,
                self.events,
                list(self.loop.troubles),
                not settled,
            )
        finally:
            failpoint.install(None)
            self.loop.close()

    async def _main(self) -> bool:
        clients = [
            asyncio.ensure_future(self.clients.one(self.ends_at * 0.8)) for _ in range(self.rng.choice((1, 2, 4, 8)))
        ]
        disasters = [asyncio.ensure_future(self.disasters.one(self.ends_at)) for _ in range(self.faults.disasters)]
        await asyncio.sleep(self.ends_at)
        self._calm()
        await asyncio.gather(*clients, *disasters)
        settled = await self._settle()
        for _ in range(_MOST_RETRIES):
            if not self._retry_stuck():
                break
            settled = settled and await self._settle()
        await self.calls.all_arrived()  # what was sent before the calm still arrives, and may do no more harm
        return settled

    def _calm(self) -> None:
        self._tell("calm")
        self.faults.active = False
        self.server.come_back()
        for worker in self.workers:
            worker.thaw()
            if not worker.alive or worker.sagas != tuple(self.sagas):
                worker.restart(self.sagas)

    async def _settle(self) -> bool:
        """Until every saga is over or stuck; False: not in time."""
        limit = self.loop.time() + SETTLES_WITHIN_SECONDS
        while any(row.state.unfinished for row in self.server.tables.rows.values()):
            if self.loop.time() > limit:
                return False
            await asyncio.sleep(0.5)
        return True

    def _retry_stuck(self) -> bool:
        """The operator's word to every stuck saga; False: there was none."""
        stuck = [row.saga_id for row in self.server.tables.rows.values() if row.state is SagaState.STUCK]
        for saga_id in stuck:
            self._tell(f"operator retries {saga_id}")
            self.retries[saga_id] = self.retries.get(saga_id, 0) + 1
            self.server.tables.resume(saga_id, None, at=self.loop.time())
        return bool(stuck)

    def _known(self) -> list[Saga[Params]]:
        """What a worker has registered: mostly everything, sometimes the release before knew less."""
        return [saga for saga in self.sagas if self.rng.random() < 0.9] or self.sagas[:1]

    def _tell(self, event: str) -> None:
        self.events.append((self.loop.time(), event))


@contextmanager
def listening(broken: list[str]) -> Iterator[None]:
    """Without the coordinator's log lines, which would be most of a run's work; faults of its own code are kept."""

    def keep(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if "exc_info" in event:
            broken.append(f"{event['event']}: {sys.exc_info()[1]!r}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[keep],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def simulate(seed: int, parts: Parts | None = None) -> Outcome:
    """Run one seed from its first event to its last."""
    broken: list[str] = []
    with listening(broken):
        outcome = Simulation(seed, parts or Parts()).execute()
    outcome.troubles += broken
    return outcome
