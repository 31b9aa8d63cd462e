"""Scaling recommendations: made of what monitoring measured, kept, and rated by their readers."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from novacron.clock import Clock
from novacron.db import Database
from novacron.errors import AlreadyExists, NotFound
from novacron.paging import PageTokens, page_size
from novacron.saga import barrier

from .answer import Answer, M
from .clients import MonitoringClient
from .reservations import Reservations
from .resources import Resources
from .scaling.feedback import check_score
from .scaling.history import DAY, HOUR, History
from .scaling.kept import Kept
from .scaling.recommendation import Recommendation, Sizing, recommend
from .store.scaling import ScalingStore

# Five weeks: enough for a rhythm of weeks to be learned and measured.
LOOK_BACK = timedelta(seconds=35 * DAY)
MIB = 1024 * 1024


class ScalingRecommendations:
    """What may be done with recommendations."""

    def __init__(
        self,
        database: Database,
        store: ScalingStore,
        tokens: PageTokens,
        reservations: Reservations,
        monitoring: MonitoringClient,
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._tokens = tokens
        self._reservations = reservations
        self._monitoring = monitoring
        self._clock = clock

    async def generate(self, recommendation_id: UUID, vm_id: UUID, sizing: Sizing, tenant: UUID | None) -> Kept:
        """Make one and keep it; the same id again is what it was. Its past is read as if it had always had its present size.

        :raises NotFound: the VM holds nothing, or is another tenant's.
        :raises NotEnoughHistory, TooManyGaps: nothing honest can be said yet.
        :raises AlreadyExists: the id is another VM's.
        """
        held = await self._reservations.get(vm_id, tenant)
        async with self._database.connection() as connection:
            kept = await self._store.get(connection, recommendation_id)
        if kept is None:
            made = await self._made(vm_id, held.resources, sizing)
            async with self._database.connection() as connection:
                kept = await self._store.keep(connection, recommendation_id, vm_id, held.tenant_id, made)
                kept = kept or await self._store.get(connection, recommendation_id)
        if kept is None or kept.vm_id != vm_id:
            raise AlreadyExists(f"there is another recommendation {recommendation_id}: choose a new id")
        return kept

    async def _made(self, vm_id: UUID, current: Resources, sizing: Sizing) -> Recommendation:
        end = self._clock.now().replace(minute=0, second=0, microsecond=0)  # the hour that runs is not over yet
        span = (end - LOOK_BACK, end, HOUR)
        busy = await self._monitoring.most(vm_id, "cpu_usage_percent", *span)
        # Not what the guest takes of the host: that never shrinks, whatever the guest needs.
        usable = await self._monitoring.least(vm_id, "memory_available_bytes", *span)
        cpu = [(at, percent / 100 * current.cpu_cores) for at, percent in busy]
        memory = [(at, max(current.memory_mib - amount / MIB, 0.0)) for at, amount in usable]
        histories = (
            History.of_points(cpu, HOUR, end.timestamp()),
            History.of_points(memory, HOUR, end.timestamp()),
        )
        # Tens of milliseconds of arithmetic: other calls go on meanwhile.
        return await asyncio.to_thread(recommend, current, *histories, sizing)

    async def get(self, recommendation_id: UUID, tenant: UUID | None) -> Kept:
        """:raises NotFound: there is no such one, or it is another tenant's."""
        async with self._database.connection() as connection:
            kept = await self._store.get(connection, recommendation_id)
        if kept is None or tenant not in (None, kept.tenant_id):
            raise NotFound.named("recommendation", recommendation_id)
        return kept

    async def rate(self, recommendation_id: UUID, score: int, tenant: UUID | None) -> Kept:
        """:raises NotFound: there is no such one, or it is another tenant's."""
        async with self._database.connection() as connection:
            kept = await self._store.rate(connection, recommendation_id, check_score(score), tenant)
        if kept is None:
            raise NotFound.named("recommendation", recommendation_id)
        return kept

    async def applied(self, recommendation_id: UUID, answer: Answer[Kept, M]) -> M:
        """The VM has the size that this advised; the first time counts. :raises NotFound: there is no such one."""
        async with self._database.transaction() as connection:

            async def effect() -> M:
                kept = await self._store.applied(connection, recommendation_id)
                if kept is None:
                    raise NotFound.named("recommendation", recommendation_id)
                return answer.of(kept)

            return await barrier.once(connection, answer.message, effect)

    async def page(self, size: int, token: str, vm_id: UUID | None, tenant: UUID | None) -> tuple[list[Kept], str]:
        """The newest first, and the token of the next page. :raises InvalidArgument: the token is none of ours."""
        after = self._tokens.open(token, "recommendations", vm_id, tenant)
        limit = page_size(size)
        position = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
        async with self._database.connection() as connection:
            found = await self._store.page(connection, tenant, vm_id, position, limit + 1)
        if len(found) <= limit:
            return found, ""
        last = found[limit - 1]
        return found[:limit], self._tokens.seal(
            [last.created_at, last.recommendation_id], "recommendations", vm_id, tenant
        )
