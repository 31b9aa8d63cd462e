"""Workers to be killed: each order on stdin is carried out in a process of its own, forked from this one.

An order is a line of JSON, the answer its process id. Python and the imports are paid for once; what is forked has no thread,
no event loop and no connection yet.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from crash_world import SAGA, Participants, Wanted  # beside this script

from novacron.db import Database
from novacron.errors import NovacronError
from novacron.saga import Coordinator, PostgresLog, failpoint


@dataclass
class Order:
    """Run one saga; note every failpoint in ``trace``; at the one named ``at`` do what ``how`` says."""

    saga_id: str
    owner_url: str
    participants_url: str
    trace: str
    lease: float
    fails: bool
    at: str = ""  # "point detail occurrence"
    how: str = ""  # a signal to this very process, or "gate": stop inside the COMMIT that follows
    gate: int = 0


class Hook:
    """Notes each failpoint before anything else happens there."""

    def __init__(self, order: Order, database: Database) -> None:
        self._order = order
        self._database = database
        self._seen: Counter[tuple[str, str]] = Counter()
        self._trace = os.open(order.trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def __call__(self, point: str, detail: str) -> None:
        self._seen[point, detail] += 1
        here = f"{point} {detail} {self._seen[point, detail]}"
        os.write(self._trace, f"{here}\n".encode())
        if here != self._order.at:
            return
        if self._order.how == "gate":
            # The pool has this one connection, so the commit that follows is made on it.
            async with self._database.connection() as connection:
                await connection.execute("SELECT set_config('crash.gate', %s, false)", (str(self._order.gate),))
        else:
            os.kill(os.getpid(), signal.Signals[self._order.how])


async def carry_out(order: Order) -> None:
    database = Database(order.owner_url, max_connections=1)
    participants = Database(order.participants_url)
    await database.open()
    await participants.open()
    # No concurrency: it takes up no saga but its own, while its heartbeat goes on.
    coordinator = Coordinator(
        PostgresLog(database, lease_seconds=order.lease),
        [SAGA],
        services=Participants(participants),
        lease_seconds=order.lease,
        concurrency=0,
    )
    await coordinator.start()
    failpoint.install(Hook(order, database))
    saga_id = UUID(order.saga_id)
    await failpoint.reach("begin.before")
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO vm (vm_id) VALUES (%s)", (saga_id,))
        await failpoint.reach("begin.inside")
        begun = await coordinator.begin(connection, SAGA, saga_id, Wanted(order.fails))
    await failpoint.reach("begin.after")
    coordinator.launch(begun)
    await coordinator.wait(saga_id, 60)


async def until_done(order: Order) -> None:
    try:
        await carry_out(order)
    except NovacronError as error:  # a begin that was cut off: its caller hears of it
        print(error, file=sys.stderr, flush=True)
    finally:
        os._exit(0)  # nothing is put away: the others must do without


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ordered them looks after them
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(2, 1)  # what it logs is no answer to an order
            asyncio.run(until_done(Order(**order)))
        print(pid, flush=True)


if __name__ == "__main__":
    main()
