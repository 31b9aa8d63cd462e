"""Runs of the small world: one process, one disturbance at one recorded point, and what the auditor finds afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg

from novacron.db import Database
from novacron.testing.patience import eventually

from .crash_audit import audit

LEASE_SECONDS = 1.5
# At each failpoint. A sleeper wakes when another has the saga; a late sleeper when the saga is over.
AT_A_POINT = ("kill -9", "SIGSTOP, woken at the takeover", "SIGSTOP, woken at the end")
# While the server carries out a COMMIT of the log.
IN_A_COMMIT = ("kill -9 in COMMIT", "SIGSTOP in COMMIT", "connection lost in COMMIT")
_TERMINAL = ("succeeded", "compensated")


@dataclass(frozen=True, order=True)
class Run:
    """``at`` is ``point detail occurrence``, as a clean run recorded it."""

    path: str  # "success" or "failure": whether the third step is refused
    at: str
    how: str

    def __str__(self) -> str:
        return f"{self.path} path, {self.how} at {self.at}"


def disturbances(path: str, recorded: Iterable[str]) -> list[Run]:
    """Every run that a clean run's recorded points ask for."""
    runs = []
    for at in recorded:
        runs += [Run(path, at, how) for how in AT_A_POINT]
        if at.startswith(("commit.before", "begin.before")):
            runs += [Run(path, at, how) for how in IN_A_COMMIT]
    return runs


@dataclass
class Fleet:
    """The processes to be disturbed, and the databases that they work on."""

    owner: Database
    participants: Database
    directory: Path
    _forker: asyncio.subprocess.Process | None = None
    _ordered: set[int] = field(default_factory=set)
    _one_order: asyncio.Lock = field(default_factory=asyncio.Lock)
    _places: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(6)
    )  # as many at a time as a laptop carries

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Fleet]:
        script = Path(__file__).with_name("crash_worker.py")
        with (self.directory / "workers.log").open("wb") as log:
            self._forker = await asyncio.create_subprocess_exec(
                sys.executable, str(script), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        try:
            yield self
        finally:
            for pid in self._ordered:  # those of a test that broke off
                if not _gone(pid):
                    os.kill(pid, signal.SIGKILL)
            self._forker.kill()
            await self._forker.wait()

    async def record(self, path: str) -> list[str]:
        """The failpoints that an undisturbed saga passes, in their order."""
        saga_id = uuid4()
        pid = await self._order(saga_id, path)
        await eventually(lambda: _value(_gone(pid)), within=60)
        assert await audit(self.owner, self.participants, saga_id) == []
        return self._trace(saga_id).read_text().splitlines()

    async def disturb(self, run: Run) -> list[str]:
        """Every invariant that is broken after this run. A run that the machine was too slow for is made again."""
        for _ in range(4):
            saga_id = uuid4()
            async with self._places:
                await (self._in_commit if run.how in IN_A_COMMIT else self._at_point)(run, saga_id)
                found = await audit(self.owner, self.participants, saga_id)
            if found or run.at in self._trace(saga_id).read_text().splitlines():
                return found
        return [f"{run.at} was never reached"]

    async def _at_point(self, run: Run, saga_id: UUID) -> None:
        pid = await self._order(
            saga_id, run.path, at=run.at, how=run.how.partition(",")[0].replace("kill -9", "SIGKILL")
        )
        await eventually(lambda: _value(_gone(pid) or _stopped(pid)), within=60, message="the process was disturbed")
        if _stopped(pid):
            await self._wake(pid, saga_id, late=run.how.endswith("at the end"))
        await self._over(pid, saga_id)

    async def _in_commit(self, run: Run, saga_id: UUID) -> None:
        gate = saga_id.int % 2**62
        async with await psycopg.AsyncConnection.connect(self.owner.url, autocommit=True) as keeper:
            await keeper.execute("SELECT pg_advisory_lock(%s)", (gate,))
            pid = await self._order(saga_id, run.path, at=run.at, how="gate", gate=gate)

            async def backend() -> int | None:
                waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid::bigint = %s"
                row = await (await keeper.execute(waiting, (gate & 0xFFFFFFFF,))).fetchone()
                return row[0] if row else -1 if _gone(pid) else None

            at = await eventually(backend, within=60, message="the process is in COMMIT")
            if at != -1 and run.how.startswith("connection"):
                await keeper.execute("SELECT pg_terminate_backend(%s)", (at,))
            elif at != -1:
                frozen = run.how.startswith("SIGSTOP")
                os.kill(pid, signal.SIGSTOP if frozen else signal.SIGKILL)
                await eventually(lambda: _value(_gone(pid) or (frozen and _stopped(pid))))
            # From here the server goes on with the COMMIT, whoever still listens.
            await keeper.execute("SELECT pg_advisory_unlock(%s)", (gate,))

            async def committed() -> bool:
                working = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state <> 'idle'"
                return (await (await keeper.execute(working, (at,))).fetchone()) == (0,)

            if not run.how.startswith("connection"):
                await eventually(committed, message="the server is through with the COMMIT")
        if _stopped(pid):
            await self._wake(pid, saga_id, late=False)
        await self._over(pid, saga_id)

    async def _wake(self, pid: int, saga_id: UUID, *, late: bool) -> None:
        async def time_has_come() -> bool:
            state, epoch = await self._saga(saga_id)
            return state in _TERMINAL if late else epoch > 1

        # Frozen in a transaction it keeps the rows locked and nobody can take over: then it wakes with its lease long gone.
        with contextlib.suppress(AssertionError):
            await eventually(time_has_come, within=LEASE_SECONDS + 2)
        os.kill(pid, signal.SIGCONT)

    async def _over(self, pid: int, saga_id: UUID) -> None:
        await eventually(lambda: _value(_gone(pid)), within=60, message=f"process {pid} ends")

        async def ended() -> bool:
            return (await self._saga(saga_id))[0] in (*_TERMINAL, None)

        await eventually(ended, within=60, message=f"1: saga {saga_id} ends")

    async def _saga(self, saga_id: UUID) -> tuple[str | None, int]:
        async with self.owner.connection() as connection:
            cursor = await connection.execute("SELECT state, epoch FROM saga WHERE saga_id = %s", (saga_id,))
            row = await cursor.fetchone()
        return (row[0], row[1]) if row else (None, 0)

    def _trace(self, saga_id: UUID) -> Path:
        return self.directory / f"{saga_id}.trace"

    async def _order(self, saga_id: UUID, path: str, **named: Any) -> int:
        order = {
            "saga_id": str(saga_id),
            "owner_url": _as_worker(self.owner.url),
            "participants_url": _as_worker(self.participants.url),
            "trace": str(self._trace(saga_id)),
            "lease": LEASE_SECONDS,
            "fails": path == "failure",
            **named,
        }
        forker = self._forker
        assert forker is not None
        assert forker.stdin is not None
        assert forker.stdout is not None
        async with self._one_order:
            forker.stdin.write(json.dumps(order).encode() + b"\n")
            pid = int(await forker.stdout.readline())
        self._ordered.add(pid)
        return pid


def table(results: dict[Run, list[str]]) -> str:
    """Where, how, at how many points, in how many runs, with how many broken invariants."""
    rows: dict[tuple[str, str], list[tuple[Run, list[str]]]] = {}
    for run in sorted(results):
        rows.setdefault((run.at.split()[0], run.how), []).append((run, results[run]))
    lines = [f"{'where':<14} {'what happened there':<32} {'points':>6} {'runs':>5} {'broken':>6}"]
    for (where, how), made in [*sorted(rows.items()), (("all", ""), list(results.items()))]:
        points = len({(run.path, run.at) for run, _ in made})
        broken = sum(len(found) for _, found in made)
        lines.append(f"{where:<14} {how:<32} {points:>6} {len(made):>5} {broken:>6}")
    return "\n".join(lines)


def _as_worker(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}application_name=worker"


def _gone(pid: int) -> bool:
    return _process_state(pid) in ("", "Z", "X")


def _stopped(pid: int) -> bool:
    return _process_state(pid) == "T"


def _process_state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def _value(value: Any) -> Any:
    return value
