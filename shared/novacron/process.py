"""The frame of every NovaCron process: settings, logs, signals, an exit code that means something."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from . import logs, telemetry
from .db.migrations import MigrationError
from .settings import ProcessSettings, SettingsError, load

S = TypeVar("S", bound=ProcessSettings)
log = logs.logger(__name__)

# sysexits.h: the configuration is wrong, so starting again will not help.
EXIT_CONFIG = 78


def run(service: str, settings_type: type[S], serve: Callable[[S, asyncio.Event], Awaitable[None]]) -> None:
    """Run ``serve(settings, stopping)`` until SIGTERM or SIGINT sets ``stopping`` and it has returned."""
    try:
        settings = load(settings_type)
        logs.configure(settings, service)
        provider = telemetry.configure(settings, service)
        asyncio.run(_until_stopped(service, settings, serve))
        if provider is not None:
            provider.shutdown()
    except (SettingsError, MigrationError) as error:
        print(f"{service}: {error}", file=sys.stderr)  # noqa: T201 - logs may not be set up
        sys.exit(EXIT_CONFIG)


async def _until_stopped(service: str, settings: S, serve: Callable[[S, asyncio.Event], Awaitable[None]]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    # What was loaded at the start lives as long as the process: the collector need not look at it again.
    gc.freeze()
    log.info("starting", instance=settings.instance)
    await serve(settings, stopping)
    log.info("stopped")
