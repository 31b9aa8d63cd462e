"""Several processes of one service on the same ports: the kernel spreads new connections over them (SO_REUSEPORT).

One Python process uses one core. ``NOVACRON_PROCESSES`` above 1 makes a service's process a supervisor of that many workers,
each the very same command. The supervisor serves nothing and opens nothing: it never forks with gRPC's threads in it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

from . import logs
from .embedded.process import spawn
from .settings import ProcessSettings, SettingsError

log = logs.logger(__name__)

# sysexits.h: the configuration is wrong, so starting again will not help.
EXIT_CONFIG = 78
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_METRICS_STEP = 10  # ports from one worker's numbers to the next one's
# A worker that lived this long was sound when it started.
_SOUND_SECONDS = 10.0
# Beyond the drain time: what a worker may take to close its pools.
_CLOSING_SECONDS = 20.0


class Workers:
    """Keeps ``settings.processes`` workers running until it is told to stop; then it has stopped them all."""

    def __init__(self, settings: ProcessSettings) -> None:
        """:raises SettingsError: the workers could not share what they listen on."""
        for name in ("listen", "mesh_listen"):
            if getattr(settings, name).endswith(":0"):
                raise SettingsError(
                    f"NOVACRON_{name.upper()} needs a port when NOVACRON_PROCESSES is above 1: all of them share it"
                )
        self._settings = settings
        self._workers = [_Worker(number, settings) for number in range(settings.processes)]
        self._stopping = asyncio.Event()
        self._child_ended = asyncio.Event()

    async def run(self) -> int:
        """The exit code: 0 when told to stop, a worker's own when its settings are wrong."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGCHLD, self._child_ended.set)
        code = 0
        while not self._stopping.is_set():
            self._child_ended.clear()
            pauses = [worker.keep_running() for worker in self._workers]
            if any(worker.misconfigured for worker in self._workers):
                code = EXIT_CONFIG
                break
            await self._until_something_happens(min(pauses))
        await self._stop()
        return code

    async def _until_something_happens(self, seconds: float) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self._stopping, self._child_ended)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _stop(self) -> None:
        for worker in self._workers:
            worker.signal(signal.SIGTERM)
        ends = time.monotonic() + self._settings.drain_seconds + _CLOSING_SECONDS
        while any(worker.running for worker in self._workers):
            self._child_ended.clear()
            if time.monotonic() > ends:
                log.warning("workers do not stop: they are killed")
                for worker in self._workers:
                    worker.signal(signal.SIGKILL)
            try:
                async with asyncio.timeout(1.0):
                    await self._child_ended.wait()
            except TimeoutError:
                continue


class _Worker:
    """One place for a worker process, and whoever fills it now."""

    def __init__(self, number: int, settings: ProcessSettings) -> None:
        self._number = number
        self._instance = f"{settings.instance}-{number}" if settings.instance else ""
        # Numbers are a process's own: each process has a port of its own to be asked at.
        host, _, port = settings.metrics_listen.rpartition(":")
        self._metrics_listen = f"{host}:{int(port) + number * _METRICS_STEP}" if port.isdecimal() and int(port) else ""
        self._process: subprocess.Popen[bytes] | None = None
        self._started = float("-inf")
        self._pause = _FIRST_PAUSE_SECONDS
        self._due = 0.0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def misconfigured(self) -> bool:
        return self._process is not None and self._process.poll() == EXIT_CONFIG

    def keep_running(self) -> float:
        """Start the worker if none runs and its pause is over; seconds until it is to be asked again."""
        if self.running:
            return 60.0
        now = time.monotonic()
        if self._process is not None and self._due < self._started:
            self._note_its_end(now)
        if now < self._due:
            return self._due - now
        environment = {**os.environ, "NOVACRON_PROCESSES": "1"}
        if self._instance:
            environment["NOVACRON_INSTANCE"] = self._instance
        if self._metrics_listen:
            environment["NOVACRON_METRICS_LISTEN"] = self._metrics_listen
        self._started = now
        # Told to stop when the supervisor dies, however it dies.
        self._process = spawn(
            [sys.executable, *sys.orig_argv[1:]], environment, output=sys.stderr.fileno(), death_signal=signal.SIGTERM
        )
        log.info("worker started", worker=self._number, pid=self._process.pid)
        return 60.0

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def _note_its_end(self, now: float) -> None:
        assert self._process is not None
        lived = now - self._started
        self._pause = _FIRST_PAUSE_SECONDS if lived > _SOUND_SECONDS else min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        self._due = now + self._pause
        log.warning("worker ended", worker=self._number, code=self._process.returncode, again_in=round(self._pause, 1))
