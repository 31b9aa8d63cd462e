"""Children that never outlive their parent, and processes told apart from later ones with the same number."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .account import Account

# Some Pythons do not find their own library without it.
_PYTHON_NEEDS = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
_LAUNCH = Path(__file__).with_name("launch.py")


def spawn(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    output: int,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start ``command`` as ``account`` with its output in the file descriptor ``output``.

    It leads its own session and process group, so a Ctrl-C on the terminal does not reach it. The kernel sends it
    ``death_signal`` when this process dies, however it dies. Call it from a thread that lives as long as the process
    (the main thread): the kernel counts the thread.
    """
    drop = [str(account.uid), str(account.gid)] if account else ["-", "-"]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_LAUNCH), str(int(death_signal)), str(os.getpid()), *drop, *command],
        env={**_PYTHON_NEEDS, **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def start_time(pid: int) -> int | None:
    """When ``pid`` started, in clock ticks since boot; None when there is no such process (or only its zombie).

    A pid with its start time names one process until the host restarts; a pid alone is reused.
    """
    fields = _stat(pid)
    if fields is None or fields[0] in ("Z", "X"):
        return None
    return int(fields[19])


def group_members(pgid: int) -> list[int]:
    """Every living process of the process group ``pgid``."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields is not None and fields[0] not in ("Z", "X") and int(fields[2]) == pgid:
                members.append(int(entry.name))
    return members


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _stat(pid: int) -> list[str] | None:
    """The fields of ``/proc/<pid>/stat`` after the command's name (which may itself hold spaces and parentheses)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
