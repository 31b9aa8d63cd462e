"""64 clients race for the last 50 slots over two schedulers on one database, and in every phase one of the two is killed.

The first third of the clients are of a tenant whose quota is 12 VMs; the others could take 43. So both limits bind, and whoever
is refused can be shown to be refused rightly: nothing is given back while they race. A caller whose scheduler dies repeats its
request at the other one, as a saga's step does. Triggers witness every excess, however short. A refusal of what would fit or of
what is held, and any error but the two refusals, count as conflicts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import grpc

from novacron.api.scheduler.v1 import ReleaseReservationRequest, ReservationServiceStub, ReserveResourcesRequest
from novacron.api.types.v1 import Resources as Amounts
from novacron.db import Database
from novacron.errors import DeadlineExceeded, NoCapacity, NovacronError, Overloaded, QuotaExceeded, Unavailable
from novacron.rpc.call import SAGA_KEY
from novacron.rpc.status import from_rpc_error

from .claim_ledger import Ledger
from .schedulers import SchedulerProcess, identification

CLIENTS, SLOTS, QUOTA = 64, 50, 12
_NODES, _CORES = 4, 16
_LIMITED, _FREE = uuid4(), uuid4()
_ASK_AGAIN = (Unavailable, Overloaded, DeadlineExceeded)


@dataclass
class Round:
    """What came of one round; all but the first three are to be zero."""

    made: int = 0
    no_room: int = 0
    over_quota: int = 0
    asked_again: int = 0  # calls that a dying scheduler left unanswered
    over_commits: int = 0
    quota_exceeded: int = 0
    conflicts: int = 0
    miscounted: int = 0
    strange: list[str] = field(default_factory=list)

    @property
    def broken(self) -> int:
        return self.over_commits + self.quota_exceeded + self.conflicts + self.miscounted


class Race:
    """Two schedulers, and who races at them."""

    def __init__(self, ledger: Ledger, pair: tuple[SchedulerProcess, ...], stubs: list[Any], seed: int) -> None:
        self._ledger = ledger
        self._pair = pair
        self._stubs = stubs
        self._chance = Random(seed)

    async def round(self) -> Round:
        """Everyone claims, everyone gives back; a scheduler dies in each phase, and is back before the next."""
        seen, vms = Round(), [uuid4() for _ in range(CLIENTS)]
        answers = await self._amid_a_kill(
            seen, [lambda n=n, vm=vm: self._claim(seen, n, vm) for n, vm in enumerate(vms)]
        )
        await self._judge(seen, dict(zip(vms, answers, strict=True)))
        await self._amid_a_kill(seen, [lambda n=n, vm=vm: self._release(seen, n, vm) for n, vm in enumerate(vms)])
        left = await self._ledger.held()
        seen.miscounted += abs(len(left) - (_NODES * _CORES - SLOTS)) + await self._ledger.miscounted()
        return seen

    async def fill(self) -> None:
        """All but the last slots."""
        for number in range(_NODES * _CORES - SLOTS):
            assert await self._claim(Round(), CLIENTS + number, uuid4()) == "made"

    async def _amid_a_kill(self, seen: Round, calls: list[Callable[[], Awaitable[str]]]) -> list[str]:
        """All calls at once. The kill falls after one of the first answers, while most of them are under way."""
        victim, after = self._chance.choice(self._pair), self._chance.randrange(CLIENTS // 2)
        ended = asyncio.Semaphore(0)

        async def one(call: Callable[[], Awaitable[str]]) -> str:
            try:
                return await call()
            finally:
                ended.release()

        tasks = [asyncio.create_task(one(call)) for call in calls]
        for _ in range(after):
            await ended.acquire()
        victim.kill()
        victim.start()
        answers = await asyncio.gather(*tasks)
        await victim.ready()
        return answers

    async def _claim(self, seen: Round, number: int, vm_id: UUID) -> str:
        request = ReserveResourcesRequest(
            vm_id=str(vm_id),
            tenant_id=str(_LIMITED if number < CLIENTS // 3 else _FREE),
            resources=Amounts(cpu_cores=1, memory_mib=1024, storage_gib=10),
        )
        try:
            await self._asked(seen, number, "ReserveResources", request, f"{vm_id}/reserve/action")
        except NoCapacity:
            return "no room"
        except QuotaExceeded:
            return "over quota"
        except NovacronError as error:
            return f"{type(error).__name__}: {error}"
        return "made"

    async def _release(self, seen: Round, number: int, vm_id: UUID) -> str:
        request = ReleaseReservationRequest(vm_id=str(vm_id))
        await self._asked(seen, number, "ReleaseReservation", request, f"{vm_id}/reserve/compensation")
        return "released"

    async def _asked(self, seen: Round, first: int, method: str, request: Any, key: str) -> None:
        for turn in range(first, first + 1000):
            try:
                await getattr(self._stubs[turn % 2], method)(request, timeout=30, metadata=((SAGA_KEY, key),))
            except grpc.aio.AioRpcError as error:
                told = from_rpc_error(error)
                if not isinstance(told, _ASK_AGAIN):
                    raise told from None
                seen.asked_again += 1
                await asyncio.sleep(0.02)
            else:
                return
        raise TimeoutError(f"nobody answered {method}")

    async def _judge(self, seen: Round, answers: dict[UUID, str]) -> None:
        told = Counter(answers.values())
        seen.made, seen.no_room, seen.over_quota = (
            told.pop("made", 0),
            told.pop("no room", 0),
            told.pop("over quota", 0),
        )
        seen.strange = list(told)
        held = await self._ledger.held()
        ours = {vm_id: tenant for vm_id, tenant in held.items() if vm_id in answers}
        limited = sum(tenant == _LIMITED for tenant in ours.values())
        seen.conflicts = sum(told.values()) + sum(
            vm_id in ours for vm_id, answer in answers.items() if answer != "made"
        )
        seen.conflicts += max(min(seen.no_room, SLOTS - len(ours)), 0)
        seen.conflicts += max(min(seen.over_quota, QUOTA - limited), 0)
        seen.over_commits = await self._ledger.over("nodes") + max(len(ours) - SLOTS, 0)
        seen.quota_exceeded = await self._ledger.over("tenant_quotas")
        seen.quota_exceeded += max(limited - QUOTA, 0)
        seen.miscounted = await self._ledger.miscounted() + abs(seen.made - len(ours))


@asynccontextmanager
async def race(database_url: str, directory: Path, *, seed: int = 1) -> AsyncIterator[Race]:
    """Two schedulers on this migrated, empty database, and all but the last slots taken."""
    database = Database(database_url)
    await database.open()
    pair = (SchedulerProcess(database_url, directory), SchedulerProcess(database_url, directory))
    credentials = identification(directory, "vm").client()
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]
    channels = [grpc.aio.secure_channel(one.address, credentials, options=options) for one in pair]
    try:
        ledger = Ledger(database)
        await ledger.furnish(_NODES, _CORES, _LIMITED, QUOTA)
        for one in pair:
            one.start()
        for one in pair:
            await one.ready()
        made = Race(ledger, pair, [ReservationServiceStub(channel) for channel in channels], seed)
        await made.fill()
        yield made
    finally:
        for one in pair:
            one.kill()
        for channel in channels:
            await channel.close()
        await database.close()


def table(rounds: list[Round]) -> str:
    """A line a round and one for all."""
    names = (
        "made",
        "no_room",
        "over_quota",
        "asked_again",
        "over_commits",
        "quota_exceeded",
        "conflicts",
        "miscounted",
    )
    lines = ["  ".join(["round", *names])]
    for number, one in enumerate(rounds, 1):
        lines.append("  ".join([f"{number:>5}", *(f"{getattr(one, name):>{len(name)}}" for name in names)]))
    sums = (f"{sum(getattr(one, name) for one in rounds):>{len(name)}}" for name in names)
    return "\n".join([*lines, "  ".join(["  all", *sums])])
