"""What befalls whole processes: workers are killed, frozen and restarted, the database goes away and comes back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from .database import Server
from .faults import Faults
from .loop import VirtualLoop, current_process
from .worker import Worker


class Disasters:
    """Those of one run: at any time, and at the very instants that the coordinator names."""

    def __init__(
        self,
        loop: VirtualLoop,
        rng: random.Random,
        server: Server,
        workers: Sequence[Worker],
        faults: Faults,
        tell: Callable[[str], None],
    ) -> None:
        self.loop = loop
        self.rng = rng
        self.server = server
        self.workers = workers
        self.faults = faults
        self._lease_seconds = server.tables.lease_seconds
        self._tell = tell

    async def one(self, within: float) -> None:
        """One of them, within so many seconds."""
        await asyncio.sleep(self.rng.uniform(0.0, within))
        worker = self.rng.choice(self.workers)
        match self.rng.randrange(5):
            case 0 | 1:
                self._strike(worker, "kill")
            case 2:
                self._strike(worker, "freeze")
            case 3:
                if worker.alive:
                    self._tell(f"stop {worker.process.name}")
                    await worker.stop()
                    worker.restart()
            case _:
                self._tell("the database goes away")
                self.server.go_away()
                self.loop.in_world(self.rng.uniform(0.1, 2 * self._lease_seconds), self.server.come_back)

    def _strike(self, worker: Worker, how: str) -> None:
        process = worker.process
        if not worker.alive:
            return
        self._tell(f"{how} {process.name}")
        if how == "kill":
            worker.kill()
            self.loop.in_world(self.rng.uniform(0.1, 2 * self._lease_seconds), self._again, worker)
        else:
            worker.freeze()
            self.loop.in_world(self.rng.uniform(0.1, 4 * self._lease_seconds), self._wake, worker)

    def _again(self, worker: Worker) -> None:
        if not worker.alive:
            worker.restart()

    def _wake(self, worker: Worker) -> None:
        self._tell(f"thaw {worker.process.name}")
        worker.thaw()

    async def at_failpoint(self, point: str, detail: str) -> None:
        """A hook of ``novacron.saga.failpoint``."""
        process = current_process()
        worker = next((one for one in self.workers if one.process is process), None)
        if worker is None:
            return
        how = self.faults.disaster_at_failpoint()
        if how is not None:
            self._tell(f"at {point} of {detail}:")
            self._strike(worker, how)
            await asyncio.sleep(0)  # nothing of a dead process goes on from here, and of a frozen one nothing yet
