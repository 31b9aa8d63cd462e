"""A whole NovaCron as an operator has it: brought up, asked, hurt and taken down from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from novacron.api.auth.v1 import AuthServiceStub, LoginRequest
from novacron.embedded.postgres import EmbeddedPostgres
from novacron.embedded.process import start_time
from novacron.rpc.tls import Identification
from novacron.testing.memory import directory_in_memory
from novacron.testing.patience import eventually
from novacron_local import state
from novacron_local.certificates import DevelopmentCA
from novacron_local.layout import SERVICES, DataDirectory, Ports
from novacron_local.ports import _is_free

from ..bench.cpu import cpu_seconds
from ..command.forked import forked_command

NOVACRON = str(Path(sys.executable).with_name("novacron"))
PROCESSES = ("postgres", "valkey", *SERVICES, "agent")
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Result:
    """What one run of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Stack:
    """One running stack. Everything about it is read from its data directory."""

    data: DataDirectory
    environment: dict[str, str]

    @property
    def profile(self) -> dict[str, Any]:
        return json.loads(self.data.client.read_text())

    @property
    def record(self) -> state.StackRecord:
        record = state.read(self.data.state)
        assert record is not None, f"no stack has ever run on {self.data.path}"
        return record

    @property
    def ports(self) -> Ports:
        return Ports(self.record.port_base)

    async def run(self, *arguments: str, within: float = 90.0) -> Result:
        """``novacron ARGUMENTS``, as a program runs it."""
        process = await asyncio.create_subprocess_exec(
            *forked_command(), *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), within)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        return Result(process.returncode or 0, out.decode(), err.decode())

    async def done(self, *arguments: str, within: float = 90.0) -> Result:
        """``novacron ARGUMENTS``, which must succeed."""
        result = await self.run(*arguments, within=within)
        assert result.code == 0, f"novacron {' '.join(arguments)}: exit code {result.code}\n{result.out}\n{result.err}"
        return result

    def channel(self, service: str) -> grpc.aio.Channel:
        """gRPC as it comes: the CA, and nothing of ours between a stub and the wire."""
        profile = self.profile
        credentials = grpc.ssl_channel_credentials(Path(profile["ca_file"]).read_bytes())
        return grpc.aio.secure_channel(profile["endpoints"][service], credentials)

    @property
    def administrator(self) -> LoginRequest:
        """Name and password of the first user."""
        profile = self.profile
        password = Path(profile["admin_password_file"]).read_text().strip()
        return LoginRequest(username=profile["admin_user"], password=password)

    async def token(self) -> Metadata:
        """What a call of the administrator carries, who tries a few times: a connection of before a kill may be met once."""
        async with self.channel("auth") as channel:
            login = AuthServiceStub(channel).Login
            answer = await eventually(lambda: login(self.administrator, timeout=10), every=0.1, message="a login")
        return (("authorization", f"Bearer {answer.access_token}"),)

    def process(self, name: str) -> state.ProcessRecord:
        return next(process for process in self.record.processes if process.name == name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> state.ProcessRecord:
        """Send a signal to one process; its record from before."""
        before = self.process(name)
        if before.pid is not None and before.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(before.pid, number)
        return before

    async def back(self, killed: state.ProcessRecord, *, within: float = 60.0) -> None:
        """Wait until a killed process runs anew, and everything serves."""

        async def serves() -> bool:
            return self.process(killed.name).started != killed.started and self.record.serving

        await eventually(serves, within=within, every=0.05, message=f"{killed.name} is back and all serve")

    def database_url(self, database: str = "postgres") -> str:
        """A database, as the server's own user."""
        server = EmbeddedPostgres(self.data.postgres, self.ports.postgres)
        password = (server.home / "superuser-password").read_text().strip()
        return server.url(database, password=password)

    def identification(self, name: str) -> Identification:
        """The certificate of a service, of an agent (``agent/<node>``), or of the operator."""
        issued = DevelopmentCA(self.data.certificates).identity(name)
        return Identification.read(issued.ca, issued.certificate, issued.key)

    def cpu_seconds(self) -> float:
        """CPU time of every process of the stack so far, what they started among them: PostgreSQL's backends."""
        return cpu_seconds(*(process.pid for process in self.record.processes if process.pid is not None))

    def living(self) -> list[str]:
        """Every process that belongs to this data directory, by whatever way it was started."""
        ours = [str(self.data.path), str(self.data.postgres.resolve()), str(self.data.valkey.resolve())]
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if start_time(int(entry.name)) and any(os.fsencode(path) in text for path in ours):
                    found.append(f"{entry.name} {(entry / 'cmdline').read_bytes().replace(bytes(1), b' ').decode()}")
        return [line for line in found if int(line.split()[0]) != os.getpid()]


@contextlib.contextmanager
def running_stack(
    driver: str = "simulated",
    *,
    images: Path | None = None,
    agents: int = 1,
    up: Sequence[str] = (NOVACRON, "up", "--detach"),
    port_base: int | None = None,
    in_memory: bool = False,
    **settings: str,
) -> Iterator[Stack]:
    """``novacron up --detach`` for the length of the block, and nothing of it afterwards.

    ``settings`` are ``NOVACRON_<NAME>`` of every process; ``up`` is another command that brings up the same. A stack whose
    speed is not measured need not wait for a disk: what kills its processes leaves its files alone, ``in_memory`` too.
    """
    with _directory(in_memory) as directory:
        data = DataDirectory(directory / "data")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("NOVACRON_")}
        environment |= {f"NOVACRON_{key}": value for key, value in settings.items()}
        stack = Stack(data, {**environment, "NOVACRON_HOME": str(data.path), "COLUMNS": "200"})
        if images is not None:
            data.make()
            for image in images.iterdir():
                if image.is_file():
                    shutil.copy2(image, data.images)
        try:
            chosen = ("--driver", driver, "--agents", str(agents), "--port-base", str(port_base or free_base()))
            _run(stack, *up, *chosen)
            yield stack
        finally:
            _run(stack, NOVACRON, "reset", "--yes")
        ends = time.monotonic() + 5
        while (left := stack.living()) and time.monotonic() < ends:  # a kernel takes a moment to bury the dead
            time.sleep(0.05)
        assert not left, f"processes outlived `novacron reset`: {left}"
        assert not data.path.exists()


@contextlib.contextmanager
def _directory(in_memory: bool) -> Iterator[Path]:
    """A directory that the accounts of PostgreSQL and QEMU may pass through."""
    with tempfile.TemporaryDirectory(prefix="novacron-", dir="/var/tmp") as name:
        directory = Path(name).resolve()
        directory.chmod(0o711)
        with directory_in_memory(otherwise=directory) if in_memory else contextlib.nullcontext(directory) as chosen:
            yield chosen


def _run(stack: Stack, *command: str) -> None:
    done = subprocess.run(command, env=stack.environment, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        logs = "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in sorted(stack.data.logs.glob("*.log")))
        raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}\n{logs}")


def free_base() -> int:
    """A base whose ports are free now, below the range that the kernel hands out to clients."""
    for base in range(13_000 + os.getpid() % 90 * 200, 32_000, 100):
        ports = Ports(base)
        wanted = [ports.postgres, ports.valkey, ports.agent(1)]
        wanted += [
            port
            for service in SERVICES
            for port in (ports.public(service), ports.mesh(service), ports.metrics(service))
        ]
        if all(map(_is_free, wanted)):
            return base
    raise AssertionError("no free ports")
