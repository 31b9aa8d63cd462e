"""``novacron`` without its start: one process has imported all of it, and each command is a fork of that.

A command stays a process of its own, with its own files, environment, directory, signals and exit code; what it does not do
again is the second of CPU time that Python and the imports take. Tests of the start itself run the real thing (:data:`REAL`).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REAL = (sys.executable, "-P", "-m", "novacron_cli")
_HERE = Path(__file__).parent


@contextmanager
def forked_command() -> Iterator[tuple[str, ...]]:
    """What to put before a command's arguments, for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="novacron-command-") as directory:
        address = str(Path(directory) / "socket")
        server = subprocess.Popen(
            [sys.executable, "-P", str(_HERE / "server.py"), address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", "GRPC_VERBOSITY": "NONE"},
        )
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield (sys.executable, "-I", "-S", str(_HERE / "launch.py"), address)
        finally:
            server.communicate()  # its stdin ends, and with it the server and what it started
