"""The frame of every NovaCron process: settings, logs, signals, an exit code that means something."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from . import logs, telemetry
from .db.migrations import MigrationError
from .exposition import Exposition
from .settings import ProcessSettings, SettingsError, load
from .workers import EXIT_CONFIG, Workers

S = TypeVar("S", bound=ProcessSettings)
log = logs.logger(__name__)

# For what is left when all is served and closed; a task that swallows its cancellation could hold the process for ever.
_LAST_SECONDS = 5.0


def run(service: str, settings_type: type[S], serve: Callable[[S, asyncio.Event], Awaitable[None]]) -> None:
    """Run ``serve(settings, stopping)`` until SIGTERM or SIGINT sets ``stopping`` and it has returned.

    Where the settings ask for several processes, this one only keeps them running.
    """
    last: list[threading.Timer] = []
    try:
        settings = load(settings_type)
        logs.configure(settings, service)
        if settings.processes > 1:
            sys.exit(asyncio.run(Workers(settings).run()))
        export = telemetry.configure(settings, service)
        try:
            asyncio.run(_until_stopped(service, settings, serve, last))
        finally:
            if export is not None:
                export.stop()
    except (SettingsError, MigrationError) as error:
        print(f"{service}: {error}", file=sys.stderr)  # noqa: T201 - logs may not be set up
        sys.exit(EXIT_CONFIG)
    finally:
        for timer in last:
            timer.cancel()


async def _until_stopped(
    service: str,
    settings: S,
    serve: Callable[[S, asyncio.Event], Awaitable[None]],
    last: list[threading.Timer],
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    # What was loaded at the start lives as long as the process: the collector need not look at it again.
    gc.freeze()
    exposition = Exposition(settings.metrics_listen, loop) if settings.metrics_listen else None
    log.info("starting", instance=settings.instance, metrics_port=exposition.start() if exposition else None)
    code = 1
    try:
        await serve(settings, stopping)
        code = 0
        log.info("stopped")
    finally:
        if exposition is not None:
            exposition.stop()
        timer = threading.Timer(_LAST_SECONDS, _give_up, (loop, code))
        timer.daemon = True
        timer.start()
        last.append(timer)


def _give_up(loop: asyncio.AbstractEventLoop, code: int) -> None:
    """End the process whatever is left in it."""
    left = sorted(task.get_name() for task in asyncio.all_tasks(loop))
    log.warning("these tasks do not end: the process ends without them", tasks=left)
    os._exit(code)
