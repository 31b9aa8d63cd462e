"""OpenStack Keystone beside us: processor time for a token's validation with its cache warm, and for issuing one."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

from novacron.embedded.process import free_port
from novacron.testing.databases import Databases

from .cpu import cpu_seconds
from .peer import peer

_PASSWORD = "a-bench-of-keystone"


async def measure(databases: Databases, *, quick: bool) -> dict[str, float]:
    """Milliseconds of Keystone's own process for each: medians over batches, without its database's."""
    url, port = await asyncio.to_thread(databases.create), free_port()
    with tempfile.TemporaryDirectory(prefix="novacron-bench-") as directory:
        arguments = (url, str(port), str(Path(directory) / "keystone"), _PASSWORD)
        async with peer("keystone_server.py", *arguments, of="keystone") as keystone:
            return await asyncio.to_thread(_measured, keystone.pid, port, quick)


def _measured(pid: int, port: int, quick: bool) -> dict[str, float]:
    tokens = f"http://127.0.0.1:{port}/v3/auth/tokens"

    def issue() -> str:
        user = {"name": "admin", "domain": {"id": "default"}, "password": _PASSWORD}
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
        wanted = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        request = urllib.request.Request(tokens, json.dumps(wanted).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.headers["X-Subject-Token"])

    token = issue()
    held = urllib.request.Request(tokens, headers={"X-Auth-Token": token, "X-Subject-Token": token})

    def validate() -> None:
        with urllib.request.urlopen(held, timeout=60) as answer:
            answer.read()

    def batches(work: Callable[[], object], rounds: int, times: int) -> float:
        took = []
        for _ in range(rounds + 1):  # the first is cold
            before = cpu_seconds(pid)
            for _ in range(times):
                work()
            took.append((cpu_seconds(pid) - before) / times)
        return statistics.median(took[1:]) * 1e3

    return {
        "keystone_validate_cpu_ms": batches(validate, 2 if quick else 10, 50),
        "keystone_issue_cpu_ms": batches(issue, 1 if quick else 5, 5),
    }
