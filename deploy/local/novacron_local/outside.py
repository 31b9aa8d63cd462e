"""What the commands do to a stack that runs in another process."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from . import lock, state
from .layout import DataDirectory, LocalStackError
from .leftovers import end_leftovers
from .logfile import last_lines
from .stack import StackConfig
from .state import StackRecord, StackState

# The supervisor's own graces end before this: every tier's, one after the other.
STOP_SECONDS = 75.0


def running(data: DataDirectory) -> StackRecord | None:
    """The stack that runs on ``data`` now, or None."""
    record = state.read(data.state)
    return record if record is not None and record.alive and record.state is not StackState.STOPPED else None


def start_detached(config: StackConfig, changed: Callable[[StackRecord], None]) -> StackRecord:
    """Start a supervisor that outlives this process and its terminal, and return when its stack is ready.

    :raises LocalStackError: with what the supervisor said, when it gave up.
    """
    config.data.make()
    said = config.data.log("supervisor")
    command = [sys.executable, "-P", "-m", "novacron_local", "--data-dir", str(config.data.path)]
    command += ["--port-base", str(config.port_base), "--driver", config.driver, "--agents", str(config.agents)]
    command += ["--timeout", str(config.ready_timeout)]
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        while process.poll() is None:
            record = running(config.data)
            if record is not None and record.supervisor_pid == process.pid:
                changed(record)
                if record.state is StackState.READY:
                    return record
            time.sleep(0.1)
    except BaseException:  # Ctrl-C while it starts means: do not start
        process.terminate()
        process.wait()
        raise
    raise LocalStackError("\n".join(last_lines(said, 200)) or f"the supervisor ended with status {process.returncode}")


def stop(data: DataDirectory) -> bool:
    """Stop what runs on ``data``, and whatever a killed supervisor left. False when there was nothing to stop."""
    record = running(data)
    if record is not None:
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(record.supervisor_pid)
            try:
                if record.alive:  # still the same process, now that the handle pins it
                    signal.pidfd_send_signal(handle, signal.SIGTERM)
                    if not select.select([handle], [], [], STOP_SECONDS)[0]:
                        signal.pidfd_send_signal(handle, signal.SIGKILL)
                        select.select([handle], [], [], 5)
            finally:
                os.close(handle)
    if not data.lock.exists():
        return record is not None
    try:
        with lock.hold(data.lock):
            left = end_leftovers(state.read(data.state))
    except lock.AlreadyRunning:
        raise LocalStackError(f"{data.path} is being started by somebody else at this moment") from None
    return record is not None or bool(left)
