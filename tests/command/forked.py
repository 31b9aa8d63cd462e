"""``novacron`` without its start: one process has imported all of it, and each command is a fork of that.

A command stays a process of its own, with its own files, environment, directory, signals and exit code; what it does not do
again is the second of CPU time that Python and the imports take. Tests of the start itself run the real thing (:data:`REAL`).
"""

from __future__ import annotations

import atexit
import functools
import subprocess
import sys
import tempfile
from pathlib import Path

REAL = (sys.executable, "-P", "-m", "novacron_cli")
_HERE = Path(__file__).parent


@functools.cache
def forked_command() -> tuple[str, ...]:
    """What to put before a command's arguments. The process behind it is this one's, and ends with it."""
    directory = tempfile.TemporaryDirectory(prefix="novacron-command-")
    address = str(Path(directory.name) / "socket")
    server = subprocess.Popen(
        [sys.executable, "-P", str(_HERE / "server.py"), address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", "GRPC_VERBOSITY": "NONE"},
    )

    def end() -> None:
        server.communicate()  # its stdin ends, and with it the server and what it started
        directory.cleanup()

    atexit.register(end)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n", "the command's server did not come up"
    return (sys.executable, "-I", "-S", str(_HERE / "launch.py"), address)
