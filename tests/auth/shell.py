"""The command on one user's machine, as a shell runs it there."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Shell:
    """``await run("user", "list")`` gives exit code, stdout and stderr. ``home`` is where the command keeps its own."""

    command: tuple[str, ...]
    directory: Path
    home: Path
    auth_port: int
    ca_file: Path

    async def start(self, *arguments):
        """The process of a command that has just begun."""
        pipe = asyncio.subprocess.PIPE
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "NOVACRON_HOME": str(self.home),
            "NOVACRON_ENDPOINTS": f"auth=localhost:{self.auth_port}",
            "NOVACRON_CA_FILE": str(self.ca_file),
            "COLUMNS": "200",
            "PYTHONUTF8": "1",
        }
        return await asyncio.create_subprocess_exec(
            *self.command, *arguments, cwd=self.directory, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
        )

    async def __call__(self, *arguments, typed=""):
        process = await self.start(*arguments)
        async with asyncio.timeout(60):
            out, err = await process.communicate(typed.encode())
        return process.returncode, out.decode(), err.decode()
