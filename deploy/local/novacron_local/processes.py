"""What a supervised process is: how it starts, when it serves, how it is told to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from novacron.embedded.account import Account

from .probes import Probe


class Tier(IntEnum):
    """Processes stop from the highest tier to the lowest, each tier at once, the next when it has ended."""

    DATABASE = 0
    CACHE = 1
    SERVICE = 2
    AGENT = 3


def nothing() -> None:
    """The preparation of a process that needs none."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process of the stack. Whatever is here can be done again after any crash."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    tier: Tier
    probe: Probe
    log: Path
    ports: Mapping[str, int] = field(default_factory=dict)  # what each is for -> the port on 127.0.0.1
    account: Account | None = None  # None: the supervisor's own
    before_start: Callable[[], None] = nothing  # before every start, restarts too; blocking, so it runs in a thread
    stop_signal: signal.Signals = signal.SIGTERM
    stop_grace: float = 10.0  # seconds until SIGKILL
    death_signal: signal.Signals = signal.SIGKILL  # what the kernel sends it when the supervisor dies

    @property
    def addresses(self) -> dict[str, str]:
        return {purpose: f"127.0.0.1:{port}" for purpose, port in self.ports.items()}
