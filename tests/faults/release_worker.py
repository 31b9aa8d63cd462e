"""A worker of one release: ``release_worker.py URL VERSION...`` carries out those versions of a saga until it is ended.

An order on stdin is ``VERSION SAGA_ID``: begin that. Each step notes in ``effect`` which release carried it out; ``two`` waits
until the table ``gate`` has a row.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from novacron.db import Database
from novacron.saga import Context, Coordinator, Kind, PostgresLog, Saga, Step

LEASE_SECONDS = 1.0
SCHEMA = "CREATE TABLE effect (saga_id uuid, step text, release text); CREATE TABLE gate ()"


@dataclass(frozen=True)
class Nothing:
    """No parameters."""


@dataclass(frozen=True)
class Release:
    """What the steps are given."""

    name: str
    database: Database

    async def note(self, saga_id: UUID, step: str) -> None:
        async with self.database.connection() as connection:
            await connection.execute("INSERT INTO effect VALUES (%s, %s, %s)", (saga_id, step, self.name))

    async def gate_is_open(self) -> bool:
        async with self.database.connection() as connection:
            return (await (await connection.execute("SELECT EXISTS (SELECT FROM gate)")).fetchone()) == (True,)


def _step(name: str, kind: Kind, *, waits: bool = False) -> Step:
    async def action(context: Context[Nothing]) -> None:
        release: Release = context.services
        while waits and not await release.gate_is_open():
            await asyncio.sleep(0.05)
        await release.note(context.saga_id, name)

    async def undo(context: Context[Nothing]) -> None:
        await context.services.note(context.saga_id, f"undo {name}")

    return Step(name, kind, action, undo if kind is Kind.COMPENSATABLE else None, timeout_seconds=60)


_ONE, _TWO = _step("one", Kind.COMPENSATABLE), _step("two", Kind.COMPENSATABLE, waits=True)
_BETWEEN, _LAST = _step("between", Kind.COMPENSATABLE), _step("last", Kind.RETRIABLE)
VERSIONS: dict[int, Saga[Any]] = {
    1: Saga("deploy", 1, Nothing, (_ONE, _TWO, _LAST)),
    2: Saga("deploy", 2, Nothing, (_ONE, _BETWEEN, _LAST)),
}


async def main(url: str, versions: list[int]) -> None:
    database = Database(url)
    await database.open()
    coordinator = Coordinator(
        PostgresLog(database, lease_seconds=LEASE_SECONDS),
        [VERSIONS[version] for version in versions],
        services=Release("+".join(map(str, versions)), database),
        lease_seconds=LEASE_SECONDS,
        sweep_seconds=0.1,
    )
    await coordinator.start()
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        version, saga_id = line.decode().split()
        async with database.transaction() as connection:
            begun = await coordinator.begin(connection, VERSIONS[int(version)], UUID(saga_id), Nothing())
        coordinator.launch(begun)
    await coordinator.stop()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], [int(one) for one in sys.argv[2:]]))
