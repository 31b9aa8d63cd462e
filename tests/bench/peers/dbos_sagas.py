"""DBOS doing four no-op steps, on orders from the benchmark: one JSON line in, one out.

``{"count": n, "in_flight": k}`` -> ``{"durations": [...], "cpu": seconds}``. Run by its own environment's Python, with the
database's URL as the argument.
"""

import asyncio
import json
import sys
import time

from dbos import DBOS, DBOSConfig

config: DBOSConfig = {
    "name": "bench",
    "system_database_url": sys.argv[1],
    "log_level": "ERROR",
    "run_admin_server": False,
}
DBOS(config=config)


@DBOS.step()
async def one() -> None: ...


@DBOS.step()
async def two() -> None: ...


@DBOS.step()
async def three() -> None: ...


@DBOS.step()
async def four() -> None: ...


@DBOS.workflow()
async def four_steps() -> None:
    await one()
    await two()
    await three()
    await four()


async def crowd(count: int, in_flight: int) -> list[float]:
    durations: list[float] = []
    left = iter(range(count))

    async def one_after_the_other() -> None:
        for _ in left:
            began = time.perf_counter()
            await four_steps()
            durations.append(time.perf_counter() - began)

    await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
    return durations


async def main() -> None:
    DBOS.launch()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        cpu = time.process_time()
        durations = await crowd(order["count"], order["in_flight"])
        sys.stdout.write(json.dumps({"durations": durations, "cpu": time.process_time() - cpu}) + "\n")
        sys.stdout.flush()


asyncio.run(main())
