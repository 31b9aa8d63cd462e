"""A whole stack under the real supervisor: ``data-directory port-base timeout [how the service behaves]``.

``servers`` in the place of a behaviour: NovaCron's own table with its real PostgreSQL and Valkey, and dummies for the
processes that are written in Python.
"""

import asyncio
import dataclasses
import os
import sys
from pathlib import Path

from novacron_local.layout import DataDirectory, LocalStackError
from novacron_local.ports import _is_free
from novacron_local.probes import InThread
from novacron_local.processes import ProcessSpec, Tier
from novacron_local.stack import Phase, Plan, Stack, StackConfig
from novacron_local.state import StackState
from novacron_local.table import novacron

DUMMY = Path(__file__).with_name("dummy_process.py")


def plan(config):
    """Three dummies, one in each tier."""

    def spec(name, tier, offset, *how):
        port = config.port_base + offset
        return ProcessSpec(
            name=name,
            command=(sys.executable, "-S", str(DUMMY), name, str(port), str(config.data.path / "events"), *how),
            environment=dict(os.environ),
            tier=tier,
            probe=InThread(lambda: not _is_free(port)),
            log=config.data.log(name),
            ports={"users": port},
        )

    return Plan(
        (
            Phase((spec("database", Tier.DATABASE, 1, "child"),)),
            Phase((spec("service", Tier.SERVICE, 2, *how), spec("agent", Tier.AGENT, 3))),
        )
    )


def servers(config):
    """NovaCron's table, with another program in each Python process."""

    def replaced(spec):
        if "-m" not in spec.command:
            return spec
        port = spec.ports["mesh"]
        command = (sys.executable, "-S", str(DUMMY), spec.name, str(port), str(config.data.path / "events"))
        return dataclasses.replace(spec, command=command, probe=InThread(lambda: not _is_free(port)))

    real = novacron(config)
    phases = [dataclasses.replace(phase, specs=[replaced(spec) for spec in phase.specs]) for phase in real.phases]
    return dataclasses.replace(real, phases=phases)


def shout(record, process):
    """Tell a terminal that was closed."""
    if how == ["deaf"] and record.state is not StackState.STARTING:
        raise OSError("Input/output error")


directory, port_base, timeout, *how = sys.argv[1:]
config = StackConfig(DataDirectory(Path(directory)), int(port_base), ready_timeout=float(timeout))
try:
    asyncio.run(Stack(config, servers if how == ["servers"] else plan, shout).run())
except LocalStackError as error:
    sys.exit(str(error))
