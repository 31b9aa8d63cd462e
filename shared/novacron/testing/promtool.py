"""Prometheus's own opinion of what is shown to it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess

import pytest

# OpenTelemetry's conventions call it so; to promtool the ending belongs to histograms.
_ACCEPTED = ('db_client_connection_count non-histogram and non-summary metrics should not have "_count" suffix',)


async def complaints(text: str) -> list[str]:
    """What ``promtool check metrics`` has against an exposition; the test is skipped where there is no promtool."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    checked = await asyncio.to_thread(
        subprocess.run,
        [promtool, "check", "metrics"],
        input=text,
        text=True,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return [line for line in (checked.stdout + checked.stderr).splitlines() if line not in _ACCEPTED]
