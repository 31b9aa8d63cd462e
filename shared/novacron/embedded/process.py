"""Children that never outlive their parent, and processes told apart from later ones with the same number."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# Resolved at import, in the parent: between fork and exec a child may not take the loader's lock.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """A ``preexec_fn`` after which the kernel sends ``number`` to the child when its parent dies, however it dies.

    Start the child from a thread that lives as long as the process (the main thread): the kernel counts the thread.
    ``subprocess`` changes the user before it calls this, which matters, since that change clears the setting.
    """
    parent = os.getpid()

    def in_child() -> None:
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before the call above: nobody would ever tell us
            os._exit(1)

    return in_child


def spawn(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    output: int,
    user: str | None = None,
    group: int | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start ``command`` as ``user`` in a session of its own, with its output in the file descriptor ``output``.

    It leads its own process group, so a Ctrl-C on the terminal does not reach it, and it dies with this process.
    """
    with warnings.catch_warnings():
        # Newer Pythons warn of fork in a process with threads: the child runs one system call, and takes no lock.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(
            command,
            env=dict(environment),
            user=user,
            group=group,
            extra_groups=[] if user else None,
            cwd="/" if user else None,  # the present directory may be one that the user cannot enter
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal),
        )


def start_time(pid: int) -> int | None:
    """When ``pid`` started, in clock ticks since boot; None when there is no such process (or only its zombie).

    A pid with its start time names one process for ever; a pid alone is reused.
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
