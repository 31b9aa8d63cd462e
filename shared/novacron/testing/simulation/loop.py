"""An event loop without time, sockets or threads: its clock jumps to the next timer, so a run depends on its seed alone.

What runs on it belongs to a :class:`Process`. A process can be killed (nothing of it runs again, no ``finally`` either) or
frozen and thawed (its timers and replies come late and all at once, as after SIGSTOP and SIGCONT), while the others go on.
"""

from __future__ import annotations

import asyncio
import enum
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")
# Ten times what any run needs: a loop that goes round without an end is a fault to report, not to wait for.
MOST_STEPS = 50_000


class Endless(Exception):
    """A run that goes round for ever, or in which nobody is left to wake anybody."""


class ProcessState(enum.Enum):
    RUNNING = "running"
    FROZEN = "frozen"
    DEAD = "dead"


class Process:
    """Tasks that live, stop and die together."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = ProcessState.RUNNING
        self.backlog: list[Handle] = []
        self.context: Context = copy_context()
        self.context.run(_process.set, self)


_process: ContextVar[Process | None] = ContextVar("novacron_simulated_process", default=None)


def current_process() -> Process | None:
    """Whose code runs now; None: the world's, which never dies."""
    return _process.get()


class Handle(asyncio.TimerHandle):
    """A callback that knows its process."""

    __slots__ = ("context", "process")

    def __init__(  # what the parent keeps for its repr and its debug mode would be a third of a run's work
        self, when: float, callback: Callable[..., object], args: Any, context: Context | None
    ) -> None:
        self._when = when
        self._callback: Callable[..., object] | None = callback
        self._args = args
        self._cancelled = False
        self.context = copy_context() if context is None else context
        self.process = self.context.get(_process)

    def run(self) -> None:
        if self._callback is not None:
            self.context.run(self._callback, *self._args)

    def cancel(self) -> None:
        self._cancelled = True
        self._callback = None  # lets go of what it holds
        self._args = ()

    def __repr__(self) -> str:
        return f"<Handle at {self._when:.3f} of {self.process and self.process.name}>"


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs coroutines in the order that their timers and wake-ups give, and in no other. It has no I/O."""

    @classmethod
    def new(cls) -> VirtualLoop:
        return cls()

    def __init__(self) -> None:
        self._now = 0.0
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, int, Handle]] = []
        self._sequence = 0
        self._closed = False
        self._tasks: dict[asyncio.Task[Any], None] = {}  # held here: a dead process's tasks must not be collected
        self._processes: dict[Process, None] = {}
        self.troubles: list[str] = []  # what asyncio itself complained of
        self.world = Process("world")
        self.world.context.run(_process.set, None)

    # What asyncio asks of a loop

    def time(self) -> float:
        return self._now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        handle = Handle(self._now, callback, args, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        handle = Handle(when, callback, args, context)
        self._sequence += 1
        heapq.heappush(self._timers, (when, self._sequence, handle))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks[task] = None
        task.add_done_callback(self._forget, context=self.world.context)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return asyncio._get_running_loop() is self

    def is_closed(self) -> bool:
        return self._closed

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.troubles.append(f"{context.get('message')}: {context.get('exception')!r}")

    # What the simulation asks

    def spawn(self, process: Process, coroutine: Coroutine[Any, Any, T], name: str | None = None) -> asyncio.Task[T]:
        """A task of this process."""
        self._processes[process] = None
        return process.context.copy().run(lambda: self.create_task(coroutine, name=name))

    def in_world(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Call back after ``delay``, whatever becomes of the process that asks."""
        self.call_later(delay, callback, *args, context=self.world.context)

    def kill(self, process: Process) -> None:
        process.state = ProcessState.DEAD

    def freeze(self, process: Process) -> None:
        if process.state is ProcessState.RUNNING:
            process.state = ProcessState.FROZEN

    def thaw(self, process: Process) -> None:
        if process.state is ProcessState.FROZEN:
            process.state = ProcessState.RUNNING
            self._ready.extend(process.backlog)
            process.backlog.clear()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until ``main`` ends. :raises Endless: nothing is left that could wake it, or it never comes to an end."""
        asyncio._set_running_loop(self)
        try:
            task = self.world.context.copy().run(lambda: self.create_task(main, name="main"))
            self._run_until(task.done)
            return task.result()
        finally:
            asyncio._set_running_loop(None)

    def close(self) -> None:
        """End every task, the dead processes' too: only now, when nobody looks any more, do their ``finally`` blocks run."""
        asyncio._set_running_loop(self)
        try:
            while self._tasks:
                for process in self._processes:
                    process.state = ProcessState.RUNNING
                    self._ready.extend(process.backlog)
                    process.backlog.clear()
                for task in list(self._tasks):
                    task.cancel()
                self._run_until(lambda: not self._ready)
        finally:
            asyncio._set_running_loop(None)
            self._closed = True
            self._timers.clear()

    def _run_until(self, over: Callable[[], bool]) -> None:
        steps = 0
        while not over():
            steps += 1
            if steps > MOST_STEPS:
                raise Endless(f"no end after {steps} steps, at {self._now:.3f} s")
            if not self._ready:
                self._jump()
                continue
            handle = self._ready.popleft()
            if handle.process is not None and handle.process.state is not ProcessState.RUNNING:
                handle.process.backlog.append(handle)
                continue
            handle.run()

    def _jump(self) -> None:
        """To the next timer, and all timers of that instant."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            raise Endless(f"deadlock at {self._now:.3f} s: nothing is left that could wake anybody")
        self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            self._ready.append(heapq.heappop(self._timers)[2])
