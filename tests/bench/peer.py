"""A peer in its own environment and process, taking orders line by line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent / "peers"
_ENVIRONMENTS = Path("build/bench")


def environment(of: str = "") -> Path:
    """The Python of the peers, or ``of`` one of them; made on first use, and again when what it holds has changed."""
    suffix = f"-{of}" if of else ""
    directory, requirements = _ENVIRONMENTS / f"peers{suffix}", _HERE / f"requirements{suffix}.txt"
    python = directory.absolute() / "bin" / "python"
    wanted, made = requirements.read_text(), directory / "requirements.txt"
    if not made.exists() or made.read_text() != wanted:
        print("installing the peers into", directory)
        subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(requirements)], check=True)
        made.write_text(wanted)
    return python


class Peer:
    """Sends an order, waits for its answer."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def order(self, **what: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        return json.loads(await self.line())

    async def line(self) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the peer ended; run it by hand to see why")
        return line


@asynccontextmanager
async def peer(script: str, *arguments: str, of: str = "") -> AsyncIterator[Peer]:
    """A script of ``peers/`` running beside us, in the peers' environment or in the one ``of`` a single peer."""
    python = await asyncio.to_thread(environment, of)
    async with beside(str(python), str(_HERE / script), *arguments) as made:
        yield made


@asynccontextmanager
async def beside(*command: str, errors: int | None = subprocess.DEVNULL) -> AsyncIterator[Peer]:
    """Any program that says ``ready`` and takes orders."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, limit=64 * 1024 * 1024
    )
    made = Peer(process)
    try:
        while (await made.line()).strip() != b"ready":
            pass
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
