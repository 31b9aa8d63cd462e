"""One run of the whole stack, from taking the data directory to letting it go."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from novacron.embedded.account import EmbeddedServerError

from . import lock, state
from .layout import DEFAULT_PORT_BASE, DataDirectory, LocalStackError, Ports
from .leftovers import end_leftovers
from .logfile import last_lines
from .ports import check_ports
from .processes import ProcessSpec
from .state import ProcessRecord, StackRecord, StackState
from .supervisor import Supervisor

_MAINTENANCE_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class StackConfig:
    """What the user chose."""

    data: DataDirectory
    port_base: int = DEFAULT_PORT_BASE
    driver: str = "auto"
    agents: int = 1
    ready_timeout: float = 120.0

    @property
    def ports(self) -> Ports:
        return Ports(self.port_base)


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Phase:
    """Processes that start together. ``then`` (blocking, repeatable) runs once all of them serve."""

    specs: Sequence[ProcessSpec]
    then: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Plan:
    """The phases of a start, and what to do every few hours for as long as it runs."""

    phases: Sequence[Phase]
    maintain: Callable[[], None] = _nothing
    notes: Sequence[str] = ()


@dataclass(slots=True)
class Stack:
    """A stack on one data directory. ``changed`` is called after every change, with ``record`` up to date."""

    config: StackConfig
    plan: Callable[[StackConfig], Plan]
    changed: Callable[[StackRecord, ProcessRecord | None], None] = lambda record, process: None
    record: StackRecord = field(init=False)

    def __post_init__(self) -> None:
        config = self.config
        self.record = state.new_record(port_base=config.port_base, driver=config.driver, agents=config.agents)

    async def run(self) -> None:
        """Start everything, run until SIGINT, SIGTERM or SIGHUP, stop everything.

        :raises LocalStackError: when it cannot start here, or does not become ready; nothing runs then.
        """
        data = self.config.data
        data.make()
        try:
            with lock.hold(data.lock):
                end_leftovers(state.read(data.state))
                await self._run()
        except lock.AlreadyRunning:
            raise LocalStackError(
                f"NovaCron already runs on {data.path}: see `novacron status`, end it with `novacron down`, "
                f"or start another with --data-dir and --port-base"
            ) from None
        except EmbeddedServerError as error:
            raise LocalStackError(str(error)) from error

    async def _run(self) -> None:
        plan = await asyncio.to_thread(self.plan, self.config)
        specs = [spec for phase in plan.phases for spec in phase.specs]
        check_ports(specs)
        supervisor = Supervisor(self._tell)
        for spec in specs:
            supervisor.add(spec)
        self.record.processes = supervisor.records
        self.record.notes = list(plan.notes)
        self._become(StackState.STARTING)
        with _told_to_stop(supervisor) as told:
            stopping = asyncio.create_task(told.wait())
            running = asyncio.create_task(self._start_and_maintain(supervisor, plan))
            try:
                await asyncio.wait((stopping, running), return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._become(StackState.STOPPING)
                stopping.cancel()
                running.cancel()
                outcome = (await asyncio.gather(running, return_exceptions=True))[0]
                await supervisor.stop()
                self._become(StackState.STOPPED)
        if isinstance(outcome, Exception):
            raise outcome

    async def _start_and_maintain(self, supervisor: Supervisor, plan: Plan) -> None:
        deadline = asyncio.get_running_loop().time() + self.config.ready_timeout
        for phase in plan.phases:
            names = [spec.name for spec in phase.specs]
            supervisor.start(names)
            late = await supervisor.wait_serving(names, deadline - asyncio.get_running_loop().time())
            if late:
                raise LocalStackError(self._why_not_ready(late))
            await asyncio.to_thread(phase.then)
        self._become(StackState.READY)
        while True:
            await asyncio.sleep(_MAINTENANCE_SECONDS)
            await asyncio.to_thread(plan.maintain)

    def _why_not_ready(self, names: Sequence[str]) -> str:
        parts = [f"not ready after {self.config.ready_timeout:g} s: {', '.join(names)}"]
        for process in self.record.processes:
            if process.name in names:
                lines = last_lines(self.config.data.log(process.name), 8)
                ended = f", started {process.restarts + 1} times, {process.last_end}" if process.restarts else ""
                parts += [f"{process.name}: {process.state}{ended}", *(f"  | {line}" for line in lines)]
        return "\n".join(parts)

    def _become(self, new: StackState) -> None:
        self.record.state = new
        self._tell(None)

    def _tell(self, process: ProcessRecord | None) -> None:
        """A full disk or a closed terminal ends the telling, never the processes or their ordered stop."""
        with contextlib.suppress(OSError):
            state.write(self.config.data.state, self.record)
        with contextlib.suppress(OSError):
            self.changed(self.record, process)


@contextlib.contextmanager
def _told_to_stop(supervisor: Supervisor) -> Iterator[asyncio.Event]:
    """An event that the first signal sets. The second one means: do not wait for anybody."""
    told = asyncio.Event()

    def heard() -> None:
        if told.is_set():
            supervisor.hurry()
        told.set()

    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, heard)
    try:
        yield told
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
