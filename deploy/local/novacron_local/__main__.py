"""The supervisor that ``novacron up --detach`` leaves running: ``python -m novacron_local``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from .layout import DEFAULT_PORT_BASE, DataDirectory, LocalStackError
from .stack import Stack, StackConfig
from .table import novacron


def main() -> int:
    """Run a stack until told to stop; what goes wrong is one message on stderr."""
    parser = argparse.ArgumentParser(prog="novacron_local", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port-base", type=int, default=DEFAULT_PORT_BASE)
    parser.add_argument("--driver", default="auto")
    parser.add_argument("--agents", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=120.0)
    given = parser.parse_args()
    config = StackConfig(
        DataDirectory(given.data_dir), given.port_base, given.driver, given.agents, ready_timeout=given.timeout
    )
    try:
        asyncio.run(Stack(config, novacron).run())
    except LocalStackError as error:
        print(error, file=sys.stderr)  # noqa: T201 - whoever started us shows it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
