"""Callers of a scheduler in a process of their own, on orders from the benchmark: one JSON line in, one out.

``{"address", "nodes", "in_flight", "seconds", "most"}``: so many reserves at a time, for so long, or so many in all.
``{"address", "nodes", "rate", "seconds"}``: so many a second at random moments, whether or not the others were answered; a
duration counts from the moment at which the reserve was due.
``{"address", "release": true}``: give everything back.

The answer to a load is ``{"durations", "seconds", "shed"}``. Each reserve is the step of a saga, as the vm service sends it. A
scheduler that sheds load is asked again, which its caller's duration tells; any other refusal ends the run. The argument is the
directory of the certificates.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import grpc

from novacron.api.scheduler.v1 import ReleaseReservationRequest, ReservationServiceStub, ReserveResourcesRequest
from novacron.errors import Overloaded
from novacron.rpc.call import SAGA_KEY
from novacron.rpc.status import from_rpc_error

from ..faults.schedulers import identification
from .scheduler_scene import requests

_SEEDS = count(1)
_RELEASES_IN_FLIGHT = 32
# A scheduler that cannot keep the pace is not asked by more than this at once: the others wait here, and their durations tell.
_MOST_IN_FLIGHT = 64
# After so many times the length of the load nobody waits any longer: what is not answered by then has lasted until then.
_PATIENCE = 3


class Load:
    """What callers do, and what they hold."""

    def __init__(self, credentials: grpc.ChannelCredentials) -> None:
        self._credentials = credentials
        self._stubs: dict[str, ReservationServiceStub] = {}
        self._sources: dict[int, Iterator[ReserveResourcesRequest]] = {}
        self._held: list[str] = []
        self._shed = 0

    async def carry_out(self, order: dict[str, Any]) -> Any:
        if order["address"] not in self._stubs:
            channel = grpc.aio.secure_channel(order["address"], self._credentials)
            self._stubs[order["address"]] = ReservationServiceStub(channel)
        stub = self._stubs[order["address"]]
        if "release" in order:
            return await self._release(stub)
        nodes = order["nodes"]
        source = self._sources.setdefault(nodes, requests(nodes, next(_SEEDS)))
        self._shed = 0
        began = time.perf_counter()
        if "rate" in order:
            durations = await self._open(stub, source, order["rate"], order["seconds"])
        else:
            durations = await self._closed(
                stub, source, **{name: order[name] for name in ("in_flight", "seconds", "most")}
            )
        return {"durations": durations, "seconds": time.perf_counter() - began, "shed": self._shed}

    async def _closed(self, stub: Any, source: Any, in_flight: int, seconds: float, most: int) -> list[float]:
        durations: list[float] = []
        left, ends = iter(range(most)), time.perf_counter() + seconds

        async def one_after_the_other() -> None:
            for _ in left:
                began = time.perf_counter()
                if began >= ends:
                    return
                await self._reserve(stub, next(source))
                durations.append(time.perf_counter() - began)

        await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
        return durations

    async def _open(self, stub: Any, source: Any, rate: float, seconds: float) -> list[float]:
        chance = Random(next(_SEEDS))
        made = [next(source) for _ in range(int(rate * seconds))]
        at_once = asyncio.Semaphore(_MOST_IN_FLIGHT)
        due = time.perf_counter() + 0.1
        ends = due + _PATIENCE * seconds

        async def one(request: Any, due: float) -> float:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ends - time.perf_counter()), at_once:
                    await self._reserve(stub, request)
            return time.perf_counter() - due

        tasks = []
        for request in made:
            due += chance.expovariate(rate)
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            tasks.append(asyncio.create_task(one(request, due)))
        return list(await asyncio.gather(*tasks))

    async def _reserve(self, stub: Any, request: Any) -> None:
        metadata = ((SAGA_KEY, f"{request.vm_id}/reserve/action"),)
        self._held.append(request.vm_id)
        while True:
            try:
                await stub.ReserveResources(request, timeout=60, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                refused = from_rpc_error(error)
                if not isinstance(refused, Overloaded):
                    raise refused from error
                self._shed += 1
                await asyncio.sleep(refused.retry_after_seconds or 0.25)
            else:
                return

    async def _release(self, stub: Any) -> int:
        total, left = len(self._held), iter(self._held)

        async def one_after_the_other() -> None:
            for vm_id in left:
                await stub.ReleaseReservation(ReleaseReservationRequest(vm_id=vm_id), timeout=60)

        await asyncio.gather(*(one_after_the_other() for _ in range(_RELEASES_IN_FLIGHT)))
        self._held.clear()
        return total


async def main() -> None:
    load = Load(identification(Path(sys.argv[1]), "vm").client())
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await load.carry_out(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
