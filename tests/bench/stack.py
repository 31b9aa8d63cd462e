"""A whole NovaCron for a benchmark: the local stack on free ports, on the simulated driver."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from novacron.api.auth.v1 import AuthServiceStub, LoginRequest

_NOVACRON = str(Path(sys.executable).with_name("novacron"))


@dataclass(frozen=True)
class Stack:
    """Where it is, and what it has used."""

    directory: Path

    @property
    def profile(self) -> dict:
        return json.loads((self.directory / "client.json").read_text())

    def channel(self, service: str) -> grpc.aio.Channel:
        profile = self.profile
        credentials = grpc.ssl_channel_credentials(Path(profile["ca_file"]).read_bytes())
        return grpc.aio.secure_channel(profile["endpoints"][service], credentials)

    async def token(self) -> tuple[tuple[str, str], ...]:
        """Metadata with a fresh admin's token."""
        password = Path(self.profile["admin_password_file"]).read_text().strip()
        async with self.channel("auth") as channel:
            login = LoginRequest(username=self.profile["admin_user"], password=password)
            answer = await AuthServiceStub(channel).Login(login)
        return (("authorization", f"Bearer {answer.access_token}"),)

    def cpu_seconds(self) -> float:
        """CPU time of every process of the stack so far, PostgreSQL's backends among them."""
        parents: dict[int, int] = {}
        used: dict[int, float] = {}
        ticks = os.sysconf("SC_CLK_TCK")
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
            used[int(entry.name)] = sum(int(fields[index]) for index in (11, 12, 13, 14)) / ticks
        mine = set(self._pids())
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in mine} - mine
            grown = bool(more)
            mine |= more
        return sum(used.get(pid, 0.0) for pid in mine)

    def _pids(self) -> Iterator[int]:
        state = json.loads((self.directory / "stack.json").read_text())
        yield from _pids_in(state)


def _pids_in(value: object) -> Iterator[int]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "pid" and isinstance(inner, int):
                yield inner
            else:
                yield from _pids_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _pids_in(inner)


@contextmanager
def running_stack(**environment: str) -> Iterator[Stack]:
    """``novacron up --driver simulated`` for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="novacron-bench-") as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        base = 20_000 + probe.getsockname()[1] % 200 * 100
        directory = Path(name) / "data"
        arguments = ["--data-dir", str(directory)]
        subprocess.run(
            [_NOVACRON, "up", "--detach", "--driver", "simulated", "--port-base", str(base), *arguments],
            check=True,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
        )
        try:
            yield Stack(directory)
        finally:
            subprocess.run([_NOVACRON, "reset", "--yes", *arguments], check=False, stdout=subprocess.DEVNULL)
