"""End what an earlier stack on this data directory left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from novacron.embedded.process import group_members, start_time

from .state import ProcessRecord, StackRecord


def end_leftovers(record: StackRecord | None, *, timeout: float = 10) -> list[str]:
    """End every recorded process that still lives, with its process group, and name them.

    Normally the kernel has done so already, when the supervisor died. Call it with the data directory's lock held: no
    supervisor lives then, so nothing that it finds is looked after by anybody.
    """
    if record is None:
        return []
    left = [process for process in record.processes if _members(process)]
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if sum(_kill(process) for process in left) == 0:
            break
        time.sleep(0.05)
    return [process.name for process in left]


def _members(process: ProcessRecord) -> list[int]:
    """Whoever lives of the process and its group. Every process leads a group of its own with its pid as the number."""
    if process.pid is None or process.started is None:
        return []
    leader = start_time(process.pid)
    if leader is not None and leader != process.started:
        return []  # the number belongs to somebody else now
    # While a group has members its number is not given out again; what started earlier cannot be the process's child.
    members = [pid for pid in group_members(process.pid) if (start_time(pid) or 0) >= process.started]
    return members if leader is None or process.pid in members else [process.pid, *members]


def _kill(process: ProcessRecord) -> int:
    """Send SIGKILL to whoever is left; how many that were."""
    members = _members(process)
    for pid in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(members)
