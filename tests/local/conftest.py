"""Small real processes in the place of NovaCron's own, and directories that other accounts can enter."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from novacron.embedded.process import start_time
from novacron.testing.memory import directory_in_memory
from novacron_local import state
from novacron_local.layout import DataDirectory
from novacron_local.leftovers import end_leftovers
from novacron_local.ports import _is_free
from novacron_local.probes import InThread
from novacron_local.processes import ProcessSpec, Tier

DUMMY = Path(__file__).with_name("dummy_process.py")
DUMMY_STACK = Path(__file__).with_name("dummy_stack.py")


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A temporary directory that every account may pass through; pytest's own is root's alone when root runs it."""
    path = Path(tempfile.mkdtemp(prefix="nc-"))
    path.chmod(0o755)
    with directory_in_memory(otherwise=path) as chosen:
        yield chosen
    shutil.rmtree(path)


@pytest.fixture
def port_base() -> int:
    """A base whose ports are free now. Below the range that the kernel hands out to clients."""
    for base in range(12000 + os.getpid() % 64 * 300, 32000, 300):
        if all(_is_free(base + offset) for offset in (1, 2, 3, 32, 61, 62, 67, 79)):
            return base
    raise AssertionError("no free ports")


Dummy = Callable[..., ProcessSpec]


@pytest.fixture
def dummy(tmp_path: Path) -> Dummy:
    """Makes specs of dummy processes, whose events all go into ``tmp_path/events``."""

    def make(name: str, tier: Tier = Tier.SERVICE, *, port: int = 0, arguments: tuple[str, ...] = (), **rest: Any):
        port = port or free_port()
        return ProcessSpec(
            name=name,
            command=(sys.executable, "-S", str(DUMMY), name, str(port), str(tmp_path / "events"), *arguments),
            environment=dict(os.environ),
            tier=tier,
            probe=InThread(lambda: not _is_free(port)),
            log=tmp_path / f"{name}.log",
            ports={"users": port},
            **rest,
        )

    return make


@pytest.fixture
def events(tmp_path: Path) -> Callable[[], list[str]]:
    """What the dummies did so far, in order: ``<what> <name>``."""
    path = tmp_path / "events"
    return lambda: path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def dummy_stack(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a stack of dummies under a supervisor in its own process."""
    started: list[tuple[Path, subprocess.Popen[bytes]]] = []

    def start(data: Path, port_base: int, timeout: str = "30", *how: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(DUMMY_STACK), str(data), str(port_base), timeout, *how]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
        started.append((data, process))
        return process

    yield start
    for data, process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        end_leftovers(state.read(DataDirectory(data).state))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits for a condition, and says so when it never holds."""

    def wait(condition: Callable[[], Any], *, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.02)

    return wait


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """The same for a test whose own event loop has work to do meanwhile."""

    async def wait(condition: Callable[[], Any], *, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it never came true"
            await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def gone() -> Callable[[int], bool]:
    return lambda pid: start_time(pid) is None
