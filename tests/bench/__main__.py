"""``python -m tests.bench [NAME...]``: run the named benchmarks, or all of them."""

from __future__ import annotations

import argparse
import asyncio
import importlib

NAMES = (
    "auth",
    "breakers",
    "create_vm",
    "hung_agent",
    "interceptors",
    "rolling",
    "saga",
    "scaling",
    "scheduler",
    "scheduler_races",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="a few rounds: to see that it runs, not to quote")
    given = parser.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    for name in given.names or NAMES:
        module = importlib.import_module(f"tests.bench.{name}")
        asyncio.run(module.run(quick=given.quick))


if __name__ == "__main__":
    main()
