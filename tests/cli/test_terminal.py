"""What only a terminal shows."""

import asyncio
import os
import sys


async def test_on_a_terminal_the_steps_are_live_and_stdout_is_still_data_alone(novacron, logged_in):
    terminal, end = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "novacron_cli", "vm", "create", "web-1", "--template", "small", "-o", "json"),
        cwd=novacron.directory,
        env={**novacron.environment, "TERM": "xterm-256color"},
        stdout=asyncio.subprocess.PIPE,
        stderr=end,
    )
    os.close(end)
    shown = asyncio.create_task(asyncio.to_thread(_all_of, terminal))
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
        text = await shown
    os.close(terminal)
    assert process.returncode == 0
    assert out.startswith(b"{")
    for step in ("reserve", "provision", "monitor", "activate"):
        assert f"{step}: ok (0.50 s)" in text
    assert "✓" in text
    assert text.rstrip().endswith("\x1b[?25h")  # the cursor is back


async def test_on_a_narrow_terminal_a_list_leaves_out_its_ids(novacron, logged_in):
    vm = logged_in.vms.add("web-1")
    for columns, expected in (("80", False), ("160", True)):
        terminal, end = os.openpty()
        process = await asyncio.create_subprocess_exec(
            *(*novacron.command, "vm", "list"),
            cwd=novacron.directory,
            env={**novacron.environment, "TERM": "xterm-256color", "COLUMNS": columns},
            stdout=end,
            stderr=asyncio.subprocess.PIPE,
        )
        os.close(end)
        shown = asyncio.create_task(asyncio.to_thread(_all_of, terminal))
        async with asyncio.timeout(60):
            await process.communicate()
            text = await shown
        os.close(terminal)
        assert "web-1" in text
        assert (vm.vm_id in text) is expected


def _all_of(terminal: int) -> str:
    """Everything that is written to a pseudo-terminal until its other end is closed."""
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so that nobody holds the other end any more
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()


async def test_what_the_client_chain_logs_never_comes_between_the_data(novacron):
    logging = (
        "from novacron import logs; from novacron_cli.connection import _log_beside_the_data as beside;"
        "beside(); logs.logger('rpc').warning('breaker opened')"
    )
    for debug, expected in ({}, False), ({"NOVACRON_DEBUG": "1"}, True):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", logging),
            env={**novacron.environment, **debug},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert (process.returncode, out) == (0, b"")
        assert (b"breaker opened" in err) is expected
