"""A peer in its own environment and process, taking orders line by line."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent / "peers"
_ENVIRONMENT = Path("build/bench/peers")


def environment() -> Path:
    """The peers' Python, made on first use, and again when what it holds has changed."""
    python = _ENVIRONMENT.absolute() / "bin" / "python"
    wanted, made = (_HERE / "requirements.txt").read_text(), _ENVIRONMENT / "requirements.txt"
    if not made.exists() or made.read_text() != wanted:
        print("installing the peers into", _ENVIRONMENT)
        subprocess.run([sys.executable, "-m", "venv", str(_ENVIRONMENT)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(_HERE / "requirements.txt")], check=True)
        made.write_text(wanted)
    return python


class Peer:
    """Sends an order, waits for its answer."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

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
async def peer(script: str, *arguments: str) -> AsyncIterator[Peer]:
    """A script of ``peers/`` running beside us."""
    python = await asyncio.to_thread(environment)
    process = await asyncio.create_subprocess_exec(
        str(python),
        str(_HERE / script),
        *arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        limit=64 * 1024 * 1024,
    )
    made = Peer(process)
    while (await made.line()).strip() != b"ready":
        pass
    try:
        yield made
    finally:
        process.kill()
        await process.wait()
