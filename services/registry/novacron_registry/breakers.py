"""What may be done to breaker configurations, and what watchers of them are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID

from novacron import logs
from novacron.background import Background
from novacron.errors import AlreadyExists, Conflict, FieldViolation, InvalidArgument, NotFound

from .breaker import Breaker, NewBreaker, problems
from .breaker_store import BreakerStore

log = logs.logger(__name__)
_KIND = "breaker configuration"
_ALL = 1_000_000


class Breakers:
    """Configurations of circuit breakers. Who changes one, and why, stands in it and in the log."""

    def __init__(self, store: BreakerStore) -> None:
        self._store = store

    async def create(self, new: NewBreaker) -> Breaker:
        """:raises AlreadyExists: these breakers are configured otherwise, or the id is another one's."""
        _check(new)
        if (made := await self._store.insert(new)) is not None:
            _told("created", made)
            return made
        there = await self._store.in_the_way(new)
        if there is None:
            raise Conflict("a configuration in its way has just been deleted: repeat the request")
        if there.says(new):
            return there
        raise AlreadyExists(
            f"breakers of {there} are configured already, by {there.circuit_breaker_id}: update that one, or delete it first",
            metadata={"resource_type": _KIND, "resource": str(there.circuit_breaker_id)},
        )

    async def update(self, wanted: NewBreaker, revision: int) -> Breaker:
        """:raises Conflict: somebody else has changed it since ``revision``."""
        _check(wanted)
        before = await self.get(wanted.circuit_breaker_id)
        if before.key != wanted.key:
            raise InvalidArgument.at(
                "configuration", f"{wanted.circuit_breaker_id} is for {before}: for others create another one"
            )
        if before.says(wanted):
            return before
        changed = await self._store.update(wanted, revision)
        if changed is None:
            raise Conflict(f"the breakers of {before} were changed by somebody else: read them again, then repeat")
        _told("updated", changed)
        return changed

    async def delete(self, circuit_breaker_id: UUID) -> None:
        before = await self._store.get(circuit_breaker_id)
        if before is not None and await self._store.delete(circuit_breaker_id):
            _told("deleted", before)

    async def get(self, circuit_breaker_id: UUID) -> Breaker:
        """:raises NotFound: there is none."""
        found = await self._store.get(circuit_breaker_id)
        if found is None:
            raise NotFound.named(_KIND, circuit_breaker_id)
        return found


class BreakerWatch:
    """One look at the revisions an interval, for all watchers of this replica, and none while nobody watches.

    Looked for as services are (see :class:`~novacron_registry.watch.Watch`), and for the same reasons.
    """

    def __init__(self, store: BreakerStore, interval_seconds: float) -> None:
        self._store = store
        self._interval_seconds = interval_seconds
        self._revisions: dict[UUID, int] | None = None
        self._breakers: tuple[Breaker, ...] = ()
        self._looking = asyncio.Lock()  # two looks at once could put an older picture over a newer one
        self._turned = asyncio.Event()  # set and replaced when the picture changes
        self._watched = asyncio.Event()
        self._watchers = 0
        self._background = Background("breaker-watch", self._turn, retry_seconds=interval_seconds)

    async def start(self) -> None:
        await self._background.start()

    async def stop(self) -> None:
        await self._background.stop()

    async def of(self, service_name: str) -> AsyncGenerator[tuple[Breaker, ...]]:
        """All configurations of one caller, and all again whenever one of them has changed. Ends only with its caller."""
        self._watchers += 1
        self._watched.set()
        try:
            await self._look()
            told: tuple[Breaker, ...] | None = None
            while True:
                turned = self._turned
                mine = tuple(one for one in self._breakers if one.service_name == service_name)
                if mine != told:
                    yield mine
                    told = mine
                await turned.wait()
        finally:
            self._watchers -= 1
            if self._watchers == 0:
                self._watched.clear()

    async def _turn(self) -> float:
        await self._watched.wait()
        await self._look()
        return self._interval_seconds

    async def _look(self) -> None:
        async with self._looking:
            revisions = await self._store.revisions()
            if revisions == self._revisions:
                return
            self._breakers = tuple(await self._store.page("", None, _ALL))
            self._revisions = revisions
            turned, self._turned = self._turned, asyncio.Event()
            turned.set()


def _check(wanted: NewBreaker) -> None:
    if found := problems(wanted):
        raise InvalidArgument(
            "; ".join(f"{field}: {what}" for field, what in found),
            violations=[FieldViolation(field, what) for field, what in found],
        )


def _told(what: str, breaker: Breaker) -> None:
    log.warning(
        "breaker configuration changed",
        change=what,
        breakers=str(breaker),
        id=str(breaker.circuit_breaker_id),
        state=breaker.current_state,
        values={name: str(value) for name, value in breaker.values.items()},
        by=str(breaker.updated_by),
        reason=breaker.reason,
    )
