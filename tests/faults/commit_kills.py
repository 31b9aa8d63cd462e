"""Two schedulers on one database, one of which is killed while the COMMIT of its group of claims is under way.

A deferred trigger holds a group at its COMMIT where a test says so: all is written, nothing is durable, nobody has an answer.
Then its scheduler is killed. Whoever asked it repeats the call at once, under the same saga key, at the other scheduler, while
the transaction that the dead one left still holds its rows and keys. Only when one of them waits for a key does the test let
the COMMIT through (it is durable, and nobody was told) or cut it off (it never was). Those who had asked the other one
repeat their calls as well, at the one that was killed, when it is back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import grpc
from psycopg import errors as pg

from novacron.api.scheduler.v1 import (
    ReleaseReservationRequest,
    Reservation,
    ReservationServiceStub,
    ReserveResourcesRequest,
)
from novacron.api.types.v1 import Resources as Amounts
from novacron.db import Database
from novacron.ending import end
from novacron.errors import DeadlineExceeded, NoCapacity, Overloaded, QuotaExceeded, Unavailable
from novacron.rpc.call import SAGA_KEY
from novacron.rpc.status import from_rpc_error
from novacron.testing.patience import eventually

from .claim_ledger import Ledger
from .schedulers import SchedulerProcess, identification

CALLERS, SLOTS, QUOTA = 44, 32, 6
_NODES = 4
_LIMITED, _FREE = uuid4(), uuid4()
_NAMES = ("scheduler-0", "scheduler-1")  # of their connections, by which the trigger and the test tell them apart
# One alone goes through: what was chosen together was written in one transaction, and has one time. Its own lock timeout is not
# for this wait.
_HOLD_GROUPS = """
CREATE FUNCTION hold_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM resource_allocations WHERE allocated_at = now()) > 1 THEN
        PERFORM set_config('lock_timeout', '0', true);
        PERFORM pg_advisory_xact_lock_shared(hashtext(current_setting('application_name')));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER hold_groups AFTER INSERT ON resource_allocations DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION hold_groups();
"""
_IN_COMMIT = """
SELECT pid, xact_start FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s
    AND wait_event = 'advisory' AND query = 'COMMIT'
"""
_KEY_AWAITED = """
SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%%INSERT INTO saga_barrier%%'
    AND %s = ANY(pg_blocking_pids(pid))
"""
_TAKE = "INSERT INTO saga_barrier (saga_id, step, operation) VALUES (%s, 'reserve', 'action') ON CONFLICT DO NOTHING"
_KEPT = "SELECT saga_id, response FROM saga_barrier WHERE saga_id = ANY(%s) AND operation = 'action'"
_DIED = (Unavailable, Overloaded, DeadlineExceeded)
_REFUSED = {NoCapacity: "no room", QuotaExceeded: "over quota"}

Answer = Reservation | str  # a place, or why there is none


@dataclass(eq=False)
class Caller:
    """One VM's step of a saga, and what it was told."""

    number: int
    home: int  # the scheduler that it asks first
    vm_id: UUID = field(default_factory=uuid4)
    first: Answer | None = None  # None: its scheduler died
    again: Answer | None = None

    @property
    def tenant(self) -> UUID:
        return _LIMITED if self.number % 3 == 0 else _FREE

    def key(self, operation: str) -> Any:
        return ((SAGA_KEY, f"{self.vm_id}/reserve/{operation}"),)


@dataclass
class Round:
    """What came of one round. ``wrong`` is in words, and is to be empty."""

    durable: bool  # whether the COMMIT was let through
    in_commit: int = 0  # VMs of the group whose COMMIT it was; those of one that was cut off left nothing to count
    unanswered: int = 0  # callers whose scheduler died
    told_twice: int = 0  # callers that had their place already, and were told it again
    made: int = 0
    wrong: list[str] = field(default_factory=list)


class CommitKills:
    """Two schedulers, and who asks them."""

    def __init__(
        self, database: Database, pair: tuple[SchedulerProcess, ...], stubs: Sequence[Any], ledger: Ledger, seed: int
    ) -> None:
        self._database = database
        self._pair = pair
        self._stubs = stubs
        self._ledger = ledger
        self._chance = Random(seed)

    async def round(self, *, durable: bool) -> Round:
        """Everyone claims, one scheduler dies amid a COMMIT, everyone claims again and gives back."""
        seen, victim = Round(durable), self._chance.randrange(2)
        callers = [Caller(number, number // 3 % 2) for number in range(CALLERS)]
        early = self._chance.randrange(4, 16)
        await asyncio.gather(*(self._first(one) for one in callers[:early]))
        async with self._held_at_commit(victim) as gate:
            first = {one: asyncio.create_task(self._first(one)) for one in callers[early:]}
            pid, moment = await self._in_commit(victim)
            self._pair[victim].kill()
            again = [asyncio.create_task(self._again(one, first.get(one))) for one in callers if one.home == victim]
            await self._key_is_awaited(pid, [one for one in callers if one.home == victim])
            if not durable:
                await gate.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        self._pair[victim].start()
        await asyncio.gather(*first.values(), *again)
        await self._pair[victim].ready()
        await asyncio.gather(*(self._again(one, None) for one in callers if one.home != victim))
        (seen.in_commit,) = await self._one("SELECT count(*) FROM resource_allocations WHERE allocated_at = %s", moment)
        await self._judge(seen, callers)
        await asyncio.gather(*(self._release(one) for one in callers))
        if left := await self._ledger.held():
            seen.wrong.append(f"{len(left)} places were not given back")
        if await self._ledger.miscounted():
            seen.wrong.append("what was given back is miscounted")
        return seen

    @asynccontextmanager
    async def _held_at_commit(self, victim: int) -> AsyncIterator[Any]:
        async with self._database.connection() as gate:
            await gate.execute("SELECT pg_advisory_lock(hashtext(%s))", (_NAMES[victim],))
            try:
                yield gate
            finally:
                await gate.execute("SELECT pg_advisory_unlock(hashtext(%s))", (_NAMES[victim],))

    async def _in_commit(self, victim: int) -> Any:
        """The backend that is held there, and when its transaction began."""
        found: list[Any] = []

        async def held() -> bool:
            found[:] = await self._rows(_IN_COMMIT, _NAMES[victim])
            return bool(found)

        await eventually(held, message="no group came to its COMMIT")
        return found[0]

    async def _key_is_awaited(self, pid: int, callers: Sequence[Caller]) -> None:
        """Wait until a key is waited for that the dead one's transaction has taken: by a repeated call, or by us."""

        async def awaited() -> bool:
            return bool(await self._rows(_KEY_AWAITED, pid))

        trying = asyncio.create_task(self._try_keys(callers))
        try:
            await eventually(awaited, message="the dead one's keys are not in the transaction of its claims")
        finally:
            await end([trying])

    async def _try_keys(self, callers: Sequence[Caller]) -> None:
        """Take the key of each, one after the other and again, and give it back: a repeated call may never come so far."""
        for caller in cycle(callers):
            async with self._database.connection() as connection:
                await connection.execute("BEGIN")
                try:
                    await connection.execute("SET LOCAL lock_timeout = '100ms'")
                    await connection.execute(_TAKE, (caller.vm_id,))
                except pg.LockNotAvailable:
                    pass
                finally:
                    await connection.rollback()

    async def _first(self, caller: Caller) -> None:
        caller.first = await self._asked(caller, caller.home)

    async def _again(self, caller: Caller, first: asyncio.Task[None] | None) -> None:
        """The same call at the other scheduler, until there is an answer."""
        if first is not None:
            await first

        async def answered() -> bool:
            caller.again = await self._asked(caller, 1 - caller.home)
            return caller.again is not None

        await eventually(answered, within=60)

    async def _asked(self, caller: Caller, at: int) -> Answer | None:
        request = ReserveResourcesRequest(
            vm_id=str(caller.vm_id),
            tenant_id=str(caller.tenant),
            resources=Amounts(cpu_cores=1, memory_mib=1024, storage_gib=10),
        )
        try:
            return await self._stubs[at].ReserveResources(request, timeout=30, metadata=caller.key("action"))
        except grpc.aio.AioRpcError as error:
            told = from_rpc_error(error)
            return None if isinstance(told, _DIED) else _REFUSED.get(type(told), f"{type(told).__name__}: {told}")

    async def _release(self, caller: Caller) -> None:
        request = ReleaseReservationRequest(vm_id=str(caller.vm_id))
        stub = self._stubs[caller.home]
        await stub.ReleaseReservation(request, timeout=30, metadata=caller.key("compensation"), wait_for_ready=True)

    async def _judge(self, seen: Round, callers: Sequence[Caller]) -> None:
        held, keys = await self._ledger.held(), await self._rows(_KEPT, [one.vm_id for one in callers])
        kept = {saga_id: None if text is None else Reservation.FromString(text) for saga_id, text in keys}
        placed = {one.vm_id: one.again for one in callers if isinstance(one.again, Reservation)}
        refused = Counter(one.again for one in callers if isinstance(one.again, str))
        seen.unanswered = sum(one.first is None for one in callers)
        seen.told_twice = sum(isinstance(one.first, Reservation) for one in callers)
        seen.made = len(placed)
        limited = sum(tenant == _LIMITED for tenant in held.values())
        for fault, there in {
            "an answer was another one when it was asked for again": any(
                one.first is not None and _lasting(one.first) != _lasting(one.again) for one in callers
            ),
            f"strange answers: {refused.keys() - _REFUSED.values()}": refused.keys() - _REFUSED.values(),
            "places and answers are not of the same VMs": held.keys() != placed.keys(),
            "a place is another tenant's": any(held.get(one.vm_id, one.tenant) != one.tenant for one in callers),
            "the stored answers are not those that were given": kept != placed,
            "there was room, and it was refused": refused["no room"] and len(held) < SLOTS,
            "the quota had room, and it was refused": refused["over quota"] and limited < QUOTA,
            "nodes were over": len(held) > SLOTS or await self._ledger.over("nodes"),
            "the quota was over": limited > QUOTA or await self._ledger.over("tenant_quotas"),
            "nodes or quotas are miscounted": await self._ledger.miscounted(),
            "a group was made durable, and is not there": seen.durable and seen.in_commit < 2,
            "a group was cut off, and is there": not seen.durable and seen.in_commit,
        }.items():
            if there:
                seen.wrong.append(fault)

    async def _rows(self, query: str, *values: object) -> list[Any]:
        async with self._database.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()

    async def _one(self, query: str, *values: object) -> Any:
        (row,) = await self._rows(query, *values)
        return row


def _lasting(answer: Answer | None) -> Answer | None:
    """What has to be the same again. Nothing is given back meanwhile: a refusal stays one, for either of two good reasons."""
    return "refused" if answer in _REFUSED.values() else answer


@asynccontextmanager
async def commit_kills(database_url: str, directory: Path, *, seed: int = 1) -> AsyncIterator[CommitKills]:
    """Two schedulers on this migrated, empty database."""
    database = Database(database_url)
    await database.open()
    pair = tuple(SchedulerProcess(f"{database_url}?application_name={name}", directory) for name in _NAMES)
    credentials = identification(directory, "vm").client()
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]
    channels = [grpc.aio.secure_channel(one.address, credentials, options=options) for one in pair]
    ledger = Ledger(database)
    try:
        await ledger.furnish(_NODES, SLOTS // _NODES, _LIMITED, QUOTA)
        async with database.connection() as connection:
            await connection.execute(_HOLD_GROUPS.encode())
        for one in pair:
            one.start()
        for one in pair:
            await one.ready()
        yield CommitKills(database, pair, [ReservationServiceStub(channel) for channel in channels], ledger, seed)
    finally:
        for one in pair:
            one.kill()
        for channel in channels:
            await channel.close()
        await database.close()


def table(rounds: Sequence[Round]) -> str:
    """A line a round."""
    names = ("durable", "in_commit", "unanswered", "told_twice", "made")
    lines = ["  ".join(["round", *names, "wrong"])]
    for number, one in enumerate(rounds, 1):
        figures = (f"{getattr(one, name)!s:>{len(name)}}" for name in names)
        lines.append("  ".join([f"{number:>5}", *figures, f"{len(one.wrong):>5}"]))
    return "\n".join(lines)
