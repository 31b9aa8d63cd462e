"""``novacron up --detach`` with some of the processes' settings replaced: by addresses of wires that suffer.

    python wired_up.py '{"vm": {"AUTH_ADDRESS": "127.0.0.1:4711"}}' --port-base 13000

Everything else is the local stack's own: its table, its supervisor, its state file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from novacron_local.layout import DataDirectory
from novacron_local.outside import running
from novacron_local.processes import ProcessSpec
from novacron_local.stack import Plan, Stack, StackConfig
from novacron_local.state import StackState
from novacron_local.table import novacron

_READY_SECONDS = 150.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", help="JSON: process -> setting -> value")
    parser.add_argument("--port-base", type=int, required=True)
    parser.add_argument("--driver", default="simulated")
    parser.add_argument("--agents", type=int, default=1)
    parser.add_argument("--supervise", action="store_true", help="stay, instead of leaving a process that does")
    given = parser.parse_args()
    data = DataDirectory(Path(os.environ["NOVACRON_HOME"]))
    if not given.supervise:
        return _leave_running(data)
    settings: dict[str, dict[str, str]] = json.loads(given.settings)
    config = StackConfig(data, given.port_base, given.driver, given.agents)
    asyncio.run(Stack(config, lambda config: _replaced(novacron(config), settings)).run())
    return 0


def _leave_running(data: DataDirectory) -> int:
    data.make()
    with data.log("supervisor").open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, *sys.argv, "--supervise"], stdout=output, stderr=output, start_new_session=True
        )
    ends = time.monotonic() + _READY_SECONDS
    while supervisor.poll() is None and time.monotonic() < ends:
        record = running(data)
        if record is not None and record.state is StackState.READY:
            return 0
        time.sleep(0.1)
    print(data.log("supervisor").read_text()[-3000:], file=sys.stderr)
    return 1


def _replaced(plan: Plan, settings: dict[str, dict[str, str]]) -> Plan:
    def spec(one: ProcessSpec) -> ProcessSpec:
        changed = {f"NOVACRON_{name}": value for name, value in settings.get(one.name, {}).items()}
        for name, value in changed.items():  # a part of a URL: what stands before the arrow is replaced
            before, arrow, after = value.partition(" -> ")
            changed[name] = one.environment[name].replace(before, after) if arrow else value
        return replace(one, environment={**one.environment, **changed})

    phases = tuple(replace(phase, specs=tuple(map(spec, phase.specs))) for phase in plan.phases)
    return replace(plan, phases=phases)


if __name__ == "__main__":
    sys.exit(main())
