"""Keep a set of processes running until told to stop, and leave none behind.

The guarantees: a process that ends is started again after a pause that doubles; a stop goes from the highest tier to
the lowest, and whoever has not ended after its grace is killed; when the supervisor itself dies, by whatever cause,
the kernel ends its children. One asyncio task per process does all of it for that process.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterable

from .backoff import RestartBackoff
from .child import Child
from .processes import ProcessSpec
from .state import ProcessRecord, ProcessState

_STARTING_POLL = 0.1
_SERVING_POLL = 2.0

Listener = Callable[[ProcessRecord], None]


class Supervisor:
    """Runs :class:`ProcessSpec` after :class:`ProcessSpec`; ``changed`` hears of every change of any of them."""

    def __init__(
        self, changed: Listener = lambda record: None, *, backoff: Callable[[], RestartBackoff] = RestartBackoff
    ):
        self._changed = changed
        self._backoff = backoff
        self._kept: dict[str, _Kept] = {}

    @property
    def records(self) -> list[ProcessRecord]:
        return [kept.record for kept in self._kept.values()]

    def add(self, spec: ProcessSpec) -> None:
        """Take ``spec`` on without starting it yet."""
        self._kept[spec.name] = _Kept(spec, self._changed, self._backoff())

    def start(self, names: Iterable[str]) -> None:
        """Start these, all at once, and keep them running from now on."""
        for name in names:
            self._kept[name].start()

    async def wait_serving(self, names: Iterable[str], timeout: float) -> list[str]:
        """Wait until all of these serve, at most ``timeout`` seconds; the names of those that then still do not."""
        kept = [self._kept[name] for name in names]
        waits = [asyncio.ensure_future(one.served.wait()) for one in kept]
        _, pending = await asyncio.wait(waits, timeout=timeout)
        for wait in pending:
            wait.cancel()
        return [one.record.name for one in kept if not one.served.is_set()]

    async def stop(self) -> None:
        """Stop everything, tier after tier. Repeatable, and nothing is left when it returns."""
        for tier in sorted({kept.spec.tier for kept in self._kept.values()}, reverse=True):
            await asyncio.gather(*(kept.stop() for kept in self._kept.values() if kept.spec.tier is tier))

    def hurry(self) -> None:
        """End the graces: what has not stopped yet is killed now, tier after tier."""
        for kept in self._kept.values():
            kept.hurry.set()


class _Kept:
    """One process and the task that keeps it."""

    def __init__(self, spec: ProcessSpec, changed: Listener, backoff: RestartBackoff) -> None:
        self.spec = spec
        self.record = ProcessRecord(spec.name, addresses=spec.addresses, log=str(spec.log))
        self.served = asyncio.Event()
        self.hurry = asyncio.Event()
        self._changed = changed
        self._backoff = backoff
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")

    async def stop(self) -> None:
        self._stopping.set()
        if self._task is not None:
            await self._task
        await self.spec.probe.close()
        self._become(ProcessState.STOPPED)

    async def _keep(self) -> None:
        while not self._stopping.is_set():
            self._become(ProcessState.STARTING)
            began = time.monotonic()
            try:
                end = await self._run_once()
            except Exception as error:  # a missing binary, a full disk: as good a reason to try again as a crash
                end = f"cannot start: {error}"
            if self._stopping.is_set():
                return
            pause = self._backoff.after_run(time.monotonic() - began)
            self.record.restarts += 1
            self.record.last_end = end
            self.served.clear()
            self._become(ProcessState.RESTARTING, f"{end}, again in {pause:g} s")
            await _first(pause, self._stopping)

    async def _run_once(self) -> str:
        """One life of the process, from its preparation to its last member's end; how it ended."""
        await asyncio.to_thread(self.spec.before_start)
        if self._stopping.is_set():
            return "stopped before it started"
        with Child(self.spec) as child:
            self.record.pid, self.record.started = child.pid, child.started
            self._become(ProcessState.STARTING)
            watch = asyncio.create_task(self._watch())
            try:
                await _first(None, child.exited, self._stopping)
                if not child.exited.is_set():
                    watch.cancel()  # who stops is not expected to answer
                    await self._end(child)
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
                status = child.reap()
                self.record.pid = self.record.started = None
        return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"

    async def _end(self, child: Child) -> None:
        child.send(self.spec.stop_signal)
        await _first(self.spec.stop_grace, child.exited, self.hurry)
        if not child.exited.is_set():
            child.send(signal.SIGKILL)
            await child.exited.wait()

    async def _watch(self) -> None:
        """Follow the probe for as long as the process lives."""
        while True:
            try:
                serves = await self.spec.probe()
            except OSError:  # out of files, or the data directory is gone: no answer is not a yes
                serves = False
            if serves:
                self.served.set()
                self._become(ProcessState.SERVING)
            elif self.served.is_set():
                self._become(ProcessState.UNREADY, "does not answer its health check")
            await asyncio.sleep(_SERVING_POLL if serves else _STARTING_POLL)

    def _become(self, state: ProcessState, detail: str = "") -> None:
        before = (self.record.state, self.record.detail)
        pid_known = state is ProcessState.STARTING and self.record.pid is not None
        self.record.state, self.record.detail = state, detail
        if before != (state, detail) or pid_known:
            self._changed(self.record)


async def _first(timeout: float | None, *events: asyncio.Event) -> None:
    """Return when one of ``events`` is set, or after ``timeout`` seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
