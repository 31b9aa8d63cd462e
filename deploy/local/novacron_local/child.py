"""One operating-system process, from fork to reaping."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from types import TracebackType

from novacron.embedded.process import spawn, start_time

from .logfile import LogFile
from .processes import ProcessSpec

_READ = 65536


class Child:
    """A started process that leads its own process group, with its output going to its log file.

    Its own session, so that Ctrl-C on the terminal reaches the supervisor alone, which stops things in their order. A
    pidfd tells of its end, and until :meth:`reap` its number cannot be given to another process.
    """

    def __init__(self, spec: ProcessSpec) -> None:
        self.exited = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._log = LogFile(spec.log)
        self._output, written = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(written, True)
        try:
            self._process = spawn(
                spec.command,
                spec.environment,
                output=written,
                account=spec.account,
                death_signal=spec.death_signal,
            )
        except BaseException:
            os.close(self._output)
            self._log.close()
            raise
        finally:
            os.close(written)
        self.pid = self._process.pid
        self.started = start_time(self.pid)
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._has_exited)
        self._loop.add_reader(self._output, self._copy)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:  # an error on the way: nothing is left running behind it
            self.send(signal.SIGKILL)
            self.reap()
        self._loop.remove_reader(self._output)
        self._copy(until_empty=True)
        os.close(self._output)
        self._log.close()

    def send(self, number: signal.Signals) -> None:
        """Send ``number`` to the process; SIGKILL goes to its whole group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number is signal.SIGKILL:
                os.killpg(self.pid, number)
            signal.pidfd_send_signal(self._pidfd, number)

    def reap(self) -> int:
        """Its exit status (negative: the signal that ended it), after ending what it left in its group."""
        self._loop.remove_reader(self._pidfd)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        status = self._process.wait()
        os.close(self._pidfd)
        return status

    def _has_exited(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self.exited.set()

    def _copy(self, *, until_empty: bool = False) -> None:
        """Move what it wrote into its log file."""
        while True:
            try:
                output = os.read(self._output, _READ)
            except BlockingIOError:
                return
            if not output:  # everyone who could write has closed
                self._loop.remove_reader(self._output)
                return
            self._log.write(output)
            if not until_empty:
                return
