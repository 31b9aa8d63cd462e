"""``python -m novacron_local.await_guest NOVACRON VM``: wait for the guest's own line, and for its first sample.

Prints what the console says, at the latest when two minutes have passed. Exit code 1: the guest said nothing by then.
"""

from __future__ import annotations

import subprocess
import sys
import time

_SECONDS = 120.0
_LINE = "NovaCron guest"


def main(novacron: str, vm: str) -> int:
    ends = time.monotonic() + _SECONDS
    console = ""
    while time.monotonic() < ends:
        console = _output(novacron, "vm", "console", vm)
        if _LINE in console and _output(novacron, "metrics", "show", vm, "--output", "json"):
            break
        time.sleep(0.5)
    lines = console.splitlines()
    print("\n".join(line for line in lines if _LINE in line) or "\n".join(lines[-20:]))  # noqa: T201
    return 0 if _LINE in console else 1


def _output(*command: str) -> str:
    """Standard output; empty when the command failed, which it may for as long as the guest starts."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
