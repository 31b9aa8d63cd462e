"""A whole installation for the command to talk to, and the command as a shell runs it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from novacron.api.auth.v1 import add_AuthServiceServicer_to_server
from novacron.api.federation.v1 import add_ProviderServiceServicer_to_server
from novacron.api.monitoring.v1 import add_MetricsServiceServicer_to_server
from novacron.api.registry.v1 import add_RegistryServiceServicer_to_server
from novacron.api.saga.v1 import add_SagaServiceServicer_to_server
from novacron.api.scheduler.v1 import add_NodeServiceServicer_to_server, add_ReservationServiceServicer_to_server
from novacron.api.vm.v1 import (
    add_DrainServiceServicer_to_server,
    add_RepairServiceServicer_to_server,
    add_TemplateServiceServicer_to_server,
    add_VmServiceServicer_to_server,
)
from novacron.rpc.channel import Channel
from novacron.testing.servers import Servers
from novacron_cli.profile import Choices, load
from novacron_cli.session import Session

from ..command.forked import REAL
from .drain_service import Drains
from .services import Auth, Metrics, Nodes, Providers, Registry, Repairs, Reservations, Templates
from .vm_service import Sagas, Vms

PASSWORD = "correct horse battery staple"
SERVICES = ("auth", "vm", "scheduler", "federation", "monitoring", "registry")


@dataclass(frozen=True)
class Result:
    """What one run of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs ``novacron`` in a directory of its own, with nothing of the machine's own configuration."""

    directory: Path
    environment: dict[str, str]
    command: tuple[str, ...]

    async def start(self, *arguments: str, stdin: int | None = asyncio.subprocess.DEVNULL, **environment: str) -> Any:
        return await asyncio.create_subprocess_exec(
            *self.command,
            *arguments,
            cwd=self.directory,
            env={**self.environment, **environment},
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def __call__(self, *arguments: str, typed: str | None = None, **environment: str) -> Result:
        process = await self.start(*arguments, stdin=asyncio.subprocess.PIPE, **environment)
        async with asyncio.timeout(60):
            out, err = await process.communicate((typed or "").encode())
        return Result(process.returncode, out.decode(), err.decode())


@dataclass
class Installation:
    """One server that is every service, and the home of a user on its machine."""

    home: Path
    address: str
    auth: Auth
    vms: Vms
    sagas: Sagas
    templates: Templates
    nodes: Nodes
    reservations: Reservations
    providers: Providers
    metrics: Metrics
    registry: Registry
    repairs: Repairs
    drains: Drains

    @property
    def profile(self) -> dict[str, Any]:
        return json.loads((self.home / "client.json").read_text())

    def write_profile(self, **fields: Any) -> None:
        (self.home / "client.json").write_text(json.dumps(fields))


@pytest.fixture
def novacron(tmp_path: Path, novacron_command: tuple[str, ...]) -> Shell:
    """``await novacron("vm", "list")``: one run of the command, away from every installation."""
    here = tmp_path / "somewhere"
    here.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    shown = {"COLUMNS": "200", "TZ": "UTC", "PYTHONUTF8": "1"}
    return Shell(here, {**kept, **shown, "HOME": str(tmp_path / "user"), "NOVACRON_WAIT": "0.5"}, novacron_command)


@pytest.fixture
def started_anew(novacron: Shell) -> Shell:
    """The same from its very start: Python, the imports, and what they cost."""
    return replace(novacron, command=REAL)


@pytest.fixture
async def installation(servers: Servers, tmp_path: Path, novacron: Shell, ca: Any) -> Installation:
    """An installation as `novacron up` would describe it, in the directory where the shell stands."""
    sagas, auth = Sagas(), Auth(servers.users)
    vms, templates, nodes, reservations = Vms(sagas), Templates(), Nodes(), Reservations()
    providers, metrics, registry, repairs, drains = Providers(), Metrics(), Registry(), Repairs(), Drains()
    server = await servers.start(
        "vm",
        [
            (add_AuthServiceServicer_to_server, auth),
            (add_VmServiceServicer_to_server, vms),
            (add_TemplateServiceServicer_to_server, templates),
            (add_RepairServiceServicer_to_server, repairs),
            (add_DrainServiceServicer_to_server, drains),
            (add_SagaServiceServicer_to_server, sagas),
            (add_NodeServiceServicer_to_server, nodes),
            (add_ReservationServiceServicer_to_server, reservations),
            (add_ProviderServiceServicer_to_server, providers),
            (add_MetricsServiceServicer_to_server, metrics),
            (add_RegistryServiceServicer_to_server, registry),
        ],
    )
    home = novacron.directory / ".novacron"
    home.mkdir()
    (home / "admin-password").write_text(PASSWORD + "\n")
    address = f"127.0.0.1:{server.port}"
    services = (auth, vms, sagas, templates, nodes, reservations, providers, metrics, registry, repairs, drains)
    made = Installation(home, address, *services)
    auth.passwords["", "admin"] = (PASSWORD, ("*:*",))
    made.write_profile(
        ca_file=str(ca.identity("vm").ca),
        endpoints=dict.fromkeys(SERVICES, address),
        admin_user="admin",
        admin_password_file=str(home / "admin-password"),
    )
    return made


@pytest.fixture
async def logged_in(installation: Installation, servers: Servers, ca: Any) -> Installation:
    """The installation after `novacron login`."""
    credentials = grpc.ssl_channel_credentials(ca.identity("vm").ca.read_bytes())
    async with Channel("auth", installation.address, credentials) as channel:
        session = Session(load(Choices(home=installation.home)), channel)
        await session.login("admin", PASSWORD)
    return installation


@pytest.fixture
def interrupt() -> Callable[[Any], Awaitable[Result]]:
    """Ctrl-C on a running command, and what it left behind."""

    async def press(process: Any) -> Result:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            out, err = await process.communicate()
        return Result(process.returncode, out.decode(), err.decode())

    return press
