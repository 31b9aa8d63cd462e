"""``stack.json``: what the supervisor last knew, for the commands that ask from outside."""

from __future__ import annotations

import enum
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from novacron.embedded.process import start_time


class ProcessState(enum.StrEnum):
    """What a supervised process is doing."""

    WAITING = "waiting"  # for what it stands on
    STARTING = "starting"  # runs, and has not served yet
    SERVING = "serving"
    UNREADY = "unready"  # runs, has served, and does not answer now
    RESTARTING = "restarting"  # ended by itself, and is started again after a pause
    STOPPED = "stopped"


class StackState(enum.StrEnum):
    """What the stack as a whole is doing."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(slots=True)
class ProcessRecord:
    """One supervised process. ``pid`` and ``started`` together name it until the host restarts."""

    name: str
    state: ProcessState = ProcessState.WAITING
    pid: int | None = None
    started: int | None = None
    restarts: int = 0
    detail: str = ""
    last_end: str = ""  # how it ended when it last did so by itself
    addresses: dict[str, str] = field(default_factory=dict)
    log: str = ""

    @property
    def alive(self) -> bool:
        return self.pid is not None and self.started is not None and start_time(self.pid) == self.started


@dataclass(slots=True)
class StackRecord:
    """The whole stack as its supervisor knows it."""

    state: StackState
    supervisor_pid: int
    supervisor_started: int
    boot: str
    port_base: int = 0
    driver: str = ""
    agents: int = 1
    notes: list[str] = field(default_factory=list)
    processes: list[ProcessRecord] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Whether the supervisor that wrote this still lives."""
        return start_time(self.supervisor_pid) == self.supervisor_started

    @property
    def serving(self) -> bool:
        """Whether the supervisor lives and every process serves."""
        return self.alive and all(process.state is ProcessState.SERVING for process in self.processes)


def new_record(*, port_base: int, driver: str, agents: int) -> StackRecord:
    """The record of a stack that this process supervises."""
    pid = os.getpid()
    return StackRecord(StackState.STARTING, pid, start_time(pid) or 0, _boot(), port_base, driver, agents)


def write(path: Path, record: StackRecord) -> None:
    """Replace the file in one step. It holds no secret and need not survive a power cut: a reboot ends the stack."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
    os.replace(temporary, path)


def read(path: Path) -> StackRecord | None:
    """What was last written; None when there is nothing, or nothing that can be understood."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        processes = [
            ProcessRecord(**{**entry, "state": ProcessState(entry["state"])}) for entry in raw.pop("processes")
        ]
        record = StackRecord(**{**raw, "state": StackState(raw["state"]), "processes": processes})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    if record.boot != _boot():  # its numbers name processes of a host that has been restarted since
        record.supervisor_pid = 0
        for process in record.processes:
            process.pid = process.started = None
    return record


def _boot() -> str:
    """What tells this run of the host's kernel from every other."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
